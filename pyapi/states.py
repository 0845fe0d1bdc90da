"""States of stateful layers, carried from batch to batch: hidden inputs and outputs of a model."""

from contextlib import contextmanager

import numpy as np


class States:
    """names: of the hidden inputs; sources: of the outputs that are their next values."""

    def __init__(self, calls):
        pairs = [pair for call in calls for pair in _pairs(call)]
        self.names = [symbol.name for symbol, _ in pairs]
        self.sources = [source for _, source in pairs]
        self._widths = [symbol.shape[1:] for symbol, _ in pairs]
        self._values: list[np.ndarray] | None = None

    def __bool__(self) -> bool:
        return bool(self.names)

    def values(self, rows: int) -> list[np.ndarray]:
        """The states now: zeros at the begin. A batch of another size is an error."""
        if self._values is None:
            self._values = [np.zeros((rows, *width), np.float32) for width in self._widths]
        if len(self._values[0]) != rows:
            raise ValueError(
                f"states are of {len(self._values[0])} rows, this batch has {rows}; batches of a "
                "stateful model must be of one size, or call reset_states() first"
            )
        return self._values

    def keep(self, values: list[np.ndarray]) -> None:
        """What the batch ended with."""
        self._values = [np.array(value) for value in values]

    def reset(self, names=None) -> None:
        """Zeros again, in all of them or in those of these inputs."""
        if names is None or self._values is None:
            self._values = None
            return
        for i, name in enumerate(self.names):
            if name in names:
                self._values[i] = np.zeros_like(self._values[i])

    @contextmanager
    def aside(self):
        """Within the block they begin with zeros; after it they are as before."""
        before, self._values = self._values, None
        try:
            yield
        finally:
            self._values = before


def _pairs(call) -> list[tuple]:
    """(hidden input, the engine's name of its next value) of one call."""
    own = [symbol for symbol in call.inputs if symbol.call.hidden]
    return list(zip(own, call.states, strict=True)) if own else []
