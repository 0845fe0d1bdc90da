"""PyTorch, eager, on the layers of a convolutional net; its images are (B,C,Y,X)."""

import numpy as np
import torch
from torch import nn

from .. import training
from ..harness import Timed

torch.set_num_threads(1)
FORMAT = torch.contiguous_format


def net_of(model, order):
    """The layers of a spec with its weights, softmax left to the loss."""
    parts = [part for node in model.spec.nodes for part in _parts(node, model)]
    return nn.Sequential(*parts).to(memory_format=order)


def _parts(node, model):
    views = [model.view(f"{node.name}/{name}") for name in model.layout.of(node.name)]
    if node.kind == "max_pooling2d":
        return [nn.MaxPool2d(2)]
    if node.kind == "flatten":
        return [nn.Flatten()]
    if node.kind == "dropout":
        return [nn.Dropout(node.config["rate"])]
    kernel, bias = views
    if node.kind == "conv2d":
        *_, inputs, outputs = kernel.shape
        part = nn.Conv2d(inputs, outputs, 3, padding=node.config.get("padding", "valid"))
        kernel = kernel.transpose(3, 2, 0, 1)
    else:
        kernel = _by_channels(node, kernel, model)
        part = nn.Linear(*kernel.shape[::-1])
    with torch.no_grad():
        part.weight.copy_(torch.tensor(np.ascontiguousarray(kernel)))
        part.bias.copy_(torch.tensor(bias))
    return [part, nn.ReLU()] if node.config["activation"] == "relu" else [part]


def _by_channels(node, kernel, model):
    """Transposed; behind Flatten the inputs go channel by channel here."""
    flat = next(
        (n for n in model.spec.nodes if n.kind == "flatten" and n.name in node.inputs), None
    )
    if flat is None:
        return kernel.T
    y, x, c = model.layout.shapes[flat.inputs[0]]
    return kernel.reshape(y, x, c, -1).transpose(3, 2, 0, 1).reshape(-1, y * x * c)


def inference(model, x, order=FORMAT):
    net, given = net_of(model, order).eval(), _images(x, order)

    def predict(given):
        with torch.inference_mode():
            return net(given).softmax(1)

    return Timed(predict, given, answer=lambda: predict(given).numpy())


def rmsprop(model, x, y, order=FORMAT):
    net, given, target = net_of(model, order), _images(x, order), torch.tensor(y).flatten()
    rate, rho, epsilon = training.RMSPROP.values()
    optimizer = torch.optim.RMSprop(net.parameters(), lr=rate, alpha=rho, eps=epsilon)
    loss = nn.CrossEntropyLoss()
    with torch.no_grad():
        first = loss(net.eval()(given), target).item()
    net.train()

    def step():
        optimizer.zero_grad()
        loss(net(given), target).backward()
        optimizer.step()

    return Timed(step, answer=lambda: np.array([first]))


def _images(x, order):
    return torch.tensor(np.moveaxis(x, -1, 1).copy()).to(memory_format=order)
