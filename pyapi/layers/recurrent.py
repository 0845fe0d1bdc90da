"""Recurrent layers by the words of Keras; whole sequences in one op of the engine.

A ``stateful`` layer gives its model hidden inputs and outputs, the states: what one batch ended
with is what the next begins with (``Recurrent.state_pairs``).
"""

from respnet.engine.spec import Node

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
_SEQUENCES = {
    "return_sequences": False,
    "return_state": False,
    "go_backwards": False,
    "stateful": False,
    "unroll": False,
}
_GATED = {"recurrent_activation": "sigmoid"}


class Recurrent(Regularized):
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

    def __call__(self, x, initial_state=None, training=None, mask=None):
        """initial_state: a symbol a state, or a list of them."""
        if mask is not None:
            raise ValueError("masks come from Embedding(mask_zero=True) or Masking, not as mask=")
        states = initial_state if isinstance(initial_state, (list, tuple)) else [initial_state]
        given = [state for state in states if state is not None]
        symbols = [*(x if isinstance(x, (list, tuple)) else [x]), *given]
        if self.stateful and len(symbols) == 1:
            symbols += self._own_states()
        return super().__call__(symbols)

    def _own_states(self) -> list[Symbol]:
        """Inputs that hold the states from batch to batch; the model feeds them itself."""
        names = [f"{self.name}_state_{i}" for i in range(self.states)]
        layers = [InputLayer((self.units,), name=name) for name in names]
        for layer in layers:
            layer.hidden = True
        return [layer.output for layer in layers]

    def state_pairs(self) -> list[tuple[Symbol, str]]:
        """(input, name of the output that is its next value) of a stateful layer."""
        if not self.stateful or not self.calls or len(self.calls[0].inputs) == 1:
            return []
        call = self.calls[0]
        own = [s for s in call.inputs[1:] if s.name.startswith(f"{self.name}_state_")]
        return [(symbol, f"{call.nodes[-1].name}:{i}") for i, symbol in enumerate(own, 1)]

    def nodes(self, name: str, inputs: list[str]) -> list[Node]:
        config = self.config()
        if self.stateful:
            config["return_state"] = True
        return [Node(name, self.kind, inputs, config)]

    def output_shapes(self, symbols, nodes):
        shapes = super().output_shapes(symbols, nodes)
        return shapes if self.return_state else shapes[:1]

    def reset_state(self) -> None:
        """Begin again with zeros (stateful layers)."""
        if self.model is not None:
            self.model.reset_states()

    reset_states = reset_state


class SimpleRNN(Recurrent):
    """h = activation(x kernel + h recurrent_kernel + bias)"""

    kind = "simple_rnn"
    arguments = {**_BEGIN, **_WEIGHTS, **_PENALTIES, **_DROPOUT, **_SEQUENCES}


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
        **_SEQUENCES,
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
        **_SEQUENCES,
        "reset_after": True,
        "use_cudnn": "auto",
    }


class Cell(Regularized):
    """Base of cells: one step of a layer, for ``RNN``."""

    layer: type[Recurrent] = SimpleRNN

    def as_layer(self, **options) -> Recurrent:
        own = {n: v for n, v in vars(self).items() if n in self.arguments}
        return self.layer(**own, **options)


def _cell(layer: type[Recurrent]) -> dict:
    drop = {*_SEQUENCES, "use_cudnn"}
    return {n: v for n, v in layer.arguments.items() if n not in drop}


class SimpleRNNCell(Cell):
    layer, arguments = SimpleRNN, _cell(SimpleRNN)


class LSTMCell(Cell):
    layer, arguments = LSTM, _cell(LSTM)


class GRUCell(Cell):
    layer, arguments = GRU, _cell(GRU)


class StackedRNNCells(Layer):
    """Cells one above the other, for ``RNN``."""

    arguments = {"cells": REQUIRED}


class RNN(Layer):
    """The layer of a cell, or of cells stacked on each other."""

    arguments = {"cell": REQUIRED, **_SEQUENCES}

    def check(self) -> None:
        cell = self.cell.cells if isinstance(self.cell, StackedRNNCells) else self.cell
        cells = list(cell) if isinstance(cell, (list, tuple)) else [cell]
        if not all(isinstance(each, Cell) for each in cells):
            raise TypeError("RNN wants SimpleRNNCell, LSTMCell, GRUCell or a list of them")
        if len(cells) > 1 and (self.return_state or self.stateful):
            raise ValueError("RNN over several cells has no return_state or stateful; use layers")
        options = {n: getattr(self, n) for n in _SEQUENCES}
        inner = {**options, "return_sequences": True, "go_backwards": False}
        self.stack = [cell.as_layer(**inner) for cell in cells[:-1]]
        self.stack.append(cells[-1].as_layer(**options))
        if len(cells) > 1 and self.go_backwards:
            self.stack[0].go_backwards, self.stack[-1].go_backwards = True, False

    def nodes(self, name: str, inputs: list[str]) -> list[Node]:
        nodes: list[Node] = []
        for number, layer in enumerate(self.stack):
            own = name if layer is self.stack[-1] else f"{name}_{number}"
            nodes += layer.nodes(own, [nodes[-1].name] if nodes else inputs)
        return nodes


class Masking(Layer):
    """Steps whose numbers all are ``mask_value`` do not count."""

    kind = "masking"
    arguments = {"mask_value": 0.0}


__all__ = [
    "GRU",
    "GRUCell",
    "LSTM",
    "LSTMCell",
    "Masking",
    "RNN",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
]
