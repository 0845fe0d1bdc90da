"""An alias: another name for a model, moved from one version to the next in one step."""

import logging

import numpy as np

from .ai_run import compute
from .ai_tensor import DTYPES
from .values import Value

log = logging.getLogger("respnet.ai")


class AliasValue(Value):
    """target: the key of a model in the same database."""

    __slots__ = ("target",)

    kind = 13
    type_name = "AI__ALIAS"
    copyable = True

    def __init__(self, target):
        self.id = self.generation = 0
        self.target = target

    def memory_usage(self):
        return 120 + len(self.target)

    def dump(self):
        return self.target, []

    @classmethod
    def load(cls, head, parts):
        return cls(b"".join(parts) if parts else head)

    def copy(self):
        return AliasValue(self.target)


def warm_up(model, seconds):
    """Run a model on zeros, so that the first client does not wait for what a first run prepares;
    not for the loop. CommandError if it cannot be loaded."""
    runnable = model.ready(seconds)
    arrays = [zeros(slot) for slot in model.inputs]
    if any(array is None for array in arrays):
        return
    try:
        for _ in range(2):  # the second one is measured
            compute(runnable, runnable.run, arrays)
    except Exception as error:
        log.info("a model does not run on zeros: %s", error)


def zeros(slot):
    """One row; lengths that may change are 1. None if the slot does not say enough."""
    if slot.shape is None or slot.dtype not in DTYPES:
        return None
    return np.zeros([1 if n is None else n for n in slot.shape], DTYPES[slot.dtype])
