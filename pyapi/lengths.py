"""Rows of unequal length in one array: what lies beyond a row's length is masked.

model.predict(x, lengths=[3, 7])          # x (2, T >= 7, ...); fit, evaluate likewise

longer = model.with_mask()                # the same weights; inputs x and mask (B,T)
longer.compile("adam", "mse")
longer.fit([x, sequence_mask(lengths, x.shape[1])], y)
"""

import numpy as np

from respnet.engine.masking import masked_spec

from .feeding import as_inputs, is_stream
from .layers import ApplyMask, Input


def sequence_mask(lengths, steps: int) -> np.ndarray:
    """lengths (B,) -> mask (B,steps): 1 for the first ``lengths[b]`` steps of row b, then 0."""
    lengths = np.asarray(lengths)
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu":
        raise ValueError(f"lengths must be whole numbers, one a row; got {lengths!r}")
    if len(lengths) and not 0 <= lengths.min() <= lengths.max() <= steps:
        raise ValueError(f"lengths must be 0 to {steps}, got {lengths.min()} to {lengths.max()}")
    return (np.arange(steps) < lengths[:, None]).astype(np.float32)


class Masked:
    """Part of a model: the same model with a mask of its first input as one input more."""

    _masked = (None, None)

    def with_mask(self):
        """A model with the same layers and weights; its inputs are those of this one, then mask.

        mask (B,T): 1 where a step of the first input counts, 0 where it does not.
        """
        from .models import Model  # it builds on this module

        masked_spec(self._need_built().spec)  # says what cannot have a mask
        inputs = [Input(symbol.shape[1:]) for symbol in self.inputs]
        mask = Input((inputs[0].shape[1],), name="mask")
        first = ApplyMask()([inputs[0], mask])
        options = {"dtype": self.dtype, "threads": self.threads, "device": self.device}
        return Model([*inputs, mask], self([first, *inputs[1:]]), **options)

    def _predict_lengths(self, x, lengths, **options):
        """Outputs where row b has ``lengths[b]`` steps; the model for it is made once."""
        if is_stream(x):
            raise ValueError("predict takes lengths= with arrays; of a stream, give each batch")
        self._need_built()
        calls, model = self._masked
        if calls is not self._calls:
            model = self.with_mask()
            self._masked = (self._calls, model)
        inputs = as_inputs(x, self.input_names)
        mask = sequence_mask(lengths, inputs[0].shape[1])
        return model.predict([*inputs, mask], **options)
