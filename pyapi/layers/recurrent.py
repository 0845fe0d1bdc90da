"""Recurrent layers by the words of Keras; whole sequences in one op of the engine.

A ``stateful`` layer gives its model hidden inputs and outputs, the states: what one batch ended
with is what the next begins with (``pyapi/states.py``).
"""

from respnet.engine.spec import Node, output_names

from ..connecting import Expansion
from ..graph import Symbol
from .base import REQUIRED, Layer
from .core import InputLayer, Regularized

_BEGIN = {"units": REQUIRED, "activation": "tanh"}
_WEIGHTS = {
    "use_bias": True,
    "kernel_initializer": "glorot_uniform",
    "recurrent_initializer": "orthogonal",
    "bias_initializer": "zeros",
}
_PENALTIES = {
    "kernel_regularizer": None,
    "recurrent_regularizer": None,
    "bias_regularizer": None,
    "activity_regularizer": None,
    "kernel_constraint": None,
    "recurrent_constraint": None,
    "bias_constraint": None,
}
_DROPOUT = {"dropout": 0.0, "recurrent_dropout": 0.0, "seed": None}
SEQUENCES = {
    "return_sequences": False,
    "return_state": False,
    "go_backwards": False,
    "stateful": False,
    "unroll": False,
}
_GATED = {"recurrent_activation": "sigmoid"}
FLAGS = ("return_sequences", "return_state", "go_backwards")


class Remembering(Regularized):
    """Base of layers with states: ``widths`` of them, ``steps`` with flags changed."""

    def widths(self) -> list[int]:
        """Units of each state, in the order they are given and returned."""
        raise NotImplementedError

    def steps(self, name: str, inputs: list[str], **flags) -> Expansion:
        """One call; flags: return_sequences, return_state, go_backwards instead of the own ones.

        inputs: the sequence, then nothing or a state each.
        """
        raise NotImplementedError

    def __call__(self, x, initial_state=None, training=None, mask=None):
        """initial_state: a symbol a state, or a list of them. mask: a symbol (B,T), 0 where masked.

        As in Keras, x may be the list of the sequence and the states.
        """
        symbols = [*(x if isinstance(x, (list, tuple)) else [x]), *flat(initial_state)]
        if mask is not None:
            symbols[0] = ApplyMask()([symbols[0], mask])
        if len(symbols) - 1 not in (0, len(self.widths())):
            raise ValueError(
                f"layer {self.name} has {len(self.widths())} states, got {len(symbols) - 1}"
            )
        if self.stateful and all(isinstance(symbol, Symbol) for symbol in symbols):
            if len(symbols) > 1:
                raise ValueError(f"layer {self.name} is stateful: it keeps its states itself")
            symbols += self._own_states()
        return super().__call__(symbols)

    def _own_states(self) -> list[Symbol]:
        """Inputs that hold the states from batch to batch; the model feeds them itself."""
        name = self.next_name()
        layers = [
            InputLayer((width,), name=f"{name}_state_{i}") for i, width in enumerate(self.widths())
        ]
        for layer in layers:
            layer.hidden = True
        return [layer.output for layer in layers]

    def expand(self, name: str, inputs: list[str]) -> Expansion:
        return self.steps(name, inputs)

    def reset_state(self) -> None:
        """Begin again with zeros (stateful layers)."""
        for model in {leaf.model for leaf in self.leaves()} - {None}:
            model.states.reset([symbol.name for call in self.calls for symbol in call.inputs])

    reset_states = reset_state


def flat(states) -> list:
    """States as one list: of None, a symbol, or lists of symbols or lists."""
    if states is None:
        return []
    if not isinstance(states, (list, tuple)):
        return [states]
    return [symbol for state in states for symbol in flat(state)]


class Recurrent(Remembering):
    """Base: x (B,T,I) -> y (B,T,H) or its last step (B,H), then the states if asked for."""

    ignored = ("stateful", "unroll", "seed", "use_cudnn")
    states = 1

    def __init__(self, *values, **options):
        super().__init__(*values, **options)
        length = self.input_length_given
        if length is not None and self.input_shape_given is not None:
            self.input_shape_given = (length, *self.input_shape_given[-1:])
        elif self.input_shape_given is not None and len(self.input_shape_given) == 1:
            self.input_shape_given = (None, *self.input_shape_given)  # input_dim alone

    def widths(self) -> list[int]:
        return [self.units] * self.states

    def steps(self, name, inputs, **flags):
        config = {**self.config(), **flags}
        shown = config["return_state"]
        config["return_state"] = shown or self.stateful
        states = output_names(name, self.states + 1)[1:] if config["return_state"] else []
        node = Node(name, self.kind, inputs, config)
        return Expansion([(self, [node])], [name, *(states if shown else [])], states)


class SimpleRNN(Recurrent):
    """h = activation(x kernel + h recurrent_kernel + bias)"""

    kind = "simple_rnn"
    arguments = {**_BEGIN, **_WEIGHTS, **_PENALTIES, **_DROPOUT, **SEQUENCES}


class LSTM(Recurrent):
    """c = f c + i g, h = o activation(c); gates i, f, c, o. ``peephole``: gates see the cell."""

    kind = "lstm"
    states = 2
    arguments = {
        **_BEGIN,
        **_GATED,
        **_WEIGHTS,
        "unit_forget_bias": True,
        **_PENALTIES,
        **_DROPOUT,
        **SEQUENCES,
        "use_cudnn": "auto",
        "peephole": False,
    }


class GRU(Recurrent):
    """h = z h + (1 - z) candidate; gates z, r, h. ``reset_after``: where the reset gate sits."""

    kind = "gru"
    arguments = {
        **_BEGIN,
        **_GATED,
        **_WEIGHTS,
        **_PENALTIES,
        **_DROPOUT,
        **SEQUENCES,
        "reset_after": True,
        "use_cudnn": "auto",
    }


class Masking(Layer):
    """Steps whose numbers all are ``mask_value`` do not count."""

    kind = "masking"
    arguments = {"mask_value": 0.0}


class ApplyMask(Layer):
    """x (B,T,...), mask (B,T) -> x, whose steps with mask 0 do not count."""

    kind = "apply_mask"


__all__ = ["GRU", "LSTM", "ApplyMask", "Masking", "SimpleRNN"]
