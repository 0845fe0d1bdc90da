"""Convolution in groups of channels, as array expressions: the reference, and with CuPy's arrays
the GPU. A group of outputs reads the channels of its own group; depthwise: a group a channel.

x (B,Y,X,C), kernel (V,U,C/G,O) in memory -> (B,P,Q,O); sizes as in ``ops_image.py``.
"""

import numpy as np

from respnet.engine.reference_image import _image, _inside, _pad, _taps, _window


def _split(kernel, channels: int, groups: int):
    """kernel as (V,U,I,G,O/G): I channels and O/G outputs of each group"""
    kernel = _window(kernel)
    return kernel.reshape(*kernel.shape[:2], channels // groups, groups, -1)


def grouped_conv2d_forward(x, kernel, bias, *, strides, pads, dilation, groups):
    w, padded = _split(kernel, x.shape[-1], groups), _pad(x, pads)
    y = 0.0
    for v, u, view in _taps(padded, w.shape[:2], strides, dilation):
        parts = view.reshape(*view.shape[:3], groups, -1)
        for i in range(w.shape[2]):
            y = y + parts[..., i, None] * w[v, u, i]
    y = y.reshape(*y.shape[:3], -1)
    return y if bias is None else y + bias


def grouped_conv2d_backward(x, kernel, dz, *, strides, pads, dilation, groups):
    w, padded = _split(kernel, x.shape[-1], groups), _pad(x, pads)
    dpadded, dkernel = np.zeros_like(padded), np.zeros_like(w)
    dz = _image(dz)
    dparts, options = dz.reshape(*dz.shape[:3], groups, -1), (w.shape[:2], strides, dilation)
    pairs = zip(_taps(padded, *options), _taps(dpadded, *options), strict=True)
    for (v, u, view), (_, _, dview) in pairs:
        parts = view.reshape(*view.shape[:3], groups, -1)
        taken = [(dparts * w[v, u, i]).sum(axis=-1) for i in range(w.shape[2])]
        dview += np.stack(taken, axis=-1).reshape(view.shape)
        for i in range(w.shape[2]):
            dkernel[v, u, i] = (parts[..., i, None] * dparts).sum(axis=(0, 1, 2))
    return _inside(dpadded, pads), dkernel.reshape(kernel.shape), dz.sum(axis=(0, 1, 2))
