"""An ONNX graph that is a plain network -> our spec and weights: fast to run, and trainable.

The walk keeps for every name what it stands for: a constant, a value of the network with the order
of its axes, zeros, or sizes of arrays (which exporters compute to make zero states). What has no
layer here ends the walk with NotPlain; such graphs run as they are (``Graph``).
"""

from dataclasses import dataclass, replace

import numpy as np

from respnet.engine.errors import EngineError, FileError
from respnet.engine.layers import make
from respnet.engine.onnx.graph import Graph
from respnet.engine.params import Layout
from respnet.engine.spec import ModelSpec, Node, node_of, output_names

BATCH, TIME, RNN_Y, RNN_H = "(B,...)", "(T,B,N)", "(T,1,B,H)", "(1,B,H)"
FIRST = "(B,C,...)"


class NotPlain(FileError):
    """The graph is no network of the layers there are here."""


def only(condition, problem: str) -> None:
    """Go on under this condition alone."""
    if not condition:
        raise NotPlain(problem)


@dataclass(frozen=True)
class Flat:
    """The order of numbers that were images of this shape (..., C), flattened channels first."""

    shape: tuple


@dataclass(frozen=True)
class Value:
    """What a node of the spec gives. shape: of one row; axes: in which order they lie in ONNX."""

    name: str
    shape: tuple
    axes: str | Flat = BATCH
    index: bool = False  # whole numbers, for a table


@dataclass(frozen=True)
class Zeros:
    """Zeros of any shape."""


@dataclass(frozen=True)
class Sizes:
    """Lengths: numbers, "B" for rows, None where unknown; ``items`` None if nothing is known."""

    items: tuple | None = None


def to_spec(graph: Graph) -> tuple[ModelSpec, np.ndarray]:
    """(spec, flat weights) of a plain network; NotPlain names the first node that is none."""
    walk = Walk(graph)
    for node in graph.nodes:
        walk.visit(node)
    return walk.finished()


class Walk:
    """The state of a translation: nodes made so far, their weights, what names stand for."""

    def __init__(self, graph: Graph):
        from respnet.engine.onnx import translate_images as images
        from respnet.engine.onnx import translate_layers as layers
        from respnet.engine.onnx import translate_recurrent as recurrent
        from respnet.engine.onnx import translate_shapes as shapes

        parts = (layers, shapes, recurrent, images)
        self.handlers = {kind: f for part in parts for kind, f in part.HANDLERS.items()}
        self.graph, self.net = graph, graph.net
        self.nodes: dict[str, Node] = {}
        self.made = 0
        self.weights: dict[str, np.ndarray] = {}
        self.shapes: dict[str, tuple] = {}
        self.values: dict = dict(graph.constants)
        self.rows: set[int] = set()  # lengths of batches the file fixes
        self.uses: dict[str, int] = {}
        reads = [name for node in graph.nodes for name in node.inputs]
        for name in (*reads, *(o.name for o in self.net.outputs)):
            self.uses[name] = self.uses.get(name, 0) + 1
        self.inputs = tuple(self._input(slot) for slot in self.net.inputs)

    def _input(self, slot):
        if not slot.shape:
            raise NotPlain(f"input {slot.name!r} has no shape of rows")
        rows, *shape = slot.shape
        self.rows |= {rows} - {None}
        name = slot.name.replace(":", "_")
        self.values[slot.name] = Value(name, tuple(shape))
        self.shapes[name] = tuple(shape)
        return name, tuple(shape)

    def visit(self, node) -> None:
        """Note what the outputs of an ONNX node stand for."""
        if node.kind not in self.handlers:
            raise NotPlain(f"{node} is no layer")
        inputs = [self.values[name] if name else None for name in node.inputs]
        try:
            made = self.handlers[node.kind](self, node, *inputs)
        except NotPlain as problem:
            raise NotPlain(f"{node}: {problem}") from None
        except (EngineError, LookupError, TypeError, ValueError) as problem:
            raise NotPlain(f"{node} does not fit a layer: {problem}") from None
        made = made if isinstance(made, list) else [made]
        self.values.update(zip(node.outputs, made, strict=False))

    def layer(self, kind: str, inputs, config: dict, weights=None) -> list[Value]:
        """Add a layer on values (whose axes must lie as ours do); its outputs."""
        for value in inputs:
            if not isinstance(value, Value) or value.axes != BATCH:
                raise NotPlain(f"it reads {_shown(value)}")
        name = f"{kind}_{self.made}"
        self.made += 1
        self.nodes[name] = Node(name, kind, tuple(v.name for v in inputs), config)
        shapes = make(kind, config, name).output_shape(*(v.shape for v in inputs))
        shapes = shapes if isinstance(shapes, list) else [shapes]
        for parameter, array in (weights or {}).items():
            self.weights[f"{name}/{parameter}"] = array
        names = output_names(name, len(shapes))
        self.shapes.update(zip(names, shapes, strict=True))
        return [Value(n, tuple(s)) for n, s in zip(names, shapes, strict=True)]

    def alone(self, source: str, value: Value, *kinds: str) -> Node | None:
        """The node that gave ``value``, if it is of these kinds and only this use reads it."""
        node = self.nodes.get(node_of(value.name))
        if node is None or node.kind not in kinds or self.uses[source] != 1:
            return None
        readers = [n for n in self.nodes.values() if value.name in n.inputs]
        return None if readers else node

    def change(self, node: Node, value: Value, **config) -> Value:
        """The node with another configuration; its output."""
        changed = replace(node, config={**node.config, **config})
        self.nodes[node.name] = changed
        shapes = [self.shapes[name] for name in node.inputs]
        shape = make(node.kind, changed.config, node.name).output_shape(*shapes)
        shape = tuple(shape[0] if isinstance(shape, list) else shape)
        self.shapes[value.name] = shape
        return replace(value, shape=shape, axes=BATCH)

    def finished(self) -> tuple[ModelSpec, np.ndarray]:
        outputs = []
        for slot in self.net.outputs:
            value = self.values[slot.name]
            if not isinstance(value, Value) or value.axes != BATCH or value.name not in self.shapes:
                raise NotPlain(f"output {slot.name!r} is {_shown(value)}")
            if node_of(value.name) not in self.nodes:
                raise NotPlain(f"output {slot.name!r} is an input")
            outputs.append(value.name)
        kinds = {array.dtype for array in self.weights.values()}
        dtype = "float64" if np.dtype(np.float64) in kinds else "float32"
        spec = ModelSpec(tuple(self.nodes.values()), self.inputs, tuple(outputs), dtype=dtype)
        layout = Layout(spec)
        vector = np.zeros(layout.size, dtype)
        for name, place in layout.places.items():
            if self.weights[name].shape != place.shape:
                raise NotPlain(f"{name} has shape {self.weights[name].shape}, not {place.shape}")
            layout.view(vector, name)[...] = self.weights[name]
        return spec, vector


def _shown(value) -> str:
    if isinstance(value, Value):
        return f"rows of shape {value.shape} in the order {value.axes}"
    return "a constant" if isinstance(value, np.ndarray) else type(value).__name__
