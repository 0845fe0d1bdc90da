"""A layer and a training loop of one's own: bumps on the plane tell three rings apart.

Layers are written with respnet.ops, whose gradients come by themselves (docs/ops.md). The loop does
what fit does, and between gradients and step something of its own: it keeps steps short.
"""

import argparse

import numpy as np

import respnet
from respnet import ops
from respnet.demos import circles
from respnet.draw import decision_grid, decision_map
from respnet.initializers import Constant, RandomUniform
from respnet.optimizers import Adam


class Bumps(respnet.layers.Layer):
    """exp(-steepness |x - centre|^2) for each of some units: x (B,I) -> y (B,units)"""

    def __init__(self, units, **options):
        super().__init__(**options)
        self.units = units

    def build(self, input_shape):
        self.centre = self.add_weight(
            (self.units, input_shape[-1]), RandomUniform(-1.0, 1.0), name="centre"
        )
        self.steepness = self.add_weight((self.units,), Constant(5.0), name="steepness")

    def call(self, inputs):
        away = ops.expand_dims(inputs, 1) - self.centre  # (B,units,I)
        return ops.exp(-self.steepness * ops.sum(ops.square(away), axis=-1))


def batches(x, y, size):
    order = np.random.permutation(len(x))
    for first in range(0, len(x), size):
        rows = order[first : first + size]
        yield x[rows], y[rows]


def shortened(gradients, longest):
    """Gradients, scaled so that all together are no longer than that."""
    length = np.sqrt(sum(float(np.sum(np.square(g))) for g in gradients))
    return [g * min(1.0, longest / max(length, 1e-12)) for g in gradients]


def main(options):
    respnet.set_random_seed(options.seed)
    x, label = circles(1500, seed=options.seed)
    x_train, y_train, x_test, y_test = x[:1000], label[:1000], x[1000:], label[1000:]
    model = respnet.Sequential(
        [respnet.Input((2,)), Bumps(options.units), respnet.Dense(3, activation="softmax")]
    )
    model.compile(Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()

    for epoch in range(options.epochs):
        losses = []
        for batch in batches(x_train, y_train, 50):
            loss, gradients = model.loss_and_gradients(*batch)
            model.apply_gradients(shortened(gradients, longest=1.0))
            losses.append(loss)
        if (epoch + 1) % 10 == 0:
            print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}")

    grid = decision_grid(lambda points: model.predict(points).argmax(-1), (-1, -1, 1, 1), 48, 24)
    print(decision_map(grid))
    _, accuracy = model.evaluate(x_test, y_test)
    print(f"accuracy {accuracy:.3f} on {len(x_test)} points it has not seen")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--units", type=int, default=24)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    main(parser.parse_args())
