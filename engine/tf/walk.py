"""From wanted values back to given ones: the Net that computes them.

A frame (Enter, Merge, Switch, NextIteration, Exit around one LoopCond) becomes a node While. Its
values are those of the Merge nodes; they leave it under the name ``merge:done``.
"""

from respnet.engine.errors import FileError
from respnet.engine.onnx.reader import Net, Op, Slot
from respnet.engine.tf import tensors

SIZES = {"Split": "num_split", "SplitV": "num_split", "Unpack": "num"}
LISTS = {"While": "T", "StatelessWhile": "T", "If": "Tout", "StatelessIf": "Tout", "IdentityN": "T",
         "PartitionedCall": "Tout", "StatefulPartitionedCall": "Tout"}
FUNCTIONS = ("cond", "body", "then_branch", "else_branch", "f")
DONE = ":done"
OPSET = 17  # the meaning of what is shared with ONNX


class Walk:
    """source: a Source; given: names of values that are there; library: of functions."""

    def __init__(self, source, given, library, frame=None, depth=0):
        self.source, self.library, self.frame, self.depth = source, library, frame, depth
        self.given, self.known = set(given), set(given)
        self.ops = []
        self.captured = []  # values of the graph around this one
        if depth > library.limits.depth:
            raise FileError("loops lie too deep in each other")

    def net(self, name: str, slots, wanted, names=None) -> Net:
        """The Net of the values ``wanted``, which are called ``names`` outside."""
        for one in wanted:
            self.visit(one)
        for outside, one in zip(names or wanted, wanted, strict=True):
            if outside != one and outside not in self.known:
                self.add(Op(outside, "Identity", (one,), (outside,), {}))
        for slot in slots:
            inner = slot.name.removesuffix(":0")
            if inner != slot.name:
                self.ops.insert(0, Op(slot.name, "Identity", (slot.name,), (inner,), {}))
        outputs = tuple(Slot(one, None, None) for one in names or wanted)
        return Net(name, tuple(slots), outputs, tuple(self.ops), {}, OPSET)

    def add(self, op: Op) -> None:
        self.ops.append(op)
        self.known.update(op.outputs)

    def visit(self, name: str) -> None:
        """Add what ``name`` needs, then what makes it; without recursion, graphs are deep."""
        stack, begun = [(name, None)], set()
        while stack:
            name, op = stack.pop()
            if op is not None:
                self.add(op)
                continue
            if name in self.known:
                continue
            op, needs = self.expand(name)
            key = op.outputs[:1]
            if key in begun:
                raise FileError(f"{op} reads what it makes")
            begun.add(key)
            stack.append((name, op))
            stack += [(need, None) for need in needs]

    def expand(self, name: str) -> tuple[Op, tuple]:
        """(the node that makes a value, the values it needs first)"""
        node = self.source.node(name)
        if node is None:
            raise FileError(f"nothing is named {name!r}")
        if name.endswith(DONE):
            return self.loop(self.source.frame_of[node.name])
        special = getattr(self, f"_{node.kind.lower()}", None) if node.kind in SPECIAL else None
        op, needs = special(node) if special else (self.plain(node), node.inputs)
        if name not in op.outputs:
            raise FileError(f"{node} has no result {name!r}, only {', '.join(op.outputs)}")
        return op, needs

    def plain(self, node) -> Op:
        attributes = {name: node.get(name) for name in node.attributes}
        for name in FUNCTIONS:
            called = node.attributes[name].func if name in node.attributes else None
            if called is not None:
                attributes[name] = self.library.net(called.name)
        return Op(node.name, node.kind, node.inputs, outputs_of(node, self.library.limits),
                  attributes)

    def _const(self, node):
        limits = self.library.limits
        tensor = node.attributes.get("value")
        if tensor is None or tensor.tensor is None:
            raise FileError(f"{node} has no value")
        array = tensors.array_of(tensor.tensor, limits)
        self.library.bytes += array.nbytes if any(array.strides) else 0  # one number, repeated
        limits.check("bytes", self.library.bytes, "bytes of constants")
        return Op(node.name, "Constant", (), (node.name,), {"value": array}), ()

    def _placeholder(self, node):
        raise FileError(f"{node} is read, and is none of the inputs {sorted(self.given)}")

    # --- frames ---------------------------------------------------------------------------------

    def loop(self, frame) -> tuple[Op, tuple]:
        """The node While of a frame and what goes into it."""
        merges = self.source.frames[frame]
        if frame == self.frame or frame not in self.source.conditions:
            raise FileError(f"the loop {frame.decode(errors='replace')!r} has no end")
        names = [merge.name for merge in merges]
        first = [self.source.input(merge, "Enter").inputs[0] for merge in merges]
        after = [self.source.input(merge, "NextIteration").inputs[0] for merge in merges]
        nets, needs = {}, list(first)
        for part, wanted in (("cond", [self.source.conditions[frame]]), ("body", after)):
            walk = Walk(self.source, names, self.library, frame, self.depth + 1)
            nets[part] = walk.net(part, [Slot(one, None, None) for one in names], wanted)
            needs += walk.captured
        outputs = tuple(name + DONE for name in names)
        return Op(names[0], "While", tuple(first), outputs, nets), tuple(needs)

    def _enter(self, node):
        """A value that stays the same in the loop is read from the graph around it."""
        if node.get("frame_name") != self.frame or not node.get("is_constant"):
            raise FileError(f"{node} is entered from another loop")
        outer = node.inputs[0]
        self.captured.append(outer)
        return Op(node.name, "Identity", (outer,), (node.name,), {}), ()

    def _switch(self, node):
        """Inside the body of its loop a Switch passes the value on."""
        if self.frame is None or self.source.frame_of.get(node.inputs[0]) != self.frame:
            raise FileError(f"{node} outside a loop is not supported")
        return Op(node.name, "Identity", node.inputs[:1], (node.name + ":1",), {}), ()

    def _exit(self, node):
        switch = self.source.input(node, "Switch")
        if switch is None or switch.inputs[0] not in self.source.frame_of:
            raise FileError(f"{node} leaves no loop")
        inner = switch.inputs[0] + DONE
        return Op(node.name, "Identity", (inner,), (node.name,), {}), (inner,)

    def _merge(self, node):
        raise FileError(f"{node} outside a loop is not supported")


SPECIAL = {"Const", "Placeholder", "Enter", "Switch", "Exit", "Merge"}


def outputs_of(node, limits) -> tuple[str, ...]:
    """Names of the results of a node."""
    count = 1
    if node.kind in SIZES:
        count = node.get(SIZES[node.kind], 0)
    elif node.kind in LISTS:
        count = len(node.get(LISTS[node.kind], ()))
    limits.check("nodes", count, f"results of {node}")
    return (node.name, *(f"{node.name}:{n}" for n in range(1, count)))[: max(count, 0)]
