"""The graph of a functional model: symbols, and the calls of layers between them."""

from dataclasses import dataclass, field


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
    if not call.inputs and call not in begin:
        raise ValueError(
            f"input {call.layer.name!r} is read by the outputs but not among the inputs"
        )
