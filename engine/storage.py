"""A network in a file: safetensors, data only, so a file from anywhere is safe to read.

Metadata: ``format`` (of this page, counted up when it changes), ``version`` (of respnet that wrote
it), ``spec`` (JSON of ModelSpec.to_dict) and ``extra`` (JSON, whatever the owner adds). Tensors:
``weights`` (N), and whatever the owner adds. Reading checks everything before a model is made.
"""

import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np

from respnet.engine.errors import EngineError, FileError
from respnet.engine.params import Layout
from respnet.engine.spec import ModelSpec

FORMAT = 1
READABLE = (1,)
# What a description by a stranger may run into: its JSON can hold any type anywhere.
NONSENSE = (
    EngineError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
MOST_TEXT = 16 << 20  # letters of a description
MOST_HEADER = 4 << 20  # bytes of the header of a stranger: Python stands still while it is parsed
TYPES = {"F32": "float32", "F64": "float64"}  # of safetensors -> ours


@dataclass(frozen=True)
class Saved:
    """What a file holds: the spec, tensors by name (``weights`` among them), plain extra data."""

    spec: ModelSpec
    tensors: Mapping[str, np.ndarray]
    extra: Mapping = field(default_factory=dict)
    version: str = ""


def save(path, saved: Saved) -> None:
    """Write the file as a whole or not at all: beside it first, synced, then renamed."""
    data = to_bytes(saved)
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def to_bytes(saved: Saved) -> bytes:
    """What ``save`` writes."""
    from safetensors.numpy import save as serialized

    metadata = {
        "format": str(FORMAT),
        "version": saved.version,
        "spec": json.dumps(saved.spec.to_dict()),
        "extra": json.dumps(dict(saved.extra)),
    }
    tensors = {name: np.ascontiguousarray(array) for name, array in saved.tensors.items()}
    return serialized(tensors, metadata)


def load(path) -> Saved:
    """Read what ``save`` wrote; FileError says what is wrong with any other file.

    Nothing but the header is read before format, description and sizes are known to fit.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(os.fspath(path), "np") as file:
            spec, extra, version = _described(path, file.metadata() or {})
            _check_weights(path, spec, file)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as problem:
        raise FileError(f"{path}: not a network file ({problem})") from None
    return Saved(spec, tensors, extra, version)


def from_bytes(data: bytes) -> Saved:
    """The network of a file's bytes, without tensors of other types than ours; they stay where
    they lie: an array is a view of ``data``."""
    file = _Bytes(data)
    spec, extra, version = _described(file, file.metadata())
    _check_weights(file, spec, file)
    tensors = {name: file.get_tensor(name) for name in list(file.keys())}
    return Saved(spec, tensors, extra, version)


class _Bytes:
    """safetensors in memory, with the methods of its own reader: u64 length of the header, the
    header (JSON: name -> dtype, shape, data_offsets; ``__metadata__``), the numbers."""

    def __init__(self, data: bytes):
        (size,) = struct.unpack_from("<Q", data) if len(data) >= 8 else (0,)
        if not 2 <= size <= min(len(data) - 8, MOST_HEADER):
            raise FileError("the bytes are not a network file")
        try:
            header = json.loads(data[8 : 8 + size])
            self._metadata = header.pop("__metadata__", {})
            self._slices = {name: _Slice(one, data, 8 + size) for name, one in header.items()}
            if not all(isinstance(text, str) for text in self._metadata.values()):
                raise FileError("the metadata is text")
        except NONSENSE as problem:
            raise FileError(f"the bytes are not a network file{_said(problem)}") from None

    def __str__(self) -> str:
        return "the bytes"

    def metadata(self) -> Mapping:
        return self._metadata

    def keys(self):
        return [name for name, one in self._slices.items() if one.get_dtype() in TYPES]

    def get_slice(self, name: str):
        return self._slices[name]

    def get_tensor(self, name: str) -> np.ndarray:
        return self._slices[name].array()


class _Slice:
    """Where a tensor lies; checked before it is read."""

    def __init__(self, described: Mapping, data: bytes, start: int):
        self._dtype, shape = described["dtype"], described["shape"]
        begin, end = described["data_offsets"]
        if any(type(n) is not int or n < 0 for n in (*shape, begin, end)):
            raise FileError("a length is a whole number from 0")
        self._shape, self._data, self._at = tuple(shape), data, start + begin
        size = np.dtype(TYPES[self._dtype]).itemsize if self._dtype in TYPES else None
        if end < begin or start + end > len(data) or size and prod(shape) * size != end - begin:
            raise FileError(f"a tensor of shape {self._shape} has {end - begin} bytes")

    def get_dtype(self) -> str:
        return self._dtype

    def get_shape(self) -> tuple:
        return self._shape

    def array(self) -> np.ndarray:
        dtype = np.dtype(TYPES[self._dtype]).newbyteorder("<")
        flat = np.frombuffer(self._data, dtype, prod(self._shape), self._at)
        return flat.reshape(self._shape)


def _said(problem: Exception) -> str:
    """What is wrong, if we say it; what Python says about its own types helps nobody."""
    return f" ({problem})" if isinstance(problem, EngineError) else ""


def _described(path, metadata: Mapping) -> tuple[ModelSpec, Mapping, str]:
    """(spec, extra, version) of the metadata."""
    if metadata.get("format") not in map(str, READABLE):
        raise FileError(
            f"{path}: format {metadata.get('format')!r}, this version reads "
            f"{', '.join(map(str, READABLE))}"
        )
    size = sum(map(len, metadata.values()))
    if size > MOST_TEXT:
        raise FileError(f"{path}: a description of {size:,} letters, the limit is {MOST_TEXT:,}")
    try:
        spec = ModelSpec.from_dict(json.loads(metadata["spec"]))
        return spec, json.loads(metadata["extra"]), metadata.get("version", "")
    except NONSENSE as problem:
        raise FileError(f"{path}: damaged description{_said(problem)}") from None


def _check_weights(path, spec: ModelSpec, file) -> None:
    try:
        size = Layout(spec).size
    except NONSENSE as problem:
        raise FileError(f"{path}: impossible network{_said(problem)}") from None
    got = "none"
    if "weights" in file.keys():  # noqa: SIM118
        place = file.get_slice("weights")
        dtype, shape = TYPES.get(place.get_dtype(), place.get_dtype()), tuple(place.get_shape())
        if (dtype, shape) == (spec.dtype, (size,)):
            return
        got = f"{dtype} {shape}"
    raise FileError(f"{path}: weights must be {spec.dtype} ({size},), got {got}")
