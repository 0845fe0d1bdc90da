"""Bytes of an ONNX model -> Net: names, constants and nodes, all checked before anything runs.

Refused: data in other files, operators of other domains than ONNX's own, functions, training
information, sparse tensors, values that are read before they are made or made twice.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from respnet.engine.errors import FileError
from respnet.engine.onnx import classic, tensors
from respnet.engine.onnx.limits import Budget, Limits
from respnet.engine.onnx.proto import decode

OPSETS = range(7, 27)
DOMAINS = ("", "ai.onnx")
STRING = 8  # in TensorProto.DataType; labels of classes are bytes objects


@dataclass(frozen=True)
class Slot:
    """An input or output: a length is a number, or None where it may change."""

    name: str
    dtype: np.dtype | None
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class Op:
    """A node. ``attributes`` are numbers, bytes, arrays, lists of them, or Nets."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping

    def __str__(self) -> str:
        return f"node {self.name or ', '.join(self.outputs)!r} ({self.kind})"


@dataclass(frozen=True)
class Net:
    """A graph: nodes in an order in which each reads what is there already."""

    name: str
    inputs: tuple[Slot, ...]
    outputs: tuple[Slot, ...]
    nodes: tuple[Op, ...]
    constants: Mapping[str, np.ndarray]
    opset: int
    producer: str = ""


def read(source, limits: Limits | None = None) -> Net:
    """The Net of a path or of bytes; FileError or LimitError say what is wrong with it."""
    limits = limits or Limits()
    data = bytes_of(source, limits)
    model = decode("Model", memoryview(data).toreadonly(), Budget(limits))
    if model.graph is None or not model.ir_version:
        raise FileError("this is no ONNX model")
    for name in ("training_info", "functions"):
        if getattr(model, name):
            raise FileError(f"ONNX models with {name} are not supported")
    producer = " ".join(filter(None, (model.producer_name, model.producer_version)))
    return _net(model.graph, _opset(model), limits, (), producer)


def bytes_of(source, limits: Limits):
    """The bytes of a file, given as they are or by its path."""
    inside = isinstance(source, (bytes, bytearray, memoryview))
    limits.check("bytes", len(source) if inside else os.stat(source).st_size, "bytes in a file")
    return source if inside else Path(source).read_bytes()


def _opset(model) -> int:
    versions = sorted({o.version for o in model.opset_import if o.domain in DOMAINS})
    if not versions and any(o.domain == classic.DOMAIN for o in model.opset_import):
        return OPSETS[-1]
    if len(versions) != 1:
        raise FileError(f"a model names one version of ONNX' operators, got {versions}")
    if versions[0] not in OPSETS:
        raise FileError(
            f"opset {versions[0]} is not supported; {OPSETS[0]} to {OPSETS[-1]} are read"
        )
    return versions[0]


def _net(graph, opset: int, limits: Limits, outer: tuple, producer: str = "") -> Net:
    """outer: sets of the names that the graphs around this one know."""
    if graph.sparse_initializer:
        raise FileError("sparse tensors are not supported")
    constants = {t.name: tensors.array_of(t, limits) for t in graph.initializer}
    inputs = tuple(_slot(i) for i in graph.input if i.name not in constants)
    own = {*constants, *(slot.name for slot in inputs)}
    scopes = (*outer, own)
    nodes = []
    for node in graph.node:
        _check_names(node, scopes)
        nodes.append(_op(node, opset, limits, scopes))
        own.update(filter(None, node.output))
    for output in graph.output:
        if not _known(output.name, scopes):
            raise FileError(f"output {output.name!r} is made by no node")
    outputs = tuple(map(_slot, graph.output))
    return Net(graph.name, inputs, outputs, tuple(nodes), constants, opset, producer)


def _known(name: str, scopes: tuple) -> bool:
    return any(name in names for names in scopes)


def _check_names(node, scopes: tuple) -> None:
    what = f"node {node.name or ', '.join(node.output)!r} ({node.op_type})"
    if node.domain not in DOMAINS and not (
        node.domain == classic.DOMAIN and node.op_type in classic.OPS
    ):
        raise FileError(f"{what} is of domain {node.domain!r}; only ONNX' own operators are known")
    missing = [name for name in node.input if name and not _known(name, scopes)]
    if missing:
        raise FileError(f"{what} reads {missing[0]!r}, which comes later or never")
    twice = [name for name in node.output if name in scopes[-1]]
    if twice:
        raise FileError(f"{what} makes {twice[0]!r}, which is there already")


def _slot(value) -> Slot:
    """Name, dtype and shape of an input or output, as far as the file says."""
    tensor = value.type.tensor_type if value.type else None
    if tensor is None or not tensor.elem_type:
        return Slot(value.name, None, None)
    text = tensor.elem_type == STRING
    dtype = np.dtype(object) if text else tensors.dtype_of(tensor.elem_type)
    if tensor.shape is None:
        return Slot(value.name, dtype, None)
    shape = [None if d.dim_param or d.dim_value < 1 else d.dim_value for d in tensor.shape.dim]
    return Slot(value.name, dtype, tuple(shape))


def _op(node, opset: int, limits: Limits, scopes: tuple) -> Op:
    attributes = {a.name: _attribute(node, a, opset, limits, scopes) for a in node.attribute}
    return Op(node.name, node.op_type, tuple(node.input), tuple(node.output), attributes)


def _attribute(node, attribute, opset: int, limits: Limits, scopes: tuple):
    """FLOAT 1, INT 2, STRING 3, TENSOR 4, GRAPH 5, FLOATS 6, INTS 7, STRINGS 8"""
    if attribute.ref_attr_name:
        raise FileError(f"node {node.name!r} ({node.op_type}): references to attributes")
    kind = attribute.type
    if kind == 4 and attribute.t is not None:
        return tensors.array_of(attribute.t, limits)
    if kind == 5 and attribute.g is not None:
        return _net(attribute.g, opset, limits, scopes)
    if kind in (1, 2):
        return (attribute.f, attribute.i)[kind - 1]
    if kind == 3:
        return bytes(attribute.s or b"")
    if kind in (6, 7):
        return (attribute.floats, attribute.ints)[kind - 6].tolist()
    if kind == 8:
        return [bytes(text) for text in attribute.strings]
    raise FileError(
        f"node {node.name!r} ({node.op_type}): attribute {attribute.name!r} of type {kind} "
        "is not supported"
    )
