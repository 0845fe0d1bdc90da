"""Steps that call Python, in the reference: the same object, once for all rows."""

KEY = 0  # all rows are one piece of work


def python_forward(x, x1, x2, x3, weights, constants, *, function):
    return tuple(function.forward(KEY, [x, x1, x2, x3, weights, constants]))


def python_loss(prediction, target, weight, *, function, term, scale, count):
    return tuple(function.loss(KEY, [prediction, target, weight], count, scale))


def python_backward(x, x1, x2, x3, weights, constants, dy, dy1, dy2, *, function):
    operands = [x, x1, x2, x3, weights, constants, dy, dy1, dy2]
    return tuple(function.backward(KEY, operands))
