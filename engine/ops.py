"""The op contract: one row an op.

Every executor (CPU kernels, reference, later GPU) has exactly these ops, with these operands in
this order. Operands left of ``->`` are read, right of it written; ``?`` marks an optional one and
``+`` one that is added to. Axes: B rows of the batch, I inputs, O outputs, N any length
(docs/shapes.md).
Attributes are plain numbers or words fixed when a program is compiled.
"""

import re
from dataclasses import dataclass

from respnet.engine import ops_image, ops_merge, ops_norm, ops_python, ops_recurrent


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


_OPERAND = re.compile(r"(\+?)(\w+)(\??) \(([\w,]*)\)")


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
    "x (B,I), kernel (I,O), dz (B,O) -> dx? (B,I), +dkernel? (I,O), +dbias? (O)",
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
    "y = x / (1 - rate) where kept, else 0; the mask is a hash of seed, row and unit. seed: of the "
    "layer, or None for the batch's",
    "rate",
    "salt",
    "seed",
)
_op(
    "dropout_backward",
    "dy (B,N) -> dx (B,N)",
    "the same mask on the gradient",
    "rate",
    "salt",
    "seed",
)

_op("copy", "x (B,N) -> y (B,N)", "y = x")
_op("accumulate", "x (B,N) -> +y (B,N)", "y += x: gradients of a value with several readers")

# Losses: value and gradient come from one step. The value goes into the term of the frame, each
# place divided by the number of places that count; so is the gradient, times ``scale``, the weight
# of the term. weight is of each place; ``options``: (delta, smoothing or ignored class; gamma;
# alpha), NaN for what a loss does not have (losses.py). reduction: "sum" divides by nothing; "none"
# gives the mean over all places of the batch, and the gradient of their sum.
REDUCTIONS = ("mean", "sum", "none")
_op(
    "pointwise_loss",
    "prediction (B,O), target (B,O), weight? (B) -> dprediction (B,O)",
    "mean over outputs of loss(prediction, target)",
    "loss",
    "options",
    "reduction",
    "term",
    "scale",
)
_op(
    "row_loss",
    "prediction (B,O), target (B,N), weight? (B) -> dprediction (B,O)",
    "loss of whole rows; targets of the sparse ones are numbers of classes, N = 1",
    "loss",
    "options",
    "reduction",
    "term",
    "scale",
)
_op(
    "metric",
    "prediction (B,O), target (B,N), mask? (B) ->",
    "adds the metric of each place that counts to the term",
    "metric",
    "ignored",
    "term",
)
_op(
    "count_places",
    "mask? (B), target? (B,N) ->",
    "how many places count in the term: mask not 0, target not the ignored class",
    "ignored",
    "term",
)

for _name, _signature, _summary, _attributes in (
    *ops_recurrent.ROWS,
    *ops_image.ROWS,
    *ops_merge.ROWS,
    *ops_norm.ROWS,
    *ops_python.ROWS,
):
    _op(_name, _signature, _summary, *_attributes)

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
    "weight_decay",
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
_op(
    "amsgrad_step",
    "g (N) -> +w (N), +mean (N), +square (N), +largest (N)",
    "Adam by the largest square so far (Reddi, Kale and Kumar 2018)",
    "learning_rate",
    "beta_1",
    "beta_2",
    "epsilon",
    "decay",
)
_op(
    "adagrad_step",
    "g (N) -> +w (N), +square (N)",
    "Adagrad (Duchi, Hazan and Singer 2011)",
    "learning_rate",
    "square_start",
    "epsilon",
    "decay",
)
_op(
    "adadelta_step",
    "g (N) -> +w (N), +square (N), +change (N)",
    "Adadelta (Zeiler 2012)",
    "learning_rate",
    "rho",
    "epsilon",
    "decay",
)
_op(
    "adamax_step",
    "g (N) -> +w (N), +mean (N), +largest (N)",
    "Adamax (Kingma and Ba 2015)",
    "learning_rate",
    "beta_1",
    "beta_2",
    "epsilon",
    "decay",
)
_op(
    "nadam_step",
    "g (N) -> +w (N), +mean (N), +square (N)",
    "Nadam (Dozat 2016), its momentum rising as in Keras",
    "learning_rate",
    "beta_1",
    "beta_2",
    "epsilon",
    "decay",
)

# Between the backward pass and the optimizer step, over any stretch of the vector.
_op("penalty_step", "w (N) -> +g (N)", "loss += l1 |w| + l2 w^2, and its gradient", "l1", "l2")
_op("clip_value_step", "-> +g (N)", "each number kept within -limit and limit", "limit")
_op("clip_norm_step", "-> +g (N)", "shortened to the norm limit where it is longer", "limit")
