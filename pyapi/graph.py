"""The graph of a functional model: symbols, and the calls of layers between them."""

from dataclasses import dataclass, field, replace


class Symbol:
    """What a layer will give: no numbers, a shape. ``shape`` is (batch or None, ...)."""

    def __init__(self, call: "Call", index: int, shape, batch_size=None):
        self.call, self.index = call, index
        self.shape = (batch_size, *shape)

    @property
    def name(self) -> str:
        """The engine's name of it."""
        last = self.call.nodes[-1].name if self.call.nodes else self.call.layer.name
        return f"{last}:{self.index}" if self.index else last

    def __repr__(self) -> str:
        return f"<Symbol {self.name} {self.shape}>"


@dataclass(eq=False)
class Call:
    """One use of a layer: what it read, the engine's nodes it stands for, what it gave."""

    layer: object
    inputs: tuple[Symbol, ...]
    nodes: tuple
    outputs: list[Symbol] = field(default_factory=list)


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
    if not call.inputs and call not in begin and not getattr(call.layer, "hidden", False):
        raise ValueError(
            f"input {call.layer.name!r} is read by the outputs but not among the inputs"
        )


def begins(calls: list[Call]) -> list[Symbol]:
    """The symbols of calls that read nothing."""
    return [symbol for call in calls if not call.inputs for symbol in call.outputs]


def owned_nodes(calls: list[Call]):
    """(the engine's nodes, layer -> names of the nodes with its parameters).

    Of a layer called more than once, later nodes use the weights of the first call's.
    """
    nodes, owned = [], {}
    for call in calls:
        first = owned.get(call.layer)
        if first is None:
            owned[call.layer] = [node.name for node in call.nodes]
            nodes += call.nodes
        else:
            pairs = zip(call.nodes, first, strict=True)
            nodes += [replace(node, weights=owner) for node, owner in pairs]
    return nodes, owned
