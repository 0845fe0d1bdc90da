"""Layers written by users in Python: ``build``, ``add_weight`` and ``call``.

    class Scale(respnet.layers.Layer):
        def build(self, input_shape):
            self.factor = self.add_weight((input_shape[-1],), "ones", name="factor")

        def call(self, inputs):
            return inputs * self.factor

``call`` works on arrays (B,...) with the ops of respnet.ops; a tape notes them in training and
gives the gradients. A layer that knows its gradient writes, in place of ``call``,
``forward(inputs) -> (outputs, saved)`` and
``backward(saved, doutputs) -> (dinputs, {weight name: gradient})``.
"""

import inspect
import json

import numpy as np

from respnet.engine.errors import ShapeError
from respnet.engine.layers import Parameter
from respnet.engine.layers.python import REGISTERED, Described, Own
from respnet.engine.tensors import GradientTape, Tensor

from .. import initializers, regularizers
from ..arguments import plain, unknown
from ..functions import FUNCTIONS
from ..losses_base import OWN, Loss
from ..variables import Variable, standing_for


class Written:
    """What a layer class offers to those who write one.

    ``kind`` of a class that is written by a user, or has ``call``, is "python".
    """

    kind = ""
    supports_masking = False  # True: output t belongs to input t, and a mask goes on

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        strange = not cls.kind and not cls.__module__.startswith("respnet.")
        if strange or {"call", "forward"} & set(vars(cls)):
            cls.kind = "python"
        if cls.kind == "python":
            register(cls.__name__, cls)

    def __new__(cls, *values, **options):
        made = super().__new__(cls)
        if cls.kind == "python" and "__init__" in _methods(cls):
            made.__dict__["_given"] = _named_arguments(cls, values, options)
        return made

    def build(self, input_shape) -> None:
        """Make the weights with ``add_weight``; input_shape is (None, ...), or a list of them."""

    def compute_output_shape(self, input_shape):
        """(None, ...) for such a shape, or lists of them: found by running it on zeros."""
        shapes = input_shape if isinstance(input_shape, list) else [input_shape]
        results = [(None, *shape) for shape in self.own.run_on_zeros([s[1:] for s in shapes])]
        return results[0] if len(results) == 1 else results

    def add_weight(self, shape=(), initializer="glorot_uniform", *values, **options) -> Variable:
        """A weight of this shape. initializer, trainable, regularizer and name as in Keras."""
        known = ("dtype", "trainable", "regularizer", "constraint", "name")
        options = {**dict(zip(known, values, strict=False)), **options}
        wrong = [name for name in options if name not in known]
        if wrong:
            raise TypeError(f"add_weight: {unknown('argument', wrong[0], known)}")
        if options.get("constraint") is not None:
            raise ValueError(f"layer {self.name}: constraint is not supported; clip or regularize")
        shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        name = options.get("name") or f"weight_{len(self.variables)}"
        if name in (other.name for other in self.variables):
            raise ValueError(f"layer {self.name} has two weights named {name!r}")
        variable = Variable(
            self,
            name,
            shape,
            bool(options.get("trainable", True)),
            initializer=initializers.describe(initializer),
            regularizer=regularizers.get(options.get("regularizer")),
        )
        self.variables.append(variable)
        return variable

    def get_config(self) -> dict:
        """The arguments; of a class with an ``__init__`` of its own those it was given."""
        given = self.__dict__.get("_given", {})
        return {**super().get_config(), **{name: plain(value) for name, value in given.items()}}

    @property
    def variables(self) -> list[Variable]:
        return self.__dict__.setdefault("_variables", [])

    def regularizers(self) -> dict:
        """Weight name -> Regularizer."""
        return {v.name: v.regularizer for v in self.variables if v.regularizer is not None}

    def _weights_by(self, trainable: bool) -> list[Variable]:
        self._owned()  # it says so if there are none yet
        return [v for leaf in self.leaves() for v in leaf.model.variables_of(leaf, trainable)]

    @property
    def trainable_weights(self) -> list[Variable]:
        """What training changes, since the model was compiled."""
        return self._weights_by(True)

    @property
    def non_trainable_weights(self) -> list[Variable]:
        return self._weights_by(False)

    @property
    def own(self) -> "Called":
        return self.__dict__.setdefault("_own", Called(self))

    def described(self) -> Described:
        """The layer as configuration of an engine's node."""
        return Described(type(self).__name__, self.get_config(), self.own)


def _methods(cls) -> set[str]:
    """Names a user's class and its bases define, down to the library's."""
    names: set[str] = set()
    for each in cls.__mro__:
        if each.__module__.startswith("respnet."):
            break
        names |= set(vars(each))
    return names


def _named_arguments(cls, values, options) -> dict:
    """The arguments of a constructor by name, without those that all layers take."""
    try:
        bound = inspect.signature(cls.__init__).bind(None, *values, **options)
    except TypeError:
        return {}  # the call of the constructor, which follows, says what is wrong
    bound.apply_defaults()
    several = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    kinds = inspect.signature(cls.__init__).parameters
    named = list(bound.arguments.items())[1:]
    return {name: value for name, value in named if kinds[name].kind not in several}


