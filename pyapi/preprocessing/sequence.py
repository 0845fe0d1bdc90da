"""Sequences: padding, windows of a series, minibatches that go on from batch to batch."""

from collections.abc import Iterator

import numpy as np

from ..feeding import PyDataset


def pad_sequences(
    sequences,
    maxlen: int | None = None,
    dtype="int32",
    padding: str = "pre",
    truncating: str = "pre",
    value=0.0,
) -> np.ndarray:
    """Lists of any length -> (N, maxlen,...): ``value`` in front, and cut in front ("pre" or
    "post" each).
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ValueError(f"{name} must be pre or post, got {side!r}")
    arrays = [np.asarray(sequence) for sequence in sequences]
    length = max(map(len, arrays), default=0) if maxlen is None else maxlen
    inner = next((a.shape[1:] for a in arrays if len(a)), ())
    out = np.full((len(arrays), length, *inner), value, dtype)
    for row, array in zip(out, arrays, strict=True):
        array = array[max(0, len(array) - length) :] if truncating == "pre" else array[:length]
        start = length - len(array) if padding == "pre" else 0
        row[start : start + len(array)] = array
    return out


def sliding_windows(series, length: int, step: int = 1, ahead: int = 1):
    """series (N,...) -> x (n, length,...) and y (n,...), the value ``ahead`` steps behind each."""
    series = np.asarray(series)
    count = len(series) - length - ahead + 1
    if length < 1 or step < 1 or ahead < 1 or count < 1:
        raise ValueError(
            f"a series of {len(series)} has no windows of {length} with a value {ahead} ahead"
        )
    starts = np.arange(0, count, step)
    return series[starts[:, None] + np.arange(length)], series[starts + length + ahead - 1]


def relative_windows(series, length: int):
    """Windows of length + 1, each divided by its first value, minus 1: x (n, length, 1), y (n,).

    A window is 0 at its begin and tells changes only, whatever the level of a price.
    """
    series = np.asarray(series, np.float64)
    x, y = sliding_windows(series, length)
    return (x / x[:, :1] - 1)[..., None], y / x[:, 0] - 1


class TimeseriesGenerator(PyDataset):
    """Batches of windows: x (B, length / sampling_rate,...) and the target behind each window."""

    def __init__(self, data, targets, length: int, sampling_rate=1, stride=1, batch_size=128):
        super().__init__()
        if len(data) != len(targets):
            raise ValueError(f"{len(data)} values, but {len(targets)} targets")
        self.data, self.targets = np.asarray(data), np.asarray(targets)
        self.length, self.sampling_rate = length, sampling_rate
        self.batch_size, self._ends = batch_size, np.arange(length, len(data), stride)

    def __len__(self):
        return -(-len(self._ends) // self.batch_size)

    def __getitem__(self, index):
        ends = self._ends[index * self.batch_size : (index + 1) * self.batch_size]
        places = ends[:, None] - self.length + np.arange(0, self.length, self.sampling_rate)
        return self.data[places], self.targets[ends]


def minibatch_sequencer(
    data, batch_size: int, sequence_size: int, epochs: int
) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """data (N,) -> (x (B,T), y (B,T), epoch) without end of the text in between.

    Row k of a batch goes on where row k of the batch before ended, so states may be carried over;
    also from one epoch to the next, for which the rows move up by one each. y is x one place
    further. What does not fill a batch is dropped.
    """
    data = np.asarray(data)
    batches = (len(data) - 1) // (batch_size * sequence_size)
    if batches < 1:
        raise ValueError(
            f"{len(data)} codes do not fill one batch of {batch_size} rows of {sequence_size}"
        )
    used = batches * batch_size * sequence_size
    rows = [part.reshape(batch_size, -1) for part in (data[:used], data[1 : used + 1])]
    for epoch in range(epochs):
        for first in range(0, batches * sequence_size, sequence_size):
            x, y = (np.roll(r[:, first : first + sequence_size], -epoch, axis=0) for r in rows)
            yield x, y, epoch


__all__ = [
    "TimeseriesGenerator",
    "minibatch_sequencer",
    "pad_sequences",
    "relative_windows",
    "sliding_windows",
]
