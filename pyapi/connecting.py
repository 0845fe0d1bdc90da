"""How layers and models become parts of a graph.

Called on symbols, a layer notes the engine's nodes it stands for; a model called on symbols notes
those of all its layers. A *leaf* is a layer that owns parameters: most layers are their own leaf,
wrappers and models have those of what they hold.
"""

from dataclasses import dataclass, field

from respnet.engine import layers as recipes
from respnet.engine.errors import EngineError
from respnet.engine.spec import Node, output_names

from .graph import Call, Symbol


@dataclass
class Expansion:
    """What a call stands for.

    parts: (leaf, its nodes) in order. outputs: the engine's names of what the call gives, None for
    all outputs of the last node. states: names of the states after the last step.
    """

    parts: list
    outputs: list[str] | None = None
    states: list[str] = field(default_factory=list)

    @property
    def nodes(self) -> list[Node]:
        return [node for _, nodes in self.parts for node in nodes]


class Connectable:
    """Part of layers and models: ``name``, ``calls``, and ``expand``."""

    name: str
    calls: list[Call]
    learns = True  # of leaves: whether training changes their parameters

    @property
    def trainable(self) -> bool:
        """Whether training changes anything here; a change holds from the next ``compile`` on."""
        leaves = self.leaves()
        return not leaves or any(leaf.learns for leaf in leaves)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for leaf in self.leaves():
            leaf.learns = bool(value)

    def expand(self, name: str, inputs: list[str]) -> Expansion:
        """The nodes of one call that is named ``name`` and reads the engine's ``inputs``."""
        raise NotImplementedError

    def prepare(self, shapes: list[tuple]) -> None:
        """Make ready for inputs whose rows have these shapes."""

    def leaves(self) -> list:
        """The layers that own parameters, in the order of the weights."""
        return [self]

    def next_name(self) -> str:
        """What the next call is named."""
        return f"{self.name}_call{len(self.calls)}" if self.calls else self.name

    def connect(self, symbols: list[Symbol]):
        self.prepare([symbol.shape[1:] for symbol in symbols])
        made = self.expand(self.next_name(), [symbol.name for symbol in symbols])
        call = Call(self, tuple(symbols), tuple(made.parts), tuple(made.states))
        shapes, last = self._row_shapes(symbols, made.nodes)
        call.outputs = [
            Symbol(call, i, shapes[name], name) for i, name in enumerate(made.outputs or last)
        ]
        self.calls.append(call)
        return call.outputs[0] if len(call.outputs) == 1 else list(call.outputs)

    def _row_shapes(self, symbols, nodes) -> tuple[dict, list[str]]:
        """(row shape of every value by name, names of the last node's), by the engine's recipes."""
        shapes, names = {symbol.name: symbol.shape[1:] for symbol in symbols}, []
        for node in nodes:
            try:
                recipe = recipes.make(node.kind, node.config, node.name)
                inputs = [shapes[name] for name in node.inputs]
                recipe.parameters(*inputs)  # it checks them
                result = recipe.output_shape(*inputs)
            except EngineError as problem:
                raise ValueError(f"layer {self.name}: {problem}") from None
            results = result if isinstance(result, list) else [result]
            names = output_names(node.name, len(results))
            shapes.update(zip(names, map(tuple, results), strict=True))
        return shapes, names

    # --- of the first call ------------------------------------------------------------------

    @property
    def output(self):
        """What the first call gives: a symbol, or a list of several."""
        outputs = self.calls[0].outputs
        return outputs[0] if len(outputs) == 1 else list(outputs)

    @property
    def input(self):
        inputs = self.calls[0].inputs
        return inputs[0] if len(inputs) == 1 else list(inputs)

    @property
    def built(self) -> bool:
        return bool(self.calls)
