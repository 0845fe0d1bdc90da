"""What every layer has: a name, arguments, its place in a graph, its weights.

A layer does no arithmetic. Called on symbols it notes the engine's nodes it stands for; a model
collects these notes into the engine's ModelSpec.
"""

import re
from collections import Counter
from collections.abc import Mapping

from respnet.engine.spec import Node

from ..arguments import REQUIRED, Configured, bind, signature
from ..connecting import Connectable, Expansion
from ..graph import Call, Symbol
from .own import Written

_names: Counter = Counter()
# Every layer takes these too; those after the line describe the input of a first layer.
COMMON = {
    "name": None,
    "dtype": None,
    "trainable": True,
    # --
    "input_shape": None,
    "input_dim": None,
    "input_length": None,
    "batch_input_shape": None,
}


def base_name(cls: type) -> str:
    """The class in small letters: ``SimpleRNN`` is ``simple_rnn``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()


def automatic_name(cls: type) -> str:
    """``dense``, ``dense_1``, ... counted per class and process, as Keras does."""
    base = base_name(cls)
    number = _names[base]
    _names[base] += 1
    return f"{base}_{number}" if number else base


def reset_names() -> None:
    """Start counting again (``utils.clear_session``)."""
    _names.clear()


class Layer(Written, Configured, Connectable):
    """Base, also of users' own layers (``own.py``). ``arguments``: the table of Keras.

    ``kind``: of the engine's layer.

    ``ignored``: arguments that change nothing here. ``renamed``: words of Keras -> of the engine.
    """

    ignored: tuple[str, ...] = ()
    renamed: Mapping[str, str] = {}

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if "arguments" in cls.__dict__:
            cls.__signature__ = signature({**cls.arguments, "name": None})

    def __init__(self, *values, **options):
        own, common = self._split(options)
        name = type(self).__name__
        self.__dict__.update(bind(name, self.arguments, values, own))
        common = {**COMMON, **common}
        self.name = common["name"] or automatic_name(type(self))
        self.dtype = common["dtype"]
        self.input_shape_given, self.batch_size = self._input_shape(common)
        self.input_length_given = common["input_length"]
        self.calls: list[Call] = []
        self.model = None
        self.check()
        if not common["trainable"]:
            self.trainable = False

    def _split(self, options: dict) -> tuple[dict, dict]:
        """Arguments of this layer, and those all layers take."""
        common = {n: v for n, v in options.items() if n in COMMON and n not in self.arguments}
        return {n: v for n, v in options.items() if n not in common}, common

    def _input_shape(self, common: dict):
        """(shape of one row or None, batch size or None) a first layer was told."""
        if common["batch_input_shape"] is not None:
            batch, *shape = common["batch_input_shape"]
            return tuple(shape), batch
        if common["input_shape"] is not None:
            shape = common["input_shape"]
            return tuple(shape) if isinstance(shape, (tuple, list)) else (shape,), None
        if common["input_dim"] is not None:
            return (common["input_dim"],), None
        return None, None

    def input_given(self):
        """(row shape or None, batch size or None) that the first layer of a model was told."""
        return self.input_shape_given, self.batch_size

    def check(self) -> None:
        """Refuse arguments that make no sense."""

    # --- in a graph -------------------------------------------------------------------------

    def config(self) -> dict:
        """The arguments in the engine's words."""
        if self.kind == "python":
            return {"layer": self.described()}
        left = {n: v for n, v in self.get_config().items() if n not in self.ignored}
        return {self.renamed.get(name, name): value for name, value in left.items()}

    def nodes(self, name: str, inputs: list[str]) -> list[Node]:
        """The engine's nodes of one call; the last one gives the outputs."""
        return [Node(name, self.kind, inputs, self.config())]

    def expand(self, name: str, inputs: list[str]) -> Expansion:
        return Expansion([(self, self.nodes(name, inputs))])

    def __call__(self, x, **options):
        """Put this layer behind one symbol or a list of them; a symbol, or a list of several."""
        if options.pop("training", None) is not None:
            raise ValueError(f"layer {self.name}: fit and predict decide on training=")
        symbols = list(x) if isinstance(x, (list, tuple)) else [x]
        for symbol in symbols:
            if not isinstance(symbol, Symbol):
                raise TypeError(
                    f"layer {self.name} is called on Input(...) or the result of another layer, "
                    f"got {type(symbol).__name__}; use model.predict for arrays, "
                    "and respnet.ops within call"
                )
        return self.connect(symbols, **options)

    # --- weights ----------------------------------------------------------------------------

    def _owned(self) -> list[tuple]:
        """(model that has the present values, names there) of each leaf."""
        models = [(leaf, leaf.model) for leaf in self.leaves()]
        if any(model is None for _, model in models):
            raise ValueError(f"layer {self.name} has no weights before a model with it is built")
        return [(model, model.parameter_names(leaf)) for leaf, model in models]

    @property
    def weights(self) -> list:
        """Names of the parameters, in the order of ``get_weights``."""
        return [name for _, names in self._owned() for name in names]

    def get_weights(self) -> list:
        """Arrays in the order of Keras."""
        return [array for model, names in self._owned() for array in model.weights_of(names)]

    def set_weights(self, weights) -> None:
        owned, weights = self._owned(), list(weights)
        count = sum(len(names) for _, names in owned)
        if len(weights) != count:
            raise ValueError(f"{self.name} has {count} weights, got {len(weights)}")
        for model, names in owned:
            part, weights = weights[: len(names)], weights[len(names) :]
            model.put_weights(names, part, self.name)

    def count_params(self) -> int:
        return sum(array.size for array in self.get_weights())


__all__ = ["COMMON", "REQUIRED", "Layer", "automatic_name", "reset_names"]
