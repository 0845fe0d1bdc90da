"""Data sets from local files."""

import numpy as np
import pytest

from respnet.compat import keras
from respnet.datasets import load_cifar10


def test_cifar10_is_read_as_pictures(tmp_path):
    rng = np.random.default_rng(0)
    for name, count in (("data_batch_1", 3), ("data_batch_2", 2), ("test_batch", 4)):
        rows = rng.integers(0, 256, (count, 3073), np.uint8)
        rows[:, 0] = np.arange(count)
        rows.tofile(tmp_path / f"{name}.bin")
    (x, y), (x_test, y_test) = load_cifar10(tmp_path)
    assert x.shape == (5, 32, 32, 3) and x.dtype == np.uint8 and x_test.shape == (4, 32, 32, 3)
    assert y.ravel().tolist() == [0, 1, 2, 0, 1] and y_test.shape == (4, 1)
    raw = np.fromfile(tmp_path / "test_batch.bin", np.uint8).reshape(4, 3073)
    # in a row of the file: all of red, then green, then blue
    assert x_test[2, 5, 7].tolist() == [raw[2, 1 + c * 1024 + 5 * 32 + 7] for c in range(3)]


def test_damaged_and_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="has no data_batch"):
        load_cifar10(tmp_path)
    for name in ("data_batch_1", "test_batch"):
        (tmp_path / f"{name}.bin").write_bytes(b"12345")
    with pytest.raises(ValueError, match="5 bytes are no pictures of 3073 bytes"):
        load_cifar10(tmp_path)


def test_old_programs_find_it_where_keras_keeps_its_files(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="cifar-10-batches-bin"):
        keras.datasets.cifar10.load_data()
    folder = tmp_path / ".keras/datasets/cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for name in ("data_batch_1", "test_batch"):
        np.zeros(3073, np.uint8).tofile(folder / f"{name}.bin")
    (x, _), _ = keras.datasets.cifar10.load_data()
    assert x.shape == (1, 32, 32, 3)
