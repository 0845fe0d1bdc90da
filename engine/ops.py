"""The op contract: one row an op.

Every executor (CPU kernels, reference, later GPU) has exactly these ops, with these operands in
this order. Operands left of ``->`` are read, right of it written; ``?`` marks an optional one and
``+`` one that is added to. Axes: B rows of the batch, I inputs, O outputs, N any length
(docs/shapes.md).
Attributes are plain numbers or words fixed when a program is compiled.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Operand:
    """One operand: its name, its shape in letters, and how it is used."""

    name: str
    shape: tuple[str, ...]
    written: bool
    optional: bool = False
    added: bool = False


@dataclass(frozen=True)
class Op:
    """One row of the contract."""

    name: str
    operands: tuple[Operand, ...]
    attributes: tuple[str, ...]
    summary: str


_OPERAND = re.compile(r"(\+?)(\w+)(\??) \(([\w,1]*)\)")


def _operands(signature: str) -> tuple[Operand, ...]:
    read, _, written = signature.partition("->")
    return tuple(
        Operand(name, tuple(shape.split(",")), is_written, bool(optional), bool(plus))
        for text, is_written in ((read, False), (written, True))
        for plus, name, optional, shape in _OPERAND.findall(text)
    )


OPS: dict[str, Op] = {}


def _op(name: str, signature: str, summary: str, *attributes: str) -> None:
    OPS[name] = Op(name, _operands(signature), attributes, summary)


_op("scale_forward", "x (B,N), scale (N), offset (N) -> y (B,N)", "y = x * scale + offset")

_op(
    "dense_forward",
    "x (B,I), kernel (I,O), bias? (O) -> y (B,O)",
    "y = activation(x kernel + bias)",
    "activation",
)
_op(
    "dense_backward",
    "x (B,I), kernel (I,O), dz (B,O) -> dx? (B,I), +dkernel (I,O), +dbias? (O)",
    "dx = dz kernel^T, dkernel += x^T dz, dbias += column sums of dz",
)

_op("activation_forward", "x (B,N) -> y (B,N)", "y = activation(x)", "activation")
_op(
    "activation_backward",
    "x? (B,N), y (B,N), dy (B,N) -> dx (B,N)",
    "dx = dy activation'(x); x only where the formula needs it",
    "activation",
)

_op("softmax_forward", "x (B,N) -> y (B,N)", "y = exp(x) / sum exp(x), each row by itself")
_op("softmax_backward", "y (B,N), dy (B,N) -> dx (B,N)", "dx = y (dy - sum(dy y))")

_op(
    "dropout_forward",
    "x (B,N) -> y (B,N)",
    "y = x / (1 - rate) where kept, else 0; the mask is a hash of seed, row and unit",
    "rate",
    "salt",
)
_op("dropout_backward", "dy (B,N) -> dx (B,N)", "the same mask on the gradient", "rate", "salt")

_op("copy", "x (B,N) -> y (B,N)", "y = x")
_op("accumulate", "x (B,N) -> +y (B,N)", "y += x: gradients of a value with several readers")

_op("embedding_forward", "x (B,T), table (V,H) -> y (B,T,H)", "y = table[x]; x holds numbers")
_op("embedding_backward", "x (B,T), dy (B,T,H) -> +dtable (V,H)", "dtable[x] += dy")

# Recurrent ops take whole sequences. gates hold what the backward pass needs: activated gates in the
# order of the kernel. A step whose mask is 0 repeats state and output of the step before.
# recurrent_mask multiplies h before the recurrent product (recurrent dropout).
_op(
    "simple_rnn_forward",
    "x (B,T,I), kernel (I,H), recurrent_kernel (H,H), bias? (H), h0? (B,H), mask? (B,T), "
    "recurrent_mask? (B,H) -> y (B,T,H)",
    "h = activation(x kernel + h recurrent_kernel + bias)",
    "activation",
)
_op(
    "simple_rnn_backward",
    "x (B,T,I), kernel (I,H), recurrent_kernel (H,H), h0? (B,H), mask? (B,T), "
    "recurrent_mask? (B,H), y (B,T,H), dy? (B,T,H), dh? (B,H) -> dx? (B,T,I), +dkernel (I,H), "
    "+drecurrent_kernel (H,H), +dbias? (H), dh0? (B,H)",
    "dy: of every output; dh: of the last one besides",
    "activation",
)
_op(
    "lstm_forward",
    "x (B,T,I), kernel (I,G), recurrent_kernel (H,G), bias? (G), peephole? (3,H), h0? (B,H), "
    "c0? (B,H), mask? (B,T), recurrent_mask? (B,H) -> y (B,T,H), cells (B,T,H), gates (B,T,G)",
    "G = 4H gates i, f, c, o (Hochreiter and Schmidhuber 1997, Gers et al. 2000); peephole rows "
    "i, f see c[t-1], o sees c[t] (Gers and Schmidhuber 2000)",
    "activation",
    "recurrent_activation",
)
_op(
    "lstm_backward",
    "x (B,T,I), kernel (I,G), recurrent_kernel (H,G), peephole? (3,H), h0? (B,H), c0? (B,H), "
    "mask? (B,T), recurrent_mask? (B,H), y (B,T,H), cells (B,T,H), gates (B,T,G), dy? (B,T,H), "
    "dh? (B,H), dc? (B,H) -> dx? (B,T,I), +dkernel (I,G), +drecurrent_kernel (H,G), +dbias? (G), "
    "+dpeephole? (3,H), dh0? (B,H), dc0? (B,H)",
    "gates may be overwritten: nobody reads them again",
    "activation",
    "recurrent_activation",
)
_op(
    "gru_forward",
    "x (B,T,I), kernel (I,G), recurrent_kernel (H,G), bias? (G), recurrent_bias? (G), h0? (B,H), "
    "mask? (B,T), recurrent_mask? (B,H) -> y (B,T,H), gates (B,T,4H)",
    "G = 3H gates z, r, h (Cho et al. 2014), h = z h + (1 - z) candidate; gates also hold the "
    "recurrent part of the candidate; reset_after: the reset gate multiplies h recurrent_kernel, "
    "not h",
    "activation",
    "recurrent_activation",
    "reset_after",
)
_op(
    "gru_backward",
    "x (B,T,I), kernel (I,G), recurrent_kernel (H,G), h0? (B,H), mask? (B,T), "
    "recurrent_mask? (B,H), y (B,T,H), gates (B,T,4H), dy? (B,T,H), dh? (B,H) -> dx? (B,T,I), "
    "+dkernel (I,G), +drecurrent_kernel (H,G), +dbias? (G), +drecurrent_bias? (G), dh0? (B,H)",
    "gates may be overwritten: nobody reads them again",
    "activation",
    "recurrent_activation",
    "reset_after",
)
_op("last_step", "y (B,T,N) -> h (B,N)", "the last step of a sequence")
_op("last_step_backward", "dh (B,N) -> dy (B,T,N)", "its gradient: 0 before the last step")
_op("reverse_time", "x (B,T,N) -> y (B,T,N)", "steps in opposite order; its own gradient")
_op("repeat_vector", "x (B,N) -> y (B,T,N)", "y[t] = x for every t")
_op("repeat_vector_backward", "dy (B,T,N) -> dx (B,N)", "sum over t")
_op(
    "dropout_mask",
    "x (B,N) -> y (B,N)",
    "1 / (1 - rate) where kept, else 0; x lends its shape only",
    "rate",
    "salt",
)

# Losses: value and gradient come from one step. The value is summed over rows into the frame, each
# row divided by the batch; without the last operand only the value is computed. weight is per row.
_op(
    "pointwise_loss",
    "prediction (B,O), target (B,O), weight? (B) -> dprediction? (B,O)",
    "mean over outputs of loss(prediction, target)",
    "loss",
    "delta",
)
_op(
    "softmax_crossentropy",
    "logits (B,O), target (B,O), weight? (B) -> dlogits (B,O)",
    "-sum target log softmax(logits)",
)
_op(
    "sparse_crossentropy",
    "logits (B,O), target (B,1), weight? (B) -> dlogits (B,O)",
    "-log softmax(logits)[target]; target is the number of the class",
)
_op(
    "metric",
    "prediction (B,O), target (B,N) ->",
    "adds the metric of each row to the frame",
    "metric",
)

# Optimizer steps over the flat vector of trainable parameters; formulas in kernels/formulas.hpp.
_op(
    "rprop_step",
    "g (N) -> +w (N), +step (N), +previous (N), +delta (N)",
    "iRprop+ (Igel and Huesken 2000) or RPROP+ (Riedmiller 1994, take_back=1)",
    "increase",
    "decrease",
    "step_max",
    "step_min",
    "step_start",
    "take_back",
)
_op(
    "sgd_step",
    "g (N) -> +w (N), +velocity? (N)",
    "momentum and Nesterov as Keras 3",
    "learning_rate",
    "momentum",
    "nesterov",
    "decay",
)
_op(
    "rmsprop_step",
    "g (N) -> +w (N), +square (N), +velocity (N), +mean? (N)",
    "RMSprop (Hinton 2012), with momentum and centered if asked for",
    "learning_rate",
    "rho",
    "momentum",
    "epsilon",
    "decay",
)
_op(
    "adam_step",
    "g (N) -> +w (N), +mean (N), +square (N)",
    "Adam (Kingma and Ba 2015), AdamW with decay (Loshchilov and Hutter 2019)",
    "learning_rate",
    "beta_1",
    "beta_2",
    "epsilon",
    "decay",
)
