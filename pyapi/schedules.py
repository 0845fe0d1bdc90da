"""Learning rates as functions of the step; give one as ``learning_rate`` of an optimizer."""

from bisect import bisect_left
from math import cos, floor, pi

from .arguments import REQUIRED, Configured


class LearningRateSchedule(Configured):
    """Base: call it with the number of the step, from 0."""

    def __call__(self, step: int) -> float:
        raise NotImplementedError


class InverseTimeDecay(LearningRateSchedule):
    """initial / (1 + decay_rate * step / decay_steps); in whole stairs if asked for"""

    arguments = {
        "initial_learning_rate": REQUIRED,
        "decay_steps": REQUIRED,
        "decay_rate": REQUIRED,
        "staircase": False,
    }

    def __call__(self, step):
        part = step / self.decay_steps
        part = floor(part) if self.staircase else part
        return self.initial_learning_rate / (1 + self.decay_rate * part)


class ExponentialDecay(LearningRateSchedule):
    """initial * decay_rate ** (step / decay_steps)"""

    arguments = InverseTimeDecay.arguments

    def __call__(self, step):
        part = step / self.decay_steps
        part = floor(part) if self.staircase else part
        return self.initial_learning_rate * self.decay_rate**part


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to and including boundaries[0], then values[1] ..."""

    arguments = {"boundaries": REQUIRED, "values": REQUIRED}

    def __call__(self, step):
        return self.values[bisect_left(self.boundaries, step)]


class PolynomialDecay(LearningRateSchedule):
    """From initial to end along (1 - step / decay_steps) ** power"""

    arguments = {
        "initial_learning_rate": REQUIRED,
        "decay_steps": REQUIRED,
        "end_learning_rate": 0.0001,
        "power": 1.0,
    }

    def __call__(self, step):
        left = 1 - min(step, self.decay_steps) / self.decay_steps
        span = self.initial_learning_rate - self.end_learning_rate
        return self.end_learning_rate + span * left**self.power


class CosineDecay(LearningRateSchedule):
    """Half a cosine from initial to alpha * initial (Loshchilov and Hutter 2017), after a warm-up
    along a line to ``warmup_target``
    """

    arguments = {
        "initial_learning_rate": REQUIRED,
        "decay_steps": REQUIRED,
        "alpha": 0.0,
        "warmup_target": None,
        "warmup_steps": 0,
    }

    def __call__(self, step):
        top = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return top + (self.warmup_target - top) * step / self.warmup_steps
            top, step = self.warmup_target, step - self.warmup_steps
        wave = 0.5 * (1 + cos(pi * min(step, self.decay_steps) / self.decay_steps))
        return top * ((1 - self.alpha) * wave + self.alpha)


__all__ = ["LearningRateSchedule", *(c.__name__ for c in LearningRateSchedule.__subclasses__())]
