"""The nets every side of a contest gets: the same weights, and the answer in float64."""

from dataclasses import dataclass

import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def relu(z):
    return np.maximum(z, 0.0)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


ACTIVATIONS = {"sigmoid": sigmoid, "relu": relu, "softmax": softmax}


@dataclass(frozen=True)
class Net:
    """A dense net: kernel (I,O) and bias (O) of each layer, float32."""

    sizes: tuple[int, ...]
    hidden: str
    output: str
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]

    @classmethod
    def random(cls, sizes, hidden, output, seed=1):
        """Kernels uniform in +-sqrt(3 / I): outputs of layers keep their variance."""
        rng = np.random.default_rng(seed)

        def layer(i, o):
            kernel = rng.uniform(-1, 1, (i, o)) * np.sqrt(3 / i)
            return kernel.astype(np.float32), rng.uniform(-0.1, 0.1, o).astype(np.float32)

        layers = tuple(layer(i, o) for i, o in zip(sizes, sizes[1:], strict=False))
        return cls(tuple(sizes), hidden, output, layers)

    @property
    def name(self) -> str:
        return "-".join(map(str, self.sizes))

    @property
    def activations(self) -> list[str]:
        """The activation of each layer."""
        return [self.hidden] * (len(self.layers) - 1) + [self.output]

    def predict64(self, x):
        """x (B,I) -> y (B,O) in float64: what every side must answer."""
        for (kernel, bias), name in zip(self.layers, self.activations, strict=True):
            x = ACTIVATIONS[name](x.astype(np.float64) @ kernel + bias)
        return x


def rows(count: int, width: int, seed: int = 2):
    """Inputs (B,I), standard normal, float32."""
    return np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)


def one_hot(count: int, width: int, seed: int = 3):
    """Targets (B,O), one 1 in each row, float32."""
    classes = np.random.default_rng(seed).integers(0, width, count)
    return np.eye(width, dtype=np.float32)[classes]
