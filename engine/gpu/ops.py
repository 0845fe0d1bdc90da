"""The ops on the GPU, named and called as those of the reference: read operands, then attributes.

They return what they write, new arrays of the program's own memory. ``c`` is the Context.
"""

from respnet.engine import reference_ops
from respnet.engine.gpu.context import finish, matrix
from respnet.engine.gpu.image import *  # noqa: F403
from respnet.engine.gpu.losses import *  # noqa: F403
from respnet.engine.gpu.merge import *  # noqa: F403
from respnet.engine.gpu.recurrent import *  # noqa: F403
from respnet.engine.gpu.sequence import *  # noqa: F403


def scale_forward(c, x, scale, offset):
    return x * scale + offset


def dense_forward(c, x, kernel, bias, *, activation):
    y = c.multiply(matrix(x), kernel)
    finish(c, y, bias, activation)
    return y.reshape(*x.shape[:-1], -1)


def dense_backward(c, x, kernel, dz):
    flat_x, flat_d = matrix(x), matrix(dz)
    dx = c.multiply(flat_d, kernel, of_b=True).reshape(x.shape)
    return dx, c.multiply(flat_x, flat_d, of_a=True), flat_d.sum(axis=0)


def activation_forward(c, x, *, activation):
    y = c.cp.empty_like(x)
    c.launch("elementwise", "activation_forward", x.size, x, y, c.activation(activation),
             c.cp.int64(x.size))
    return y


def activation_backward(c, x, y, dy, *, activation):
    dx = c.cp.empty_like(y)
    c.launch("elementwise", "activation_backward", y.size, x, y, dy, dx, c.activation(activation),
             c.cp.int64(y.size))
    return dx


def softmax_forward(c, x):
    e = c.cp.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(c, y, dy):
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


def dropout_mask(c, x, *, units, rate, salt, seed):
    return c.noise("dropout_mask", (len(x), units), seed, salt, rate)


def dropout_forward(c, x, *, rate, salt, seed):
    mask = dropout_mask(c, x, units=x[0].size, rate=rate, salt=salt, seed=seed)
    return x * mask.reshape(x.shape)


def dropout_backward(c, dy, *, rate, salt, seed):
    return dropout_forward(c, dy, rate=rate, salt=salt, seed=seed)


def normal(c, x, *, mean, deviation, salt, seed):
    return c.noise("normal", x.shape, seed, salt, mean, deviation)


def uniform(c, x, *, units, salt, seed):
    return c.noise("uniform", (len(x), units), seed, salt)


def warp_backward(c, dy, draws, **options):
    return reference_ops.warp_backward(dy, draws, add_at=c.cp.add.at, **options)


def copy(c, x):
    return x.copy()


def accumulate(c, x):
    return x


def _shared(function):
    return lambda c, *arrays, **attributes: function(*arrays, **attributes)


# Plain array expressions: NumPy hands them on to CuPy (NEP 13 and 18), so they stand once.
SHARED = (
    "affine",
    "concatenate",
    "elu_backward",
    "elu_forward",
    "grouped_conv2d_backward",
    "grouped_conv2d_forward",
    "layer_norm_backward",
    "layer_norm_forward",
    "log_softmax_backward",
    "log_softmax_forward",
    "maximum_backward",
    "maximum_forward",
    "minimum_backward",
    "minimum_forward",
    "moments",
    "moving_average",
    "multiply",
    "multiply_steps",
    "normalize_backward",
    "normalize_forward",
    "prelu_backward",
    "prelu_forward",
    "relu_backward",
    "relu_forward",
    "repeat_vector_backward",
    "split",
    "warp_forward",
)
globals().update({name: _shared(getattr(reference_ops, name)) for name in SHARED})
