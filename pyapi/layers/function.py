"""Functions of arrays in a model: Lambda layers, and activations of one's own."""

from respnet.engine import activations as engine
from respnet.engine.spec import Node

from ..activations import name_of
from ..functions import FUNCTIONS, function_named
from .base import REQUIRED, Layer


class Lambda(Layer):
    """function(inputs), made of the ops of respnet.ops; it has no weights.

    A file holds the function's name; load_model(custom_objects={name: function}) gives it back.
    """

    arguments = {"function": REQUIRED, "output_shape": None}

    def check(self) -> None:
        self.function = function_named(self.function)

    def get_config(self) -> dict:
        shape = None if self.output_shape is None else list(self.output_shape)
        return {"function": self.function.__name__, "output_shape": shape}

    def compute_output_shape(self, input_shape):
        if self.output_shape is None:
            return super().compute_output_shape(input_shape)
        return (None, *self.output_shape)

    def call(self, inputs):
        return self.function(inputs)


class Activated(Layer):
    """Base of layers whose ``activation`` may be a function of one's own (over respnet.ops).

    It becomes a node of its own behind the layer's; a file holds its name, as with Lambda.
    """

    def activation_named(self, value):
        """The name of one of the library's activations, or the user's function."""
        if isinstance(value, str) and value in FUNCTIONS and value not in engine.ALL:
            return FUNCTIONS[value]
        return value if is_own(value) else name_of(value)

    def get_config(self) -> dict:
        config = super().get_config()
        if callable(config["activation"]):
            config["activation"] = config["activation"].__name__
        return config

    def nodes(self, name: str, inputs: list[str]) -> list[Node]:
        if not callable(self.activation):
            return super().nodes(name, inputs)
        before = Node(name, self.kind, inputs, {**self.config(), "activation": "linear"})
        return [before, self.activation_node(f"{name}_activation", [name])]

    def activation_node(self, name: str, inputs: list[str]) -> Node:
        return Node(name, "python", inputs, Lambda(self.activation, name=name).config())


def is_own(value) -> bool:
    """Whether it is a function, and none of the library's."""
    strange = not getattr(value, "__module__", "").startswith("respnet.")
    return callable(value) and strange and not isinstance(value, (type, Layer))


__all__ = ["Lambda"]
