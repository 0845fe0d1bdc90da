"""Lowering of convolution, pooling and padding.

Kernels convolve images that are padded already, so pads are steps of their own. The gradient of x
is a convolution too, of dz with the window turned; with strides each window adds to dx by itself.
Windows of 3 x 3 without strides over enough channels go by fewer products (winograd.hpp).
"""

from dataclasses import astuple, dataclass, replace
from math import prod

from respnet.engine.kernels.plan import Scratch

PLACES = 256  # as in conv.hpp
WORKSPACE = 16 * 1024  # numbers: a strip of dz in conv.hpp, the largest of all levels and dtypes
# Channels from which the products saved pay for the transforms, and numbers of transformed tiles
# that stay in the second-level cache: T (C + O) of a block.
WINOGRAD_CHANNELS, WINOGRAD_NUMBERS = 16, 8 * 1024


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

    @property
    def by_tiles(self) -> bool:
        """Whether winograd.hpp convolves it."""
        window = (self.V, self.U, self.SY, self.SX, self.DY, self.DX)
        return window == (3, 3, 1, 1, 1, 1) and min(self.C, self.O) >= WINOGRAD_CHANNELS

    @property
    def size(self) -> tuple[int, int]:
        """Of the padded image; by tiles of 2 x 2 places a whole number of them."""
        if self.by_tiles:
            return self.P + self.P % 2 + 2, self.Q + self.Q % 2 + 2
        return self.Y, self.X

    @property
    def block(self) -> int:
        """Tiles of a block: whole row blocks of a product (gemm.hpp)."""
        return max(48, min(240, WINOGRAD_NUMBERS // (self.C + self.O) // 12 * 12))

    def tiled(self) -> tuple[int, ...]:
        """dims of the kernels of winograd.hpp."""
        return (*self.size, self.C, self.P, self.Q, self.O, self.block)


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


def _padded(low, x, size, begin):
    """x in the midst of zeros: (*size, C), from place ``begin`` on; x itself if that is all."""
    image = _image(x)
    if image[:2] == size:
        return x
    y = Scratch("work", prod(size) * image[2])
    low.emit("zero_padding_forward_rows", (x, y), (*image, *size, *begin))
    return y


def _padded_input(low, x, c: _Convolution, attributes):
    top, _, left, _ = attributes["pads"]
    return _padded(low, x, c.size, (top, left))


def _packed(low, kernel, turned: bool, by_tiles: bool):
    """The kernel as a product wants it; turned: as dz meets it for the gradient of x."""
    V, U, C, O = _window(kernel)  # noqa: E741
    taps, inputs, outputs = V * U, O if turned else C, C if turned else O
    if by_tiles:
        size = 16 * (low.sizes.panels(inputs, outputs) + C * O)
        return low.pack("pack_winograd_kernel", kernel, size, (C, O, int(turned)))
    size = low.sizes.panels(taps * inputs, outputs)
    if turned:
        return low.pack("pack_turned_kernel", kernel, size, (taps, C, O))
    return low.pack("pack_panels_kernel", kernel, size, (taps * C, O))


def _convolve(low, c: _Convolution, x, packed, bias, y, activation: int):
    """y of the padded x"""
    if c.by_tiles:
        workspace = Scratch("work", 16 * c.block * (c.C + c.O), False)
        operands = (x, packed, bias, y, workspace)
        return low.emit("winograd_forward_rows", operands, (*c.tiled(), activation))
    return low.emit("conv2d_forward_rows", (x, packed, bias, y), (*astuple(c), activation))


def conv2d_forward(low, step):
    x, kernel, bias, y = step.operands
    c = _sizes(x, kernel, y, step.attributes)
    activation = low.tables["activations"].index(step.attributes["activation"])
    padded = _padded_input(low, x, c, step.attributes)
    _convolve(low, c, padded, _packed(low, kernel, False, c.by_tiles), bias, y, activation)


def conv2d_backward(low, step):
    x, kernel, dz, dx, dkernel, dbias = step.operands
    c = _sizes(x, kernel, dz, step.attributes)
    if dkernel is not None:  # kernel and bias of a layer are frozen together
        _kernel_gradient(low, c, _padded_input(low, x, c, step.attributes), dz, dkernel, dbias)
    if dx is not None:
        _input_gradient(low, c, kernel, dz, dx, step.attributes)


def _kernel_gradient(low, c: _Convolution, padded, dz, dkernel, dbias):
    name, dims, numbers = "conv2d_backward_rows", astuple(c), WORKSPACE
    if c.by_tiles:
        name, dims = "winograd_backward_rows", c.tiled()
        numbers = 16 * (c.block * (c.C + c.O) + c.C * c.O)
        numbers += low.sizes.workspace(c.C, c.O, c.block)
    operands = (padded, dz, dkernel, dbias, Scratch("work", numbers, False))
    low.emit(name, operands, (*dims, low.shared(dkernel)))


def _input_gradient(low, c: _Convolution, kernel, dz, dx, attributes):
    """dx (Y,X,C): what stands `pads` places from the border was met by that fewer windows."""
    Y, X, _ = _image(dx)
    top, _, left, _ = attributes["pads"]
    if (c.SY, c.SX) != (1, 1):
        return _strided_gradient(low, replace(c, Y=Y, X=X), kernel, dz, dx, (top, left))
    reach_y, reach_x = (c.V - 1) * c.DY, (c.U - 1) * c.DX
    back = _Convolution(Y + reach_y, X + reach_x, c.O, Y, X, c.C, c.V, c.U, 1, 1, c.DY, c.DX)
    padded = _padded(low, dz, back.size, (reach_y - top, reach_x - left))
    return _convolve(low, back, padded, _packed(low, kernel, True, back.by_tiles), None, dx, 0)


def _strided_gradient(low, c: _Convolution, kernel, dz, dx, begin):
    taken = c.V * c.U * c.C
    size = low.sizes.panels(c.O, taken)
    transposed = low.pack("pack_panels_transposed", kernel, size, (taken, c.O))
    operands = (dz, transposed, dx, Scratch("work", PLACES * taken, False))
    low.emit("conv2d_input_gradient_rows", operands, (*astuple(c), *begin))


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
    dims = (*_image(x), *_image(y)[:2], top, left)
    low.emit(step.op + "_rows", step.operands, dims)


def zero_padding_forward(low, step):
    _zero_padding(low, step, *step.operands)


def zero_padding_backward(low, step):
    _zero_padding(low, step, *reversed(step.operands))


def _grouped(low, step, x, kernel, y, shared=0):
    a = step.attributes
    top, _, left, _ = a["pads"]
    sizes = (*_image(x), *_image(y), *_window(kernel)[:2], *a["strides"], *a["dilation"])
    dims = (*sizes, top, left, a["groups"])
    low.emit(step.op + "_rows", step.operands, dims, (float(shared),))


def grouped_forward(low, step):
    x, kernel, _, y = step.operands
    _grouped(low, step, x, kernel, y)


def grouped_backward(low, step):
    x, kernel, dz, _, dkernel, _ = step.operands
    _grouped(low, step, x, kernel, dz, low.shared(dkernel) if dkernel is not None else 0)


def warp(low, step):
    a = step.attributes
    fill = low.tables["fill_modes"].index(a["fill_mode"])
    dims = (*_image(step.operands[0]), fill, int(a["smooth"]))
    low.emit(step.op + "_rows", step.operands, dims, (*a["lows"], *a["highs"], a["fill_value"]))


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
    "grouped_conv2d_forward": grouped_forward,
    "grouped_conv2d_backward": grouped_backward,
    "warp_forward": warp,
    "warp_backward": warp,
}
