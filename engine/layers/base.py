"""What every layer recipe has in common."""

from collections.abc import Mapping
from dataclasses import dataclass

from respnet.engine.errors import SpecError


@dataclass(frozen=True)
class Parameter:
    """A parameter a layer asks for. Constants (trainable=False) are kept beside the weights."""

    name: str
    shape: tuple[int, ...]
    initializer: str
    trainable: bool = True


class Layer:
    """A recipe. Subclasses set ``kind`` and ``defaults`` and list their steps.

    ``forward`` emits steps into a builder and returns the output buffer (or a tuple of several) and
    whatever ``backward`` needs again; ``backward`` gets that and the gradient of the output (a list
    with None for those nobody reads, if there are several), and returns the gradients of the inputs
    (None where ``wanted`` says nobody needs it). Shapes are those of one row; None is a length
    known only when a program is compiled.
    """

    kind = ""
    defaults: Mapping = {}
    inputs = 1
    keeps_time = False  # whether output t belongs to input t: then a mask of the input holds for it
    ends_in_activation = False  # whether config["activation"] comes last: a loss may contain it
    trainable = True  # of the node, set by the Layout

    def __init__(self, config: Mapping, name: str = ""):
        unknown = sorted(set(config) - set(self.defaults))
        if unknown:
            raise SpecError(
                f"layer {self.kind} has no argument {unknown[0]!r}; "
                f"it takes {', '.join(self.defaults) or 'none'}"
            )
        self.name = name
        self.config = {**self.defaults, **config}
        self.check()

    def check(self) -> None:
        """Refuse a configuration that makes no sense (SpecError)."""

    def parameters(self, *shapes: tuple[int, ...]) -> list[Parameter]:
        """Parameters for inputs whose rows have these shapes."""
        return []

    def output_shape(self, *shapes: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one row of the output; a list of them if there are several."""
        return shapes[0]

    def forward(self, b, p, x):
        raise NotImplementedError

    def backward(self, b, p, saved, dy, wanted):
        raise NotImplementedError
