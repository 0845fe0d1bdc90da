"""Lowering of normalisation and PReLU: columns, rows along them, where gradients are added."""


def _rows(low, step, columns, dims=(), constants=()):
    """Emit for rows of ``columns`` numbers of the first operand."""
    repeats = step.operands[0].columns // columns
    low.emit(step.op + "_rows", step.operands, (columns, *dims), constants, repeats)


def _shared(low, *gradients) -> int:
    """1 if any of these is always added to; all of a layer are alike."""
    return max([low.shared(gradient) for gradient in gradients if gradient], default=0)


def moments(low, step):
    _rows(low, step, step.operands[0].shape[-1])


def normalize_forward(low, step):
    _rows(low, step, step.operands[0].shape[-1], (), (step.attributes["epsilon"],))


def normalize_backward(low, step):
    dims = (int(step.attributes["fixed"]), 0, _shared(low, *step.operands[7:]))
    _rows(low, step, step.operands[0].shape[-1], dims, (step.attributes["epsilon"],))


def moving_average(low, step):
    dims = (step.operands[0].columns,)
    low.emit("moving_average_rows", step.operands, dims, (step.attributes["momentum"],))


def layer_norm_forward(low, step):
    _rows(low, step, step.attributes["width"], (), (step.attributes["epsilon"],))


def layer_norm_backward(low, step):
    _rows(low, step, step.attributes["width"], (0, 0, _shared(low, *step.operands[5:])))


def prelu_forward(low, step):
    _rows(low, step, step.operands[1].columns)


def prelu_backward(low, step):
    alpha, dalpha = step.operands[1], step.operands[4]
    _rows(low, step, alpha.columns, (0, 0, _shared(low, dalpha)))


def _along_rows(low, step):
    _rows(low, step, step.operands[0].shape[-1])


NORM = {
    "moments": moments,
    "normalize_forward": normalize_forward,
    "normalize_backward": normalize_backward,
    "moving_average": moving_average,
    "layer_norm_forward": layer_norm_forward,
    "layer_norm_backward": layer_norm_backward,
    "log_softmax_forward": _along_rows,
    "log_softmax_backward": _along_rows,
    "prelu_forward": prelu_forward,
    "prelu_backward": prelu_backward,
}
