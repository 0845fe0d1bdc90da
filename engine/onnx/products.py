"""Products, convolution, pooling and normalisation; pictures are (B,C,H,W), any number of axes."""

from math import prod

import numpy as np

from respnet.engine.errors import ShapeError

_LETTERS = "abcdefgh"


def _matmul(call, a, b):
    outer = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    call.room((*outer, *a.shape[-2:-1], *(b.shape[-1:] if b.ndim > 1 else ())), a.dtype)
    return np.asarray(np.matmul(a, b))


def _gemm(call, a, b, c=None):
    a = a.T if call.get("transA", 0) else a
    b = b.T if call.get("transB", 0) else b
    call.room((a.shape[0], b.shape[1]), a.dtype)
    y = a @ b
    alpha, beta = call.get("alpha", 1.0), call.get("beta", 1.0)
    y = y if alpha == 1 else y * np.asarray(alpha, y.dtype)
    if c is None:
        return y
    c = c if beta == 1 else c * np.asarray(beta, c.dtype)
    return y + np.broadcast_to(c, y.shape)


# --- windows --------------------------------------------------------------------------------


def _windows(call, x, kernel, fill: float, ceil: bool = False):
    """(B,C,*outputs,*kernel): what each place of the output sees, and how much lies outside."""
    axes = len(kernel)
    if x.ndim != axes + 2:
        raise ShapeError(f"a window of {axes} axes over an array of shape {x.shape}")
    strides = call.get("strides", [1] * axes)
    dilations = call.get("dilations", [1] * axes)
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    if min(*strides, *dilations, *kernel) < 1:
        raise ShapeError(f"strides {strides}, dilations {dilations}, window {kernel}")
    pads = _pads(call, x.shape[2:], spans, strides)
    if ceil:
        pads = [
            (a, b + -(n + a + b - span) % stride)
            for (a, b), n, span, stride in zip(pads, x.shape[2:], spans, strides, strict=True)
        ]
    call.room([*x.shape[:2], *(n + a + b for n, (a, b) in zip(x.shape[2:], pads, strict=True))],
              x.dtype)
    x = np.pad(x, [(0, 0), (0, 0), *pads], constant_values=np.asarray(fill, x.dtype))
    places = tuple(range(2, 2 + axes))
    seen = np.lib.stride_tricks.sliding_window_view(x, spans, places)
    steps = (slice(None), slice(None), *(slice(None, None, s) for s in strides))
    return seen[(*steps, *(slice(None, None, d) for d in dilations))]


def _pads(call, lengths, spans, strides) -> list[tuple[int, int]]:
    """(before, after) of each axis."""
    mode = call.text("auto_pad", "NOTSET")
    if mode == "VALID":
        return [(0, 0)] * len(lengths)
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        missing = [
            max(0, (-(-n // stride) - 1) * stride + span - n)
            for n, span, stride in zip(lengths, spans, strides, strict=True)
        ]
        halves = [(m // 2, m - m // 2) for m in missing]
        return halves if mode == "SAME_UPPER" else [(b, a) for a, b in halves]
    call.only("auto_pad", "NOTSET")
    pads = call.get("pads", [0] * 2 * len(lengths))
    if min(pads, default=0) < 0 or len(pads) != 2 * len(lengths):
        raise ShapeError(f"pads {pads}")
    return list(zip(pads[: len(lengths)], pads[len(lengths) :], strict=True))


def _conv(call, x, w, bias=None):
    group, kernel = call.get("group", 1), w.shape[2:]
    if group < 1 or x.shape[1] != w.shape[1] * group or w.shape[0] % group:
        raise ShapeError(f"{group} groups of {x.shape[1]} channels with weights {w.shape}")
    seen = _windows(call, x, kernel, 0)
    places = seen.shape[2 : 2 + len(kernel)]
    call.room((len(x), w.shape[0], *places), x.dtype)
    call.room(seen.shape, x.dtype)
    seen = seen.reshape(len(x), group, -1, *places, prod(kernel))
    w = w.reshape(group, -1, w.shape[1], prod(kernel))
    letters = _LETTERS[: len(places)]
    y = np.einsum(f"ngi{letters}k,goik->ngo{letters}", seen, w, optimize=True)
    y = y.reshape(len(x), -1, *places)
    return y if bias is None else y + bias.reshape(-1, *(1,) * len(places))


def _max_pool(call, x):
    kernel = call.get("kernel_shape")
    if call.outputs > 1:
        raise ShapeError("places of the largest are not supported")
    low = -np.inf if np.issubdtype(x.dtype, np.floating) else np.iinfo(x.dtype).min
    seen = _windows(call, x, kernel, low, bool(call.get("ceil_mode", 0)))
    return seen.max(axis=tuple(range(-len(kernel), 0)))


def _average_pool(call, x):
    kernel, ceil = call.get("kernel_shape"), bool(call.get("ceil_mode", 0))
    over = tuple(range(-len(kernel), 0))
    total = _windows(call, x, kernel, 0, ceil).sum(axis=over)
    if call.get("count_include_pad", 0) and not ceil:
        return total / np.asarray(prod(kernel), x.dtype)
    counted = np.ones((1, 1, *x.shape[2:]), x.dtype)
    return total / _windows(call, counted, kernel, 0, ceil).sum(axis=over)


def _over_places(function):
    return lambda call, x: function(x, axis=tuple(range(2, x.ndim)), keepdims=True)


def _batch_normalization(call, x, scale, bias, mean, variance):
    call.only("training_mode", 0)
    for one in (scale, bias, mean, variance):
        if one.shape != x.shape[1:2]:
            raise ShapeError(f"statistics of shape {one.shape} for {x.shape[1:2]} channels")
    column = (-1, *(1,) * (x.ndim - 2))
    factor = scale / np.sqrt(variance + np.asarray(call.get("epsilon", 1e-5), x.dtype))
    return (x - mean.reshape(column)) * factor.reshape(column) + bias.reshape(column)


def _layer_normalization(call, x, scale, bias=None):
    axes = tuple(range(call.get("axis", -1) % x.ndim, x.ndim))
    call.room(np.broadcast_shapes(x.shape, scale.shape, () if bias is None else bias.shape),
              x.dtype)
    mean = x.mean(axis=axes, keepdims=True)
    centred = x - mean
    variance = (centred * centred).mean(axis=axes, keepdims=True)
    y = centred / np.sqrt(variance + np.asarray(call.get("epsilon", 1e-5), x.dtype)) * scale
    return y if bias is None else y + bias


OPS = {
    "MatMul": _matmul,
    "Gemm": _gemm,
    "Conv": _conv,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _over_places(np.mean),
    "GlobalMaxPool": _over_places(np.max),
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
}
