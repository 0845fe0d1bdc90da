"""Scalars for TensorBoard, in its files, written in plain Python.

A file is a row of TFRecords: length (8 bytes), its masked CRC32C, the data, their masked CRC32C.
The data are protobuf messages ``Event`` (tensorflow/core/util/event.proto): 1 wall_time, 2 step,
3 file_version, 5 summary; a summary's value has 1 tag and 2 simple_value.
"""

import socket
import struct
import time
from pathlib import Path

from ..arguments import Configured
from .base import Callback

_POLYNOMIAL = 0x82F63B78  # Castagnoli, reversed


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _crc_table()


def crc32c(data: bytes) -> int:
    """The CRC of iSCSI (RFC 3720), also of TFRecords."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    """The CRC as TFRecords have it: rotated, and moved by a constant."""
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data: bytes) -> bytes:
    """One TFRecord."""
    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _bytes_field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def event(wall_time: float, step: int, **content) -> bytes:
    """An Event: ``file_version`` or ``scalars`` (tag -> value)."""
    data = b"\x09" + struct.pack("<d", wall_time) + b"\x10" + varint(step)
    if "file_version" in content:
        return data + _bytes_field(3, content["file_version"].encode())
    values = b"".join(
        _bytes_field(1, _bytes_field(1, tag.encode()) + b"\x15" + struct.pack("<f", value))
        for tag, value in content["scalars"].items()
    )
    return data + _bytes_field(5, values)


class EventWriter:
    """One event file in ``folder``."""

    def __init__(self, folder):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        name = f"events.out.tfevents.{int(now)}.{socket.gethostname()}.{time.monotonic_ns()}"
        self._file = (folder / name).open("wb")
        self._file.write(record(event(now, 0, file_version="brain.Event:2")))

    def scalars(self, step: int, values: dict[str, float]) -> None:
        self._file.write(record(event(time.time(), step, scalars=values)))
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class TensorBoard(Configured, Callback):
    """Curves in ``log_dir``/train and ``log_dir``/validation.

    update_freq: "epoch" (epoch_loss ...) or also after every n batches (batch_loss ...). Scalars
    only: neither histograms nor graphs, images, profiles or embeddings.
    """

    arguments = {
        "log_dir": "logs",
        "histogram_freq": 0,
        "write_graph": True,
        "write_images": False,
        "write_steps_per_second": False,
        "update_freq": "epoch",
        "profile_batch": 0,
        "embeddings_freq": 0,
        "embeddings_metadata": None,
    }

    def __init__(self, *values, **options):
        super().__init__(*values, **options)
        for name in set(self.arguments) - {"log_dir", "write_graph", "update_freq"}:
            if getattr(self, name):
                raise ValueError(f"TensorBoard writes scalars only; {name} is not supported")
        self.log_dir = Path(self.log_dir)
        self._writers: dict[str, EventWriter] = {}
        self._step = 0
        if self.update_freq == "batch":
            self.update_freq = 1
        if self.update_freq != "epoch":
            if not isinstance(self.update_freq, int) or self.update_freq < 1:
                raise ValueError(
                    f'update_freq must be "epoch", "batch" or a number: {self.update_freq!r}'
                )
            self.on_train_batch_end = self._after_batch  # only then it sees every batch

    def _write(self, where: str, step: int, values: dict[str, float]) -> None:
        if values:
            if where not in self._writers:
                self._writers[where] = EventWriter(self.log_dir / where)
            self._writers[where].scalars(step, values)

    def _after_batch(self, batch, logs=None):
        self._step += 1
        if self._step % self.update_freq == 0:
            self._write("train", self._step, {f"batch_{n}": v for n, v in (logs or {}).items()})

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        own = {f"epoch_{n}": v for n, v in logs.items() if not n.startswith("val_")}
        val = {f"epoch_{n[4:]}": v for n, v in logs.items() if n.startswith("val_")}
        rate = self.model.optimizer.rate(self.model.optimizer.iterations)
        if rate is not None:
            own["epoch_learning_rate"] = rate
        self._write("train", epoch, own)
        self._write("validation", epoch, val)

    def on_train_end(self, logs=None):
        self.close()

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()
