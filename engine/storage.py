"""A network in a file: safetensors, data only, so a file from anywhere is safe to read.

Metadata: ``format`` (of this page, counted up when it changes), ``version`` (of respnet that wrote
it), ``spec`` (JSON of ModelSpec.to_dict) and ``extra`` (JSON, whatever the owner adds). Tensors:
``weights`` (N), and whatever the owner adds. Reading checks everything before a model is made.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    from safetensors.numpy import save as to_bytes

    metadata = {
        "format": str(FORMAT),
        "version": saved.version,
        "spec": json.dumps(saved.spec.to_dict()),
        "extra": json.dumps(dict(saved.extra)),
    }
    tensors = {name: np.ascontiguousarray(array) for name, array in saved.tensors.items()}
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(beside, "wb") as file:
            file.write(to_bytes(tensors, metadata))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


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
        raise FileError(f"{path}: damaged description ({problem})") from None


def _check_weights(path, spec: ModelSpec, file) -> None:
    try:
        size = Layout(spec).size
    except NONSENSE as problem:
        raise FileError(f"{path}: impossible network ({problem})") from None
    got = "none"
    if "weights" in file.keys():  # noqa: SIM118
        place = file.get_slice("weights")
        dtype, shape = TYPES.get(place.get_dtype(), place.get_dtype()), tuple(place.get_shape())
        if (dtype, shape) == (spec.dtype, (size,)):
            return
        got = f"{dtype} {shape}"
    raise FileError(f"{path}: weights must be {spec.dtype} ({size},), got {got}")
