"""The graph of a functional model: symbols, and the calls of layers between them."""

from dataclasses import dataclass, field, replace

from respnet.engine.tensors.table import Symbolic
from respnet.engine.tensors.tensor import Operators


class Symbol(Operators, Symbolic):
    """What a layer will give: no numbers, a shape. ``shape`` is (batch or None, ...).

    name: the engine's name of it; index: its number among the outputs of the call. Operators and
    ops on it become part of the graph; equal are symbols only to themselves.
    """

    __eq__, __ne__, __hash__ = object.__eq__, object.__ne__, object.__hash__

    def __init__(self, call: "Call", index: int, shape, name: str, batch_size=None):
        self.call, self.index, self.name = call, index, name
        self.shape = (batch_size, *shape)

    def __repr__(self) -> str:
        return f"<Symbol {self.name} {self.shape}>"

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def traced(self, row, args, options):
        from .layers.operation import traced  # it builds on this module

        return traced(row, args, options)

    def _no_number(self, *_):
        raise TypeError(
            f"{self!r} has no numbers yet: what is made of symbols is noted once and run later, "
            "so nothing can be decided by them; ops.where chooses, and a Layer of your own with "
            "call(inputs) sees arrays"
        )

    tensor = __bool__ = __float__ = __int__ = __len__ = __iter__ = __array__ = _no_number


@dataclass(eq=False)
class Call:
    """One use of a layer: what it read, the engine's nodes it stands for, what it gave.

    parts: (layer that owns the parameters, its nodes) in order; most layers are one part.
    states: the engine's names of the states after the last step.
    """

    layer: object
    inputs: tuple[Symbol, ...]
    parts: tuple = ()
    states: tuple[str, ...] = ()
    outputs: list[Symbol] = field(default_factory=list)

    @property
    def nodes(self) -> list:
        return [node for _, nodes in self.parts for node in nodes]

    @property
    def hidden(self) -> bool:
        """Whether this is an input that the model feeds itself: a state."""
        return getattr(self.layer, "hidden", False)


def calls_between(inputs: list[Symbol], outputs: list[Symbol]) -> list[Call]:
    """All calls from ``inputs`` to ``outputs``, each after those it reads."""
    begin, order, seen = {s.call for s in inputs}, [], set()
    stack = [(s.call, False) for s in reversed(outputs)]
    while stack:
        call, done = stack.pop()
        if done:
            order.append(call)
        elif call not in seen:
            seen.add(call)
            stack.append((call, True))
            _check_begins(call, begin)
            if call not in begin:
                stack += [(s.call, False) for s in reversed(call.inputs)]
    unused = [s.name for s in inputs if s.call not in seen]
    if unused:
        raise ValueError(f"input {unused[0]!r} does not reach the outputs of the model")
    return order


def _check_begins(call: Call, begin: set) -> None:
    if not call.inputs and call not in begin and not call.hidden:
        raise ValueError(
            f"input {call.layer.name!r} is read by the outputs but not among the inputs"
        )


def begins(calls: list[Call]) -> list[Symbol]:
    """The symbols of calls that read nothing."""
    return [symbol for call in calls if not call.inputs for symbol in call.outputs]


def owned_nodes(calls: list[Call]):
    """(the engine's nodes, layer -> names of the nodes with its parameters).

    Of a layer used more than once, later nodes use the weights of the first ones.
    """
    nodes, owned = [], {}
    for layer, part in (part for call in calls for part in call.parts):
        first = owned.get(layer)
        if first is None:
            owned[layer] = [node.name for node in part]
            nodes += part
        else:
            pairs = zip(part, first, strict=True)
            nodes += [replace(node, weights=owner) for node, owner in pairs]
    return nodes, owned
