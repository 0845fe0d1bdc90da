"""Known data sets from files that are already here; nothing is downloaded."""

from pathlib import Path

import numpy as np

_ROW = 1 + 3 * 32 * 32  # bytes: the class, then the red, green and blue pixels, row by row


CIFAR10 = "~/.keras/datasets/cifar-10-batches-bin"  # where Keras keeps its files, too


def load_cifar10(folder=CIFAR10):
    """(x, y), (x_test, y_test) of CIFAR-10: x (N,32,32,3) and classes y (N,1), both uint8.

    folder: of the "binary version" (data_batch_1.bin ... data_batch_5.bin and test_batch.bin) of
    https://www.cs.toronto.edu/~kriz/cifar.html.
    """
    folder = Path(folder).expanduser()
    training = sorted(folder.glob("data_batch_*.bin"))
    test = folder / "test_batch.bin"
    if not training or not test.exists():
        raise FileNotFoundError(
            f"{folder} has no data_batch_*.bin and test_batch.bin; nothing is downloaded here, put "
            "the binary version of https://www.cs.toronto.edu/~kriz/cifar.html there"
        )
    return _pictures(training), _pictures([test])


def _pictures(paths):
    data = np.concatenate([np.fromfile(path, np.uint8) for path in paths])
    if data.size % _ROW:
        raise ValueError(f"{paths[0].parent}: {data.size} bytes are no pictures of {_ROW} bytes")
    rows = data.reshape(-1, _ROW)
    pictures = rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(pictures), rows[:, :1].copy()


__all__ = ["load_cifar10"]
