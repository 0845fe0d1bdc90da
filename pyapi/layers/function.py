"""Lambda: a function of arrays as a layer."""

from .base import REQUIRED, Layer
from .own import function_named


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


__all__ = ["Lambda"]
