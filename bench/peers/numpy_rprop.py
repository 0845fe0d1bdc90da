"""iRprop- on a net of two sigmoid layers in NumPy, full batch, mean squared error, float32.

Two layouts of the same algorithm: RowMajor, (B, units), is what one writes; FeatureMajor,
(units, B), is the fastest we could write. In both a one beside the values carries the bias
through the products, no array is allocated in an epoch, and passes are as few as they can be.
The negated kernels spare the pass that negates: sigmoid(z) = 1 / (1 + exp(-z)).
"""

import numpy as np

from .. import training
from ..harness import Timed


def timed(layout, net, x, y):
    np.seterr(over="ignore")  # exp(-z) = inf is a sigmoid of 0, as it should be
    trainer = layout(net, x, y)
    return Timed(trainer.epoch, prepare=trainer.reset, answer=trainer.first_losses,
                 most=training.MOST_EPOCHS)


class RowMajor:
    """Kernels with their bias below them are (I+1,H) and (H+1,O)."""

    def __init__(self, net, x, y):
        if len(net.layers) != 2 or {net.hidden, net.output} != {"sigmoid"}:
            raise ValueError(f"wanted two sigmoid layers, got {net.activations}")
        self.start = np.concatenate([self.matrix(layer).ravel() for layer in net.layers])
        self.shapes = [self.matrix(layer).shape for layer in net.layers]
        self.w, self.minus, self.step, self.turned, self.scratch = empty(5, self.start.size)
        self.gradients = [(flat, *self.matrices(flat)) for flat in empty(2, self.start.size)]
        self.minus1, self.minus2 = self.matrices(self.minus)
        self.allocate(x, y, *net.sizes)
        self.reset()

    matrix = staticmethod(np.vstack)

    def matrices(self, flat):
        """Views of a flat vector, one for each layer."""
        first, last = self.shapes
        cut = first[0] * first[1]
        return flat[:cut].reshape(first), flat[cut:].reshape(last)

    def allocate(self, x, y, inputs, hidden, outputs):
        rows = len(x)
        self.x, self.y = np.hstack([x, np.ones((rows, 1), np.float32)]), y
        self.w2 = self.matrices(self.w)[1][:-1]
        self.a1 = np.ones((rows, hidden + 1), np.float32)
        self.z1, self.d1, self.slope1 = empty(3, rows, hidden)
        self.a2, self.d2, self.slope2 = empty(3, rows, outputs)

    def reset(self):
        self.w[:] = self.start
        self.step[:] = training.STEP_START
        for flat, *_ in self.gradients:
            flat[:] = 0.0

    def first_losses(self):
        self.reset()
        return np.array([self.epoch() for _ in range(training.EPOCHS)])

    def epoch(self):
        """Forward, backward and one update; -> the loss before it."""
        self.gradients.reverse()
        (g, g1, g2), (before, *_) = self.gradients
        np.negative(self.w, out=self.minus)
        self.forward()
        np.subtract(self.a2, self.y, out=self.d2)
        flat = self.d2.reshape(-1)
        loss = float(np.dot(flat, flat)) / flat.size
        flat *= 2.0 / flat.size
        self.backward(g1, g2)
        self.update(g, before)
        return loss

    def forward(self):
        np.dot(self.x, self.minus1, out=self.z1)
        sigmoid_of_minus(self.z1)
        self.a1[:, :-1] = self.z1
        np.dot(self.a1, self.minus2, out=self.a2)
        sigmoid_of_minus(self.a2)

    def backward(self, g1, g2):
        times_slope(self.d2, self.a2, self.slope2)
        np.dot(self.a1.T, self.d2, out=g2)
        np.dot(self.d2, self.w2.T, out=self.d1)
        times_slope(self.d1, self.z1, self.slope1)
        np.dot(self.x.T, self.d1, out=g1)

    def update(self, g, before):
        """turned t is 1 where the sign stayed, -1 where it changed; step *= 1 + t (a + b t),
        which is 1.2, 0.5, or 1 at t = 0."""
        turned, scratch, step = self.turned, self.scratch, self.step
        np.multiply(g, before, out=turned)
        np.sign(turned, out=turned)
        np.multiply(turned, (training.INCREASE + training.DECREASE) / 2 - 1, out=scratch)
        scratch += (training.INCREASE - training.DECREASE) / 2
        scratch *= turned
        scratch += 1.0
        step *= scratch
        np.minimum(step, training.STEP_MAX, out=step)
        np.maximum(step, training.STEP_MIN, out=step)
        np.greater_equal(turned, 0.0, out=scratch)
        g *= scratch
        np.sign(g, out=scratch)
        scratch *= step
        self.w -= scratch


class FeatureMajor(RowMajor):
    """Kernels with their bias beside them are (H,I+1) and (O,H+1); the row of ones below the
    activations leaves them one block of memory, so each pass over them is one long loop."""

    @staticmethod
    def matrix(layer):
        return np.vstack(layer).T

    def allocate(self, x, y, inputs, hidden, outputs):
        rows = len(x)
        self.x = np.vstack([x.T, np.ones((1, rows), np.float32)])
        self.y = np.ascontiguousarray(y.T)
        self.w2 = self.matrices(self.w)[1][:, :-1]
        self.a1 = np.ones((hidden + 1, rows), np.float32)
        self.z1 = self.a1[:-1]
        self.d1, self.slope1 = empty(2, hidden, rows)
        self.a2, self.d2, self.slope2 = empty(3, outputs, rows)

    def forward(self):
        np.dot(self.minus1, self.x, out=self.z1)
        sigmoid_of_minus(self.z1)
        np.dot(self.minus2, self.a1, out=self.a2)
        sigmoid_of_minus(self.a2)

    def backward(self, g1, g2):
        times_slope(self.d2, self.a2, self.slope2)
        np.dot(self.d2, self.a1.T, out=g2)
        np.dot(self.w2.T, self.d2, out=self.d1)
        times_slope(self.d1, self.z1, self.slope1)
        np.dot(self.d1, self.x.T, out=g1)


def sigmoid_of_minus(z):
    """1 / (1 + exp(z)), in place"""
    np.exp(z, out=z)
    z += 1.0
    np.reciprocal(z, out=z)


def times_slope(d, a, scratch):
    """d *= a (1 - a)"""
    np.subtract(1.0, a, out=scratch)
    scratch *= a
    d *= scratch


def empty(count, *shape):
    return [np.empty(shape, np.float32) for _ in range(count)]
