"""respnet in process on images: arrays bound once; training through ``Trainer``."""

import numpy as np

from .. import training
from ..harness import Timed
from .respnet_rnn import inference

__all__ = ["inference", "rmsprop"]


def rmsprop(model, x, y):
    """A batch as large as the set: an epoch is a step, with the gathering of its rows."""
    trainer = model.trainer(
        "rmsprop", training.RMSPROP, batch_size=len(x), seed=training.ORDER_SEED
    )
    first = np.array([trainer.evaluate(trainer.bind(x, y))[0]])
    return Timed(trainer.epoch, answer=lambda: first)
