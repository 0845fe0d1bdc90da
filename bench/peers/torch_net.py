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
        self.x, self.y, self.loss = x, y, torch.nn.MSELoss()
        self.model = _model(net.layers, net.activations)
        self.start = [p.detach().clone() for p in self.model.parameters()]
        self.optimizer = torch.optim.Rprop(
            self.model.parameters(), lr=training.STEP_START, foreach=True,
            etas=(training.DECREASE, training.INCREASE),
            step_sizes=(training.STEP_MIN, training.STEP_MAX),
        )

    @torch.no_grad()
    def reset(self):
        for p, start in zip(self.model.parameters(), self.start, strict=True):
            p.copy_(start)
        for state in self.optimizer.state.values():
            state["prev"].zero_()
            state["step_size"].fill_(training.STEP_START)

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
    """torch.optim.Adam, all parameters in one fused step; batches cut beforehand."""

    def __init__(self, net, x, y):
        order = torch.from_numpy(training.shuffled(len(x)))
        self.net, self.loss = net, torch.nn.CrossEntropyLoss()
        self.x, self.y = x[order], y.argmax(dim=1)[order]
        self.batches = list(zip(self.x.split(training.BATCH), self.y.split(training.BATCH),
                                strict=True))
        self.reset()

    def reset(self):
        self.model = _model(self.net.layers, ["relu", "logits"])
        rate, beta_1, beta_2, epsilon = training.ADAM.values()
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=rate, betas=(beta_1, beta_2), eps=epsilon, fused=True
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
        mean = np.mean([loss.item() for loss in self.epoch()])
        with torch.inference_mode():
            return np.array([mean, self.loss(self.model(self.x), self.y).item()])
