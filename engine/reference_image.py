"""The reference of convolution and pooling: plain NumPy, a loop over the places of the window.

Images are (B,Y,X,C) or (B,X,C), one row; strides, pads and the like as in ``ops_image.py``.
"""

import numpy as np

from respnet.engine.reference_activations import ACTIVATIONS

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
    """(B,Y,X,C), also of a sequence."""
    return x if x.ndim == 4 else x[:, None]


def _window(kernel):
    return kernel if kernel.ndim == 4 else kernel[None]


def _pad(x, pads, value=0.0):
    top, bottom, left, right = pads
    around = ((0, 0), (top, bottom), (left, right), (0, 0))
    return np.pad(_image(x), around, constant_values=value)


def _inside(padded, pads):
    """A view of what lies between the pads."""
    top, bottom, left, right = pads
    _, rows, columns, _ = padded.shape
    return padded[:, top : rows - bottom, left : columns - right]


def _taps(x, window, strides, dilation=(1, 1)):
    """(v, u, view (B,P,Q,C) of padded x: what place v, u of the window meets)"""
    reach = [(n - 1) * d for n, d in zip(window, dilation, strict=True)]
    for v in range(window[0]):
        for u in range(window[1]):
            y0, x0 = v * dilation[0], u * dilation[1]
            rows = slice(y0, x.shape[1] - reach[0] + y0, strides[0])
            columns = slice(x0, x.shape[2] - reach[1] + x0, strides[1])
            yield v, u, x[:, rows, columns]


def conv2d_forward(x, kernel, bias, *, activation, strides, pads, dilation):
    kernel, padded = _window(kernel), _pad(x, pads)
    taps = _taps(padded, kernel.shape[:2], strides, dilation)
    z = sum(view @ kernel[v, u] for v, u, view in taps)
    return ACTIVATIONS[activation][0](z if bias is None else z + bias)


def conv2d_backward(x, kernel, dz, *, strides, pads, dilation):
    kernel, padded, dz = _window(kernel), _pad(x, pads), _image(dz)
    dpadded, dkernel = np.zeros_like(padded), np.zeros_like(kernel)
    options = kernel.shape[:2], strides, dilation
    for v, u, view in _taps(padded, *options):
        dkernel[v, u] = np.einsum("bpqc,bpqo->co", view, dz)
    for v, u, view in _taps(dpadded, *options):
        view += dz @ kernel[v, u].T
    return _inside(dpadded, pads), dkernel, dz.sum(axis=(0, 1, 2))


def max_pooling_forward(x, *, pool, strides, pads):
    return np.max([view for *_, view in _taps(_pad(x, pads, -np.inf), pool, strides)], axis=0)


def max_pooling_backward(x, y, dy, *, pool, strides, pads):
    padded = _pad(x, pads, -np.inf)
    dpadded, left = np.zeros_like(padded), 1.0
    views = zip(_taps(padded, pool, strides), _taps(dpadded, pool, strides), strict=True)
    for (*_, view), (*_, dview) in views:
        found = left * (view == y.reshape(view.shape))
        dview += found * dy.reshape(view.shape)
        left = left - found
    return _inside(dpadded, pads)


def _counts(size, pool, strides, pads):
    """(1,P,Q,1): places of each window that are no pads."""
    ones = _pad(np.ones((1, *size, 1)), pads)
    return sum(view for *_, view in _taps(ones, pool, strides))


def average_pooling_forward(x, *, pool, strides, pads):
    total = sum(view for *_, view in _taps(_pad(x, pads), pool, strides))
    return total / _counts(_image(x).shape[1:3], pool, strides, pads)


def average_pooling_backward(dy, *, pool, strides, pads, size):
    dy = dy.reshape(len(dy), *_counts(size, pool, strides, pads).shape[1:3], -1)
    dpadded = _pad(np.zeros((len(dy), *size, dy.shape[-1])), pads)
    for *_, dview in _taps(dpadded, pool, strides):
        dview += dy / _counts(size, pool, strides, pads)
    return _inside(dpadded, pads)


def masked_mean_forward(x, mask):
    return (x * mask).sum(axis=1) / np.maximum(mask.sum(axis=1), 1)


def masked_mean_backward(dy, mask):
    return (dy / np.maximum(mask.sum(axis=1), 1))[:, None] * mask


def zero_padding_forward(x, *, pads):
    return _pad(x, pads)


def zero_padding_backward(dy, *, pads):
    return _inside(_image(dy), pads)
