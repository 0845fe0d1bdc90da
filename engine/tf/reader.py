"""Bytes of a frozen GraphDef -> Net: the nodes that the outputs need, in an order that runs.

What the outputs do not need is not looked at. Loops, given as frames or as functions, become one
node with graphs inside. Refused: variables, a Switch outside a loop, functions that call
themselves.
"""

from dataclasses import dataclass

from respnet.engine.errors import FileError
from respnet.engine.onnx.limits import Budget, Limits
from respnet.engine.onnx.reader import Net, Slot, bytes_of
from respnet.engine.tf import tensors
from respnet.engine.tf.proto import decode
from respnet.engine.tf.walk import Walk

PLACEHOLDERS = ("Placeholder", "PlaceholderV2", "PlaceholderWithDefault")


@dataclass(frozen=True)
class Node:
    """inputs: names of values, ``node`` or ``node:number``; attributes: decoded messages."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    attributes: dict

    def __str__(self) -> str:
        return f"node {self.name!r} ({self.kind})"

    def get(self, name: str, default=None):
        """The plain value of an attribute: bytes, a number, a list of numbers, a shape."""
        value = self.attributes.get(name)
        if value is None:
            return default
        if value.s is not None:
            return bytes(value.s)
        if value.list is not None:
            return _items(value.list)
        if value.shape is not None:
            return tensors.shape_of(value.shape)
        return value.i or value.f or value.b or value.type


def _items(values) -> list:
    return [bytes(s) for s in values.s] or [
        *values.i.tolist(), *values.f.tolist(), *values.type.tolist()
    ]


class Source:
    """The nodes of a graph or of a function by name, and the frames of its loops.

    frames: name -> its Merge nodes. conditions: frame -> the value its LoopCond reads.
    """

    def __init__(self, nodes, plain):
        self.nodes = {}
        for node in nodes:
            inputs = tuple(plain(name) for name in node.input if not name.startswith("^"))
            attributes = {each.key: each.value for each in node.attr if each.value is not None}
            if node.name in self.nodes:
                raise FileError(f"two nodes are named {node.name!r}")
            self.nodes[node.name] = Node(node.name, node.op, inputs, attributes)
        self.frames, self.frame_of, self.conditions = {}, {}, {}
        for node in self.nodes.values():
            if node.kind == "Merge":
                self._merge(node)
        for node in self.nodes.values():
            if node.kind == "Switch" and len(node.inputs) == 2:
                self._switch(node)

    def node(self, name: str) -> Node | None:
        """The node that makes a value."""
        return self.nodes.get(name.partition(":")[0])

    def input(self, node: Node, kind: str) -> Node | None:
        """The first input of a node that a node of this kind makes."""
        made = (self.node(name) for name in node.inputs)
        return next((one for one in made if one is not None and one.kind == kind), None)

    def _merge(self, node: Node) -> None:
        enter = self.input(node, "Enter")
        if enter is not None and self.input(node, "NextIteration") is not None:
            frame = enter.get("frame_name", b"")
            self.frames.setdefault(frame, []).append(node)
            self.frame_of[node.name] = frame

    def _switch(self, node: Node) -> None:
        frame, condition = self.frame_of.get(node.inputs[0]), self.node(node.inputs[1])
        if frame is not None and condition is not None and condition.kind == "LoopCond":
            self.conditions[frame] = condition.inputs[0]


def value(name: str) -> str:
    """``x`` of ``x:0``; other results keep their number."""
    node, _, number = name.partition(":")
    return node if number in ("", "0") else f"{node}:{number}"


class Library:
    """The functions of a GraphDef as Nets, each made once. bytes: of the constants so far."""

    def __init__(self, functions, limits: Limits):
        self.limits, self._made, self._open, self.bytes = limits, {}, set(), 0
        self._functions = {f.signature.name: f for f in functions if f.signature is not None}

    def net(self, name: str) -> Net:
        if name in self._made:
            return self._made[name]
        if name not in self._functions:
            raise FileError(f"there is no function {name!r}")
        if name in self._open or len(self._open) >= self.limits.depth:
            raise FileError(f"function {name!r} calls itself or lies too deep in others")
        self._open.add(name)
        self._made[name] = self._net(name, self._functions[name])
        self._open.discard(name)
        return self._made[name]

    def _net(self, name: str, function) -> Net:
        kinds = {node.name: node.op for node in function.node_def}
        plain = lambda one: inside(one, kinds)  # noqa: E731
        returned = {each.key: plain(each.value) for each in function.ret}
        inputs = [argument.name for argument in function.signature.input_arg]
        wanted = [returned.get(out.name, "") for out in function.signature.output_arg]
        walk = Walk(Source(function.node_def, plain), inputs, self)
        return walk.net(name, [Slot(one, None, None) for one in inputs], wanted)


def inside(name: str, kinds: dict) -> str:
    """``node:result:number``, as functions write it, as ``node:number``."""
    node, *rest = name.split(":")
    if len(rest) != 2:
        return node
    # Of several results with names only the first is ever computed.
    other = kinds.get(node, "").startswith("FusedBatchNorm") and rest[0] != "y"
    return value(f"{node}:{1 if other else rest[1]}")


def read(source, inputs, outputs, limits: Limits | None = None) -> Net:
    """The Net between inputs and outputs, names of nodes, of a path or of bytes.

    FileError or LimitError say what is wrong.
    """
    limits = limits or Limits()
    graph = decode("Graph", memoryview(bytes_of(source, limits)).toreadonly(), Budget(limits))
    if not graph.node:
        raise FileError("this is no GraphDef")
    nodes = Source(graph.node, value)
    slots = tuple(_input(nodes, name) for name in inputs)
    for name in outputs:
        if nodes.node(name) is None:
            raise FileError(f'Output node named "{name}" not found in TF graph')
    library = Library(graph.library.function if graph.library else (), limits)
    given = [value(slot.name) for slot in slots]
    if len(set(given)) < len(given):
        raise FileError(f"an input is named twice: {', '.join(inputs)}")
    walk = Walk(nodes, given, library)
    return walk.net("", slots, [value(name) for name in outputs], tuple(outputs))


def _input(nodes: Source, name: str) -> Slot:
    node = nodes.node(name)
    if node is None or node.kind not in PLACEHOLDERS or value(name) != node.name:
        raise FileError(f'Input node named "{name}" not found in TF graph.')
    number = node.get("dtype", 0)
    return Slot(name, tensors.dtype_of(number) if number else None, None)
