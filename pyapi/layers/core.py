"""Input, Dense, Activation, Embedding, and the layers that only change shapes."""

from respnet.engine.spec import Node

from .. import initializers, regularizers
from ..activations import name_of
from ..graph import Call, Symbol
from .base import REQUIRED, Layer
from .function import Activated


class InputLayer(Layer):
    """The begin of a model: rows of ``shape``; None is a length that may change."""

    arguments = {
        "shape": None,
        "batch_shape": None,
    }

    def __init__(self, *values, **options):
        size = options.pop("batch_size", values[1] if len(values) > 1 else None)
        super().__init__(*values[:1], **options)
        shape = self.shape
        if self.batch_shape is not None:
            size, *shape = self.batch_shape
        if shape is None:
            shape = self.input_shape_given
        if shape is None:
            raise TypeError("Input needs shape (of one row) or batch_shape")
        shape = tuple(shape) if isinstance(shape, (list, tuple)) else (shape,)
        self.input_shape_given, self.batch_size = shape, size
        call = Call(self, ())
        call.outputs = [Symbol(call, 0, shape, self.name, size)]
        self.calls = [call]

    def leaves(self) -> list:
        return []


def Input(*values, **options) -> Symbol:
    """``Input(shape=(4,))``: a symbol for rows of this shape; arguments of InputLayer."""
    return InputLayer(*values, **options).output


class Regularized(Layer):
    """Base of layers with weights: initializers, regularizers and no constraints."""

    def check(self) -> None:
        for name in self.arguments:
            value = getattr(self, name)
            if name.endswith("_initializer"):
                setattr(self, name, initializers.describe(value))
            elif name.endswith("_constraint") and value is not None:
                raise ValueError(f"layer {self.name}: {name} is not supported; clip or regularize")
            elif name.endswith("activation"):
                own = name == "activation" and isinstance(self, Activated)
                setattr(self, name, (self.activation_named if own else name_of)(value))

    def config(self) -> dict:
        left = super().config()
        return {n: v for n, v in left.items() if not n.endswith(("_regularizer", "_constraint"))}

    def regularizers(self) -> dict:
        """Parameter name -> Regularizer."""
        named = [n for n in self.arguments if n.endswith("_regularizer")]
        if getattr(self, "activity_regularizer", None) is not None:
            raise ValueError(f"layer {self.name}: activity_regularizer is not supported")
        found = {n.removesuffix("_regularizer"): regularizers.get(getattr(self, n)) for n in named}
        if "recurrent" in found:  # the one argument that is not named as its parameter
            found["recurrent_kernel"] = found.pop("recurrent")
        return {name: value for name, value in found.items() if value is not None}


class Dense(Activated, Regularized):
    """activation(x kernel + bias), along the last axis: x (B,...,I) -> y (B,...,O)"""

    kind = "dense"
    arguments = {
        "units": REQUIRED,
        "activation": None,
        "use_bias": True,
        "kernel_initializer": "glorot_uniform",
        "bias_initializer": "zeros",
        "kernel_regularizer": None,
        "bias_regularizer": None,
        "activity_regularizer": None,
        "kernel_constraint": None,
        "bias_constraint": None,
    }


class Activation(Activated):
    """An activation as a layer of its own."""

    kind = "activation"
    arguments = {"activation": REQUIRED}

    def check(self) -> None:
        self.activation = self.activation_named(self.activation)

    def nodes(self, name: str, inputs: list[str]) -> list[Node]:
        own = callable(self.activation)
        return [self.activation_node(name, inputs)] if own else super().nodes(name, inputs)


class Embedding(Regularized):
    """Rows of a table by number: x (B,T) -> y (B,T,O)"""

    kind = "embedding"
    arguments = {
        "input_dim": REQUIRED,
        "output_dim": REQUIRED,
        "embeddings_initializer": "uniform",
        "embeddings_regularizer": None,
        "embeddings_constraint": None,
        "mask_zero": False,
        "input_length": None,
    }
    ignored = ("input_length",)

    def __init__(self, *values, weights=None, **options):
        super().__init__(*values, **options)
        self.weights_given = weights
        if self.input_shape_given is None:
            self.input_shape_given = (self.input_length,)


class Flatten(Layer):
    """x (B,...) -> y (B,N)"""

    kind = "flatten"
    arguments = {"data_format": None}
    ignored = ("data_format",)


class Reshape(Layer):
    """x (B,...) -> y (B, *target_shape); one length may be -1"""

    kind = "reshape"
    arguments = {"target_shape": REQUIRED}


class RepeatVector(Layer):
    """x (B,I) -> y (B,n,I)"""

    kind = "repeat_vector"
    arguments = {"n": REQUIRED}


class Permute(Layer):
    """The axes of a row in another order, counted from 1: ``dims``"""

    kind = "permute"
    arguments = {"dims": REQUIRED}

    def check(self) -> None:
        self.dims = list(self.dims)


class Cropping1D(Layer):
    """x (B,T,N) without its first and last steps; one number is of both ends"""

    kind = "cropping_1d"
    arguments = {"cropping": (1, 1)}

    def check(self) -> None:
        both = isinstance(self.cropping, int)
        self.cropping = [self.cropping] * 2 if both else list(self.cropping)


__all__ = [
    "Activation",
    "Cropping1D",
    "Dense",
    "Embedding",
    "Flatten",
    "Input",
    "InputLayer",
    "Permute",
    "RepeatVector",
    "Reshape",
]
