"""respnet in process, through its public API."""

import numpy as np

from respnet.engine import Model, ModelSpec

from .. import training
from ..harness import Timed


def model(net, **options):
    """A Model with the weights of ``net``."""
    spec = ModelSpec.dense(net.sizes, role="model", hidden=net.hidden, output=net.output, **options)
    made = Model(spec)
    vector = made.weights.vector.copy()
    for k, layer in enumerate(net.layers):
        for name, value in zip(("kernel", "bias"), layer, strict=True):
            made.layout.view(vector, f"dense_{k}/{name}")[...] = value
    made.swap(vector)
    return made


def inference(net, x):
    return Timed(model(net).predict, x)


def rprop(net, x, y):
    trainer = model(net, loss="mse").trainer("rprop", {"step_start": training.STEP_START})
    trainer.bind(x, y)
    start = trainer.snapshot()

    def first_losses():
        trainer.restore(start)
        return np.array([trainer.epoch() for _ in range(training.EPOCHS)])

    return Timed(trainer.epoch, prepare=lambda: trainer.restore(start), answer=first_losses,
                 most=training.MOST_EPOCHS)


def adam(net, x, y):
    """Its epochs shuffle and gather their rows too."""
    trainer = model(net, loss="categorical_crossentropy").trainer(
        "adam", training.ADAM, batch_size=training.BATCH, seed=training.ORDER_SEED)
    trainer.bind(x, y)
    # The first epoch alone has the order the other sides were given.
    losses = np.array([trainer.epoch(), trainer.evaluate()[0]])
    return Timed(trainer.epoch, work=len(x) // training.BATCH, answer=lambda: losses)
