"""Losses: which step computes value and gradient, and which activation is fused into it.

The reported loss is the mean over the batch (and, pointwise, over the outputs), as in Keras.
"""

from dataclasses import dataclass

from respnet.engine.errors import SpecError


@dataclass(frozen=True)
class Loss:
    """op: its row in ops.py. fuses: the output activation the op replaces by working on logits.

    metric: what is reported beside it. columns: of the target; None means as many as outputs.
    """

    op: str
    attributes: tuple[tuple[str, object], ...]
    metric: str
    fuses: str | None = None
    columns: int | None = None


def _pointwise(name: str, metric: str = "absolute_error", fuses: str | None = None) -> Loss:
    return Loss("pointwise_loss", (("loss", name), ("delta", 1.0)), metric, fuses)


LOSSES = {
    "mse": _pointwise("mse"),
    "mae": _pointwise("mae"),
    "huber": _pointwise("huber"),
    "binary_crossentropy": _pointwise("binary_crossentropy", "binary_error", "sigmoid"),
    "categorical_crossentropy": Loss("softmax_crossentropy", (), "class_error", "softmax"),
    "sparse_crossentropy": Loss("sparse_crossentropy", (), "sparse_class_error", "softmax", 1),
    # of outputs that are logits already
    "binary_crossentropy_logits": _pointwise("binary_crossentropy", "logit_error"),
    "categorical_crossentropy_logits": Loss("softmax_crossentropy", (), "class_error"),
    "sparse_crossentropy_logits": Loss("sparse_crossentropy", (), "sparse_class_error", None, 1),
}
POINTWISE = ("mse", "mae", "huber", "binary_crossentropy")  # in the order of formulas.hpp
METRICS = ("class_error", "sparse_class_error", "binary_error", "logit_error", "absolute_error")


def loss_named(name: str) -> Loss:
    if name not in LOSSES:
        raise SpecError(f"loss must be one of {', '.join(LOSSES)}, got {name!r}")
    return LOSSES[name]
