"""PyTorch, eager, on the layers of a recurrent net; Adam fused."""

import numpy as np
import torch
from torch import nn

from .. import training
from ..harness import Timed

torch.set_num_threads(1)
RECURRENT = {"simple_rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Net(nn.Module):
    """The layers (kind, config) of a spec, with its weights."""

    def __init__(self, model):
        super().__init__()
        self.nodes = model.spec.nodes
        self.parts = nn.ModuleDict({n.name: _part(n, model) for n in self.nodes if _sized(n)})

    def forward(self, x):
        for node in self.nodes:
            if node.kind == "repeat_vector":
                x = x[:, None].expand(-1, node.config["n"], -1)
            elif node.kind in RECURRENT:
                y, _ = self.parts[node.name](x)
                x = y if node.config.get("return_sequences") else y[:, -1]
            else:
                x = self.parts[node.name](x)
                x = torch.relu(x) if node.config.get("activation") == "relu" else x
        return x


def _sized(node):
    return node.kind != "repeat_vector"


def _part(node, model):
    views = [model.view(f"{node.name}/{name}") for name in model.layout.of(node.name)]
    if node.kind == "embedding":
        return nn.Embedding.from_pretrained(torch.tensor(views[0]), freeze=False)
    inputs, width = views[0].shape
    if node.kind == "dense":
        part, values = nn.Linear(inputs, width), (views[0].T, views[1])
    else:
        part = RECURRENT[node.kind](inputs, node.config["units"], batch_first=True)
        values = _gates(node, *views)
    with torch.no_grad():
        for parameter, value in zip(part.parameters(), values, strict=True):
            parameter.copy_(torch.tensor(np.ascontiguousarray(value)))
    return part


def _gates(node, kernel, recurrent, bias):
    """Transposed; the gates of torch's GRU are r, z, n, and it adds two biases."""
    biases = bias if node.kind == "gru" else (bias, np.zeros_like(bias))
    order, units = np.arange(kernel.shape[1]), node.config["units"]
    if node.kind == "gru":
        order = np.r_[units : 2 * units, :units, 2 * units : 3 * units]
    return [value[order] for value in (kernel.T, recurrent.T, *biases)]


def inference(model, x):
    net, given = Net(model).eval(), torch.from_numpy(x)

    def predict(given):
        with torch.inference_mode():
            return net(given)

    return Timed(predict, given, answer=lambda: predict(given).numpy())


def adam(model, x, y):
    net = Net(model)
    words = model.spec.nodes[0].kind == "embedding"
    given = torch.tensor(x, dtype=torch.long if words else torch.float32)
    loss = loss_of(model.spec.loss, y)
    optimizer = torch.optim.Adam(net.parameters(), fused=True, lr=training.ADAM["learning_rate"])
    with torch.no_grad():
        first = loss(net(given)).item()

    def step():
        optimizer.zero_grad()
        loss(net(given)).backward()
        optimizer.step()

    return Timed(step, answer=lambda: np.array([first]))


def loss_of(name, y, device="cpu"):
    if name == "mse":
        target = torch.tensor(y, dtype=torch.float32, device=device)
        return lambda out: ((out - target) ** 2).mean()
    target = torch.tensor(y, device=device).long().flatten()
    return lambda out: nn.functional.cross_entropy(out.reshape(len(target), -1), target)
