"""Event files: framing, checksums and messages, read back byte by byte."""

import struct

import numpy as np

from respnet.callbacks import TensorBoard
from respnet.callbacks.tensorboard import crc32c, masked, record, varint
from respnet.layers import Dense
from respnet.models import Sequential


def records(data):
    """The data of every TFRecord; checksums are verified."""
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        assert data[8:12] == masked(data[:8])
        body, data = data[12 : 12 + length], data[12 + length :]
        assert data[:4] == masked(body)
        data = data[4:]
        yield body


def fields(data):
    """(number, value) of each field of a protobuf message."""
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            yield key >> 3, number()
            continue
        length = {1: 8, 5: 4}.get(key & 7) or number()
        yield key >> 3, data[at : at + length]
        at += length


def scalars(folder):
    """(step, tag, value) of the only event file in a folder."""
    (file,) = folder.iterdir()
    events = [dict(fields(body)) for body in records(file.read_bytes())]
    assert events[0][3] == b"brain.Event:2"
    for event in events[1:]:
        for _, value in fields(event[5]):
            parts = dict(fields(value))
            yield event[2], parts[1].decode(), struct.unpack("<f", parts[2])[0]


def test_checksums_of_the_standard():
    # RFC 3720, B.4
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert crc32c(b"123456789") == 0xE3069283
    assert varint(300) == b"\xac\x02" and len(record(b"abc")) == 19


def test_curves_of_training_and_validation(tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 3))
    model = Sequential([Dense(1, input_dim=3)])
    model.compile("sgd", "mse", metrics=["mae"])
    board = TensorBoard(tmp_path, update_freq=2)
    history = model.fit(
        x, x[:, 0], batch_size=8, epochs=3, validation_split=0.2, verbose=0, callbacks=[board]
    ).history
    train, validation = list(scalars(tmp_path / "train")), list(scalars(tmp_path / "validation"))
    losses = [value for _, tag, value in train if tag == "epoch_loss"]
    assert np.allclose(losses, history["loss"], rtol=1e-6)
    rates = [value for _, tag, value in train if tag == "epoch_learning_rate"]
    assert np.allclose(rates, 0.01) and len(rates) == 3
    steps = [step for step, tag, _ in train if tag == "batch_mae"]
    assert steps == [2, 4, 6, 8, 10, 12]
    assert np.allclose([v for _, tag, v in validation if tag == "epoch_mae"], history["val_mae"])
