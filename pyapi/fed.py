"""What a model makes of arrays it is given: checked rows, and rows as its session reads them."""

import numpy as np

from .feeding import Arrays, Stream, as_arrays, is_stream
from .lengths import sequence_mask


class Fed:
    """Part of a compiled model."""

    @property
    def input_names(self) -> list[str]:
        return [symbol.name for symbol in self.inputs]

    def arrays(self, x, y, weights=None, class_weight=None, lengths=None) -> Arrays:
        """Rows, as many of everything; targets that the losses can be compared with.

        lengths (B,): of each row of a sequence; further steps of the first input are masked.
        """
        names = self.input_names, self.output_names
        rows = as_arrays(x, y, weights, *names, self.judged(), class_weight)
        for i in self.judged():
            if rows.y[i] is not None:
                self.losses[i].check(rows.y[i], self.outputs[i].shape[-1])
        if lengths is not None:
            rows.mask = self._mask(rows.x[0], lengths)
        return rows

    def _mask(self, x: np.ndarray, lengths) -> np.ndarray:
        if np.shape(lengths) != (len(x),):
            raise ValueError(
                f"lengths wants a whole number for each of {len(x)} rows, got shape "
                f"{np.shape(lengths)}"
            )
        return sequence_mask(lengths, x.shape[1])

    def rows_or_stream(self, x, y, weights, lengths, steps=None):
        """What evaluate judges by."""
        if not (is_stream(x) and y is None):
            return self.arrays(x, y, weights, lengths=lengths)
        refuse_lengths(lengths)
        return Stream(x, steps)

    def validation_rows(self, given, steps):
        """validation_data as rows or a stream: (x, y), (x, y, sample_weight) and
        (x, y, sample_weight, lengths), or what gives batches.
        """
        if given is None or isinstance(given, Arrays):
            return given
        if not isinstance(given, (tuple, list)):
            return Stream(given, steps)
        if not 2 <= len(given) <= 4:
            raise ValueError(
                "validation_data is (x, y), (x, y, sample_weight) or (x, y, sample_weight, "
                f"lengths), got {len(given)} of them"
            )
        x, y, weights, lengths = (*given, None, None)[:4]
        return self.arrays(x, y, weights, lengths=lengths)

    def feed(self, data: Arrays):
        """The rows as the session wants them."""
        targets, weights = [], []
        for i, loss in enumerate(self.losses):
            if loss is None:
                continue
            if data.y[i] is None:
                raise ValueError(f"output {self.output_names[i]} has a loss but no targets")
            targets.append(loss.targets(data.y[i]))
            weights.append(data.weights and data.weights[i])
        states = self.states.values(data.rows) if self.states else []
        weighted = any(weight is not None for weight in weights)
        inputs = [*data.x, *states]
        return self.session.feed(inputs, targets, weights if weighted else None, data.mask)


def refuse_lengths(lengths) -> None:
    if lengths is not None:
        raise ValueError(
            "lengths= goes with arrays; batches of a stream carry a mask as the last input of "
            "model.with_mask()"
        )
