"""Cells, and RNN over them: recipes of the layers that do whole sequences.

``RNN(GRUCell(4))`` is ``GRU(4)``; over several cells it is their layers one above the other.
"""

from ..connecting import Expansion
from ..graph import Symbol
from .base import REQUIRED, Layer
from .core import Regularized
from .recurrent import FLAGS, GRU, LSTM, SEQUENCES, Recurrent, Remembering, SimpleRNN


class Cell(Regularized):
    """Base of cells: one step of a layer, for ``RNN``."""

    layer: type[Recurrent] = SimpleRNN

    def as_layer(self, **options) -> Recurrent:
        own = {n: v for n, v in vars(self).items() if n in self.arguments}
        return self.layer(**own, **options)


def _cell(layer: type[Recurrent]) -> dict:
    drop = {*SEQUENCES, "use_cudnn"}
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


class RNN(Remembering):
    """The layer of a cell, or of cells stacked on each other.

    States are those of the first cell, then of the next; of several cells with return_state they
    come as a list a cell, as in Keras.
    """

    arguments = {"cell": REQUIRED, **SEQUENCES}

    def check(self) -> None:
        cell = self.cell.cells if isinstance(self.cell, StackedRNNCells) else self.cell
        self.cells = list(cell) if isinstance(cell, (list, tuple)) else [cell]
        if not self.cells or not all(isinstance(each, Cell) for each in self.cells):
            raise TypeError("RNN wants SimpleRNNCell, LSTMCell, GRUCell or a list of them")
        self.stack = [cell.as_layer(stateful=self.stateful) for cell in self.cells]

    def leaves(self) -> list:
        return self.cells

    def widths(self) -> list[int]:
        return [width for layer in self.stack for width in layer.widths()]

    def steps(self, name, inputs, **flags):
        flags = {n: getattr(self, n) for n in FLAGS} | flags
        x, *given = inputs
        parts, states = [], []
        for number, (cell, layer) in enumerate(zip(self.cells, self.stack, strict=True)):
            last = layer is self.stack[-1]
            own, given = given[: layer.states], given[layer.states :]
            made = layer.steps(
                name if last else f"{name}_{number}",
                [x, *own],
                return_sequences=flags["return_sequences"] or not last,
                return_state=flags["return_state"],
                go_backwards=flags["go_backwards"] and not number,
            )
            parts.append((cell, made.nodes))
            states += made.states
            x = made.outputs[0]
        return Expansion(parts, [x, *(states if flags["return_state"] else [])], states)

    def connect(self, symbols: list[Symbol]):
        results = super().connect(symbols)
        if not self.return_state or len(self.cells) == 1:
            return results
        y, *states = results
        return [y, *([states.pop(0) for _ in layer.widths()] for layer in self.stack)]


__all__ = ["GRUCell", "LSTMCell", "RNN", "SimpleRNNCell", "StackedRNNCells"]
