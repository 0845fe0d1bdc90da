"""Lowering of convolution, pooling and padding.

Kernels convolve images that are padded already, so pads are steps of their own. The gradient of x
is a convolution too: of dz, its numbers ``strides`` apart among zeros, with the window turned.
"""

from dataclasses import astuple, dataclass
from math import prod

from respnet.engine.kernels.plan import Scratch

WORKSPACE = 16 * 1024  # numbers: a strip of dz in conv.hpp, the largest of all levels and dtypes


@dataclass(frozen=True)
class _Convolution:
    """Sizes as in conv.hpp; Y and X are those of the padded image."""

    Y: int
    X: int
    C: int
    P: int
    Q: int
    O: int  # noqa: E741 - a letter of docs/shapes.md
    V: int
    U: int
    SY: int
    SX: int
    DY: int
    DX: int


def _image(buffer) -> tuple[int, int, int]:
    """(Y,X,C) of a row; sequences and vectors are images of one row, of one place."""
    return (1,) * (3 - len(buffer.shape)) + buffer.shape


def _window(kernel) -> tuple[int, int, int, int]:
    return (1,) * (4 - len(kernel.shape)) + kernel.shape


def _sizes(x, kernel, y, attributes) -> _Convolution:
    (Y, X, C), (P, Q, O), (V, U, *_) = _image(x), _image(y), _window(kernel)  # noqa: E741
    top, bottom, left, right = attributes["pads"]
    strides, dilation = attributes["strides"], attributes["dilation"]
    return _Convolution(Y + top + bottom, X + left + right, C, P, Q, O, V, U, *strides, *dilation)


def _padded(low, x, size, begin, apart=(1, 1)):
    """x in the midst of zeros: (*size, C), from place ``begin`` on; x itself if that is all."""
    image = _image(x)
    if image[:2] == size:
        return x
    y = Scratch("work", prod(size) * image[2])
    low.emit("zero_padding_forward_rows", (x, y), (*image, *size, *begin, *apart))
    return y


def _padded_input(low, x, c: _Convolution, attributes):
    top, _, left, _ = attributes["pads"]
    return _padded(low, x, (c.Y, c.X), (top, left))


def _packed(low, kernel):
    *window, outputs = _window(kernel)
    inputs = prod(window)
    size = low.sizes.panels(inputs, outputs)
    return low.pack("pack_panels_kernel", kernel, size, (inputs, outputs))


def conv2d_forward(low, step):
    x, kernel, bias, y = step.operands
    c = _sizes(x, kernel, y, step.attributes)
    activation = low.tables["activations"].index(step.attributes["activation"])
    operands = (_padded_input(low, x, c, step.attributes), _packed(low, kernel), bias, y)
    low.emit("conv2d_forward_rows", operands, (*astuple(c), activation))


def conv2d_backward(low, step):
    x, kernel, dz, dx, dkernel, dbias = step.operands
    c = _sizes(x, kernel, dz, step.attributes)
    padded = _padded_input(low, x, c, step.attributes)
    operands = (padded, dz, dkernel, dbias, Scratch("work", WORKSPACE, False))
    low.emit("conv2d_backward_rows", operands, (*astuple(c), low.shared(dkernel)))
    if dx is not None:
        _input_gradient(low, c, kernel, dz, dx, step.attributes)


def _input_gradient(low, c: _Convolution, kernel, dz, dx, attributes):
    """dx (Y,X,C): what stands `pads` places from the border was met by that fewer windows."""
    Y, X, _ = _image(dx)
    top, _, left, _ = attributes["pads"]
    reach_y, reach_x = (c.V - 1) * c.DY, (c.U - 1) * c.DX
    back = _Convolution(Y + reach_y, X + reach_x, c.O, Y, X, c.C, c.V, c.U, 1, 1, c.DY, c.DX)
    spread = _padded(low, dz, (back.Y, back.X), (reach_y - top, reach_x - left), (c.SY, c.SX))
    taps = c.V * c.U
    size = low.sizes.panels(taps * c.O, c.C)
    turned = low.pack("pack_turned_kernel", kernel, size, (taps, c.C, c.O))
    low.emit("conv2d_forward_rows", (spread, turned, None, dx), (*astuple(back), 0))


def _pooling(low, step, x, y):
    attributes = step.attributes
    Y, X, C = _image(x)
    P, Q, _ = _image(y)
    top, _, left, _ = attributes["pads"]
    dims = (Y, X, C, P, Q, *attributes["pool"], *attributes["strides"], top, left)
    low.emit(step.op + "_rows", step.operands, dims)


def max_pooling(low, step):
    _pooling(low, step, step.operands[0], step.operands[1])


def average_pooling_backward(low, step):
    _pooling(low, step, step.operands[1], step.operands[0])


def masked_mean(low, step):
    times = step.operands[1].columns
    sequence = max(step.operands[0].columns, step.operands[2].columns)
    low.emit(step.op + "_rows", step.operands, (sequence // times, times))


def _zero_padding(low, step, x, y):
    top, _, left, _ = step.attributes["pads"]
    dims = (*_image(x), *_image(y)[:2], top, left, 1, 1)
    low.emit(step.op + "_rows", step.operands, dims)


def zero_padding_forward(low, step):
    _zero_padding(low, step, *step.operands)


def zero_padding_backward(low, step):
    _zero_padding(low, step, *reversed(step.operands))


IMAGE = {
    "conv2d_forward": conv2d_forward,
    "conv2d_backward": conv2d_backward,
    "max_pooling_forward": max_pooling,
    "max_pooling_backward": max_pooling,
    "average_pooling_forward": max_pooling,
    "average_pooling_backward": average_pooling_backward,
    "masked_mean_forward": masked_mean,
    "masked_mean_backward": masked_mean,
    "zero_padding_forward": zero_padding_forward,
    "zero_padding_backward": zero_padding_backward,
}
