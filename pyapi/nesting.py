"""A model called on symbols: all its nodes become part of the graph of another model."""

from dataclasses import replace

from respnet.engine.spec import node_of

from .connecting import Connectable, Expansion
from .graph import Symbol


class Nested(Connectable):
    """Part of a model: what makes it usable as a layer."""

    def __call__(self, x, *values, **options):
        """On symbols: the model as a layer. On arrays: ``predict``."""
        symbols = list(x) if isinstance(x, (list, tuple)) else [x]
        if symbols and all(isinstance(symbol, Symbol) for symbol in symbols):
            if options.pop("training", None) is not None:
                raise ValueError(f"model {self.name}: fit and predict decide on training=")
            return self.connect(symbols)
        return self.predict(x, *values, **options)

    def prepare(self, shapes) -> None:
        if not self.built and (len(shapes) == 1 or self._traces()):
            batched = [(None, *shape) for shape in shapes]
            self.build(batched[0] if len(batched) == 1 else batched)
        self._need_built()
        if self.states:
            raise ValueError(
                f"model {self.name} is stateful and cannot be a layer; give it its states as inputs"
            )
        if len(shapes) != len(self.inputs):
            raise ValueError(f"model {self.name} has {len(self.inputs)} inputs, got {len(shapes)}")
        for symbol, shape in zip(self.inputs, shapes, strict=True):
            if not _fits(symbol.shape[1:], shape):
                raise ValueError(
                    f"model {self.name} wants rows of shape {symbol.shape[1:]}, got {shape}"
                )

    def input_given(self):
        """(row shape, batch size) of the input, if there is one only."""
        if not self.built or len(self.inputs) != 1:
            return None, None
        size, *shape = self.inputs[0].shape
        return tuple(shape), size

    def expand(self, name: str, inputs: list[str]) -> Expansion:
        places = {symbol.name: given for symbol, given in zip(self.inputs, inputs, strict=True)}

        def placed(source: str) -> str:
            return places.get(node_of(source)) or f"{name}.{source}"

        parts = [
            (leaf, [_renamed(node, f"{name}.{node.name}", placed) for node in nodes])
            for call in self._calls
            for leaf, nodes in call.parts
        ]
        return Expansion(parts, [placed(symbol.name) for symbol in self.outputs])


def _renamed(node, name: str, placed):
    return replace(node, name=name, inputs=tuple(placed(source) for source in node.inputs))


def _fits(want, got) -> bool:
    return len(want) == len(got) and all(w in (None, g) for w, g in zip(want, got, strict=True))