class Called(Own):
    """A user's layer as the engine calls it."""

    def __init__(self, layer):
        self.layer = layer
        self._shapes = self._outputs = None

    @property
    def name(self):
        return self.layer.name

    @property
    def keeps_time(self):
        return self.layer.supports_masking

    def parameters(self, shapes) -> list[Parameter]:
        shapes = list(map(tuple, shapes))
        if self._shapes != shapes:
            self.layer.variables.clear()
            self.layer.build(_batched(shapes))
            self._shapes, self._outputs = shapes, {}
        return [
            Parameter(v.name, v.shape, v.initializer, v.trainable) for v in self.layer.variables
        ]

    def output_shapes(self, shapes) -> list[tuple]:
        self.parameters(shapes)
        key = tuple(map(tuple, shapes))
        if key not in self._outputs:
            results = self.layer.compute_output_shape(_batched(list(key)))
            results = results if isinstance(results, list) else [results]
            self._outputs[key] = [tuple(shape[1:]) for shape in results]
        return self._outputs[key]

    def run_on_zeros(self, shapes) -> list[tuple]:
        """Row shapes of the outputs; a length that is open (None) is tried as 5 and as 6."""
        if not any(None in shape for shape in shapes):
            return self._tried(shapes, 5)
        pairs = zip(self._tried(shapes, 5), self._tried(shapes, 6), strict=True)
        return [
            tuple(a if a == b else None for a, b in zip(one, other, strict=True))
            for one, other in pairs
        ]

    def _tried(self, shapes, length: int) -> list[tuple]:
        lengths = [[length if n is None else n for n in shape] for shape in shapes]
        inputs = [np.zeros((2, *shape), np.float32) for shape in lengths]
        weights = {v.name: np.zeros(v.shape, np.float32) for v in self.layer.variables}
        outputs, _ = self.forward(inputs, weights, True)
        for y in outputs:
            if np.ndim(y) < 1 or len(y) != 2:
                raise ShapeError(f"gave shape {np.shape(y)} for 2 rows; an output has as many rows")
        return [np.shape(y)[1:] for y in outputs]

    def forward(self, inputs, weights, training: bool):
        numbers = {v: weights[v.name] for v in self.layer.variables}
        if hasattr(self.layer, "forward"):
            with standing_for(numbers):
                outputs, saved = self.layer.forward(_one(inputs))
            return [_plain(y) for y in _listed(outputs)], (saved, numbers)
        tape = GradientTape()
        if training:
            inputs = [tape.watch(x) for x in inputs]
            numbers = {v: tape.watch(x) if v.trainable else x for v, x in numbers.items()}
        outputs = _listed(self._call(inputs, numbers, training))
        return [_plain(y) for y in outputs], (tape, inputs, numbers, outputs)

    def _call(self, inputs, numbers, training: bool):
        if not hasattr(self.layer, "call"):
            raise TypeError(f"layer {self.name} has no call(inputs)")
        options = {}
        if "training" in inspect.signature(self.layer.call).parameters:
            options["training"] = training
        with standing_for(numbers):
            return self.layer.call(_one(inputs), **options)

    def backward(self, saved, doutputs):
        if hasattr(self.layer, "forward"):
            saved, numbers = saved
            with standing_for(numbers):
                dinputs, gradients = self.layer.backward(saved, _one(doutputs))
            return _listed(dinputs), dict(gradients)
        tape, inputs, numbers, outputs = saved
        pairs = [(y, dy) for y, dy in zip(outputs, doutputs, strict=True) if dy is not None]
        variables = [v for v in numbers if v.trainable]
        gradients = tape.gradients(pairs, [*inputs, *(numbers[v] for v in variables)])
        names = [v.name for v in variables]
        return gradients[: len(inputs)], dict(zip(names, gradients[len(inputs) :], strict=True))


def _batched(shapes):
    """One shape (None, ...) or a list of them."""
    return _one([(None, *shape) for shape in shapes])


def _one(values: list):
    return values[0] if len(values) == 1 else list(values)


def _listed(values) -> list:
    return list(values) if isinstance(values, (list, tuple)) else [values]


def _plain(y):
    return y.numpy() if isinstance(y, Tensor) else np.asarray(y)


# --- files ------------------------------------------------------------------------------------


def register(name: str, cls: type) -> None:
    """Let specs ask for a class by name: a class that is defined is known."""
    REGISTERED[name] = lambda config: cls.from_config(dict(config)).own


def learn(custom_objects) -> None:
    """Classes and functions that a file may name."""
    for name, value in (custom_objects or {}).items():
        if isinstance(value, type) and issubclass(value, Written) and value.kind == "python":
            register(name, value)
        elif isinstance(value, type) and issubclass(value, Loss):
            OWN[name] = value
        elif callable(value):
            FUNCTIONS[name] = value


def check_plain(layer) -> None:
    """Refuse to save a configuration that is no plain data."""
    for name, value in layer.get_config().items():
        try:
            json.dumps(value)
        except TypeError:
            raise ValueError(
                f"layer {layer.name}: a file cannot hold {name}={value!r}; "
                "let get_config give it as plain data"
            ) from None
