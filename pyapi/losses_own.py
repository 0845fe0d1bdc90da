"""A function of (y_true, y_pred) as a loss."""

from .arguments import REQUIRED
from .functions import function_named
from .losses_base import COMMON, Loss


class FunctionLoss(Loss):
    """function(y_true, y_pred), made of the ops of respnet.ops; a file holds its name."""

    arguments = {"function": REQUIRED, **COMMON}

    def __init__(self, *values, **options):
        super().__init__(*values, **options)
        self.function = function_named(self.function)
        self.name = self.name or self.function.__name__

    def get_config(self) -> dict:
        return {**super().get_config(), "function": self.function.__name__}

    def call(self, y_true, y_pred):
        return self.function(y_true, y_pred)
