"""respnet in process: arrays bound once, as onnxruntime's; training through ``Trainer``."""

import numpy as np

from .. import training
from ..harness import Timed


def inference(model, x):
    binding = model.bind(x)

    def answer():
        binding()
        return binding.outputs[0]

    return Timed(binding, answer=answer)


def adam(model, x, y):
    """Batches as large as the set: an epoch is a step, with the gathering of its rows."""
    trainer = model.trainer(
        "adam", training.ADAM, batch_size=len(x), seed=training.ORDER_SEED, shapes=[x.shape[1:]]
    )
    first = np.array([trainer.evaluate(trainer.bind(x, y))[0]])
    return Timed(trainer.epoch, answer=lambda: first)
