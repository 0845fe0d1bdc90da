"""PyTorch, eager: ``nn.Sequential``, ``inference_mode``, the foreach Rprop and the fused Adam."""

import numpy as np
import torch

from .. import training
from ..harness import Timed

torch.set_num_threads(1)
ACTIVATIONS = {
    "sigmoid": torch.nn.Sigmoid,
    "relu": torch.nn.ReLU,
    "softmax": lambda: torch.nn.Softmax(dim=1),
    "logits": torch.nn.Identity,
}


def _model(layers, activations):
    modules = []
    for (kernel, bias), name in zip(layers, activations, strict=True):
        linear = torch.nn.Linear(*kernel.shape)
        linear.weight.data = torch.from_numpy(kernel.T.copy())
        linear.bias.data = torch.from_numpy(bias.copy())
        modules += [linear, ACTIVATIONS[name]()]
    return torch.nn.Sequential(*modules)


def inference(net, x):
    model, given = _model(net.layers, net.activations).eval(), torch.from_numpy(x)

    def predict(given):
        with torch.inference_mode():
            return model(given)

    return Timed(predict, given, answer=lambda: predict(given).numpy())


def rprop(net, x, y):
    trainer = Rprop(net, torch.from_numpy(x), torch.from_numpy(y))
    return Timed(trainer.epoch, prepare=trainer.reset, answer=trainer.first_losses,
                 most=training.MOST_EPOCHS)


class Rprop:
    """torch.optim.Rprop is iRprop-."""

    def __init__(self, net, x, y):
        self.net, self.x, self.y, self.loss = net, x, y, torch.nn.MSELoss()
        self.reset()

    def reset(self):
        self.model = _model(self.net.layers, self.net.activations)
        self.optimizer = torch.optim.Rprop(
            self.model.parameters(), lr=training.STEP_START, foreach=True,
            etas=(training.DECREASE, training.INCREASE),
            step_sizes=(training.STEP_MIN, training.STEP_MAX),
        )

    def epoch(self):
        self.optimizer.zero_grad()
        loss = self.loss(self.model(self.x), self.y)
        loss.backward()
        self.optimizer.step()
        return loss

    def first_losses(self):
        self.reset()
        return np.array([self.epoch().item() for _ in range(training.EPOCHS)])


def adam(net, x, y):
    trainer = Adam(net, torch.from_numpy(x), torch.from_numpy(y))
    return Timed(trainer.epoch, work=len(x) // training.BATCH, answer=trainer.first_losses)


class Adam:
    """torch.optim.Adam, all parameters in one fused step."""

    def __init__(self, net, x, y):
        self.net, self.loss = net, torch.nn.CrossEntropyLoss()
        classes = y.argmax(dim=1)
        self.batches = list(zip(x.split(training.BATCH), classes.split(training.BATCH),
                                strict=True))
        self.reset()

    def reset(self):
        self.model = _model(self.net.layers, ["relu", "logits"])
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=training.LEARNING_RATE, fused=True,
            betas=(training.BETA_1, training.BETA_2), eps=training.EPSILON,
        )

    def epoch(self):
        """-> the loss of each batch, as tensors"""
        return [self.step(x, y) for x, y in self.batches]

    def step(self, x, y):
        self.optimizer.zero_grad()
        loss = self.loss(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def first_losses(self):
        self.reset()
        epochs = range(training.ADAM_EPOCHS)
        return np.array([np.mean([loss.item() for loss in self.epoch()]) for _ in epochs])
