"""Convolution and pooling on the GPU: a loop over the places of the window, each a view of x.

A convolution gathers them side by side, (B,P,Q,V*U*C), and is one product. Images are (B,Y,X,C) or
(B,X,C), one row; strides, pads and the like as in ``engine/ops_image.py``.
"""

from respnet.engine.gpu.context import finish, matrix

__all__ = [
    "average_pooling_backward",
    "average_pooling_forward",
    "conv2d_backward",
    "conv2d_forward",
    "masked_mean_backward",
    "masked_mean_forward",
    "max_pooling_backward",
    "max_pooling_forward",
    "zero_padding_backward",
    "zero_padding_forward",
]


def _image(x):
    return x if x.ndim == 4 else x[:, None]


def _window(kernel) -> tuple[int, int]:
    return kernel.shape[:2] if kernel.ndim == 4 else (1, kernel.shape[0])


def _pad(c, x, pads, value=0.0):
    top, bottom, left, right = pads
    x = _image(x)
    rows, columns = x.shape[1] + top + bottom, x.shape[2] + left + right
    padded = c.cp.full((len(x), rows, columns, x.shape[3]), value, c.dtype)
    _inside(padded, pads)[...] = x
    return padded


def _inside(padded, pads):
    top, bottom, left, right = pads
    _, rows, columns, _ = padded.shape
    return padded[:, top : rows - bottom, left : columns - right]


def _taps(x, window, strides, dilation=(1, 1)):
    """(number, view (B,P,Q,C) of padded x: what that place of the window meets)"""
    reach = [(n - 1) * d for n, d in zip(window, dilation, strict=True)]
    for v in range(window[0]):
        for u in range(window[1]):
            y0, x0 = v * dilation[0], u * dilation[1]
            rows = slice(y0, x.shape[1] - reach[0] + y0, strides[0])
            columns = slice(x0, x.shape[2] - reach[1] + x0, strides[1])
            yield v * window[1] + u, x[:, rows, columns]


def _patches(c, padded, window, strides, dilation):
    """(B,P,Q,V*U,C)"""
    patches = None
    for tap, view in _taps(padded, window, strides, dilation):
        if patches is None:
            patches = c.empty(*view.shape[:3], window[0] * window[1], view.shape[3])
        patches[:, :, :, tap] = view
    return patches


def conv2d_forward(c, x, kernel, bias, *, activation, strides, pads, dilation):
    window, outputs = _window(kernel), kernel.shape[-1]
    patches = _patches(c, _pad(c, x, pads), window, strides, dilation)
    flat = patches.reshape(-1, kernel.size // outputs)
    y = c.multiply(flat, matrix(kernel))
    finish(c, y, bias, activation)
    return y.reshape(*patches.shape[:3], outputs)


def conv2d_backward(c, x, kernel, dz, *, strides, pads, dilation):
    window, outputs = _window(kernel), kernel.shape[-1]
    padded, flat = _pad(c, x, pads), matrix(dz)
    patches = _patches(c, padded, window, strides, dilation)
    dkernel = c.multiply(patches.reshape(-1, kernel.size // outputs), flat, of_a=True)
    dpatches = c.multiply(flat, matrix(kernel), of_b=True).reshape(patches.shape)
    dpadded = c.cp.zeros_like(padded)
    for tap, view in _taps(dpadded, window, strides, dilation):
        view += dpatches[:, :, :, tap]
    return _inside(dpadded, pads), dkernel, flat.sum(axis=0)


def max_pooling_forward(c, x, *, pool, strides, pads):
    y = None
    for _, view in _taps(_pad(c, x, pads, -c.cp.inf), pool, strides):
        y = view.copy() if y is None else c.cp.maximum(y, view)
    return y


def max_pooling_backward(c, x, y, dy, *, pool, strides, pads):
    padded = _pad(c, x, pads, -c.cp.inf)
    dpadded, y, dy = c.cp.zeros_like(padded), _image(y), _image(dy)
    left = c.cp.ones_like(y, dtype=bool)
    taps = zip(_taps(padded, pool, strides), _taps(dpadded, pool, strides), strict=True)
    for (_, view), (_, dview) in taps:
        found = left & (view == y)
        dview += found * dy
        left = left & ~found
    return _inside(dpadded, pads)


def _counts(c, size, pool, strides, pads):
    """(1,P,Q,1): places of each window that are no pads."""
    ones = _pad(c, c.cp.ones((1, *size, 1), c.dtype), pads)
    return sum(view for _, view in _taps(ones, pool, strides))


def average_pooling_forward(c, x, *, pool, strides, pads):
    total = sum(view for _, view in _taps(_pad(c, x, pads), pool, strides))
    return total / _counts(c, _image(x).shape[1:3], pool, strides, pads)


def average_pooling_backward(c, dy, *, pool, strides, pads, size):
    counts = _counts(c, size, pool, strides, pads)
    share = dy.reshape(len(dy), *counts.shape[1:3], -1) / counts
    dpadded = _pad(c, c.zeros(len(dy), *size, share.shape[-1]), pads)
    for _, dview in _taps(dpadded, pool, strides):
        dview += share
    return _inside(dpadded, pads)


def masked_mean_forward(c, x, mask):
    return (x * mask).sum(axis=1) / c.cp.maximum(mask.sum(axis=1), 1)


def masked_mean_backward(c, dy, mask):
    return (dy / c.cp.maximum(mask.sum(axis=1), 1))[:, None] * mask


def zero_padding_forward(c, x, *, pads):
    return _pad(c, x, pads)


def zero_padding_backward(c, dy, *, pads):
    return c.cp.ascontiguousarray(_inside(_image(dy), pads))
