"""Convolution and pooling of ONNX as layers of a spec.

ONNX has channels first, our layers have them last. A value keeps our order and notes theirs
(``FIRST``), so the transposes around our own exports cost nothing. Flattened, its numbers would
come in another order: the rows of the Dense that reads them are put into ours.
"""

from dataclasses import replace
from math import prod

import numpy as np

from respnet.engine.layers import LAYERS, make
from respnet.engine.onnx.translate import BATCH, FIRST, Flat, NotPlain, Value


def channels_first(walk, x) -> Value:
    """x as a convolution reads it."""
    if not isinstance(x, Value) or len(x.shape) not in (2, 3):
        raise NotPlain("it reads no images or signals")
    if x.axes == FIRST:
        return replace(x, axes=BATCH)
    if x.axes != BATCH or "permute" not in LAYERS:
        raise NotPlain("its input has channels first")
    dims = [*range(2, len(x.shape) + 1), 1]
    (made,) = walk.layer("permute", [x], {"dims": dims})
    return made


def _window(walk, node, x, kernel) -> tuple[Value, dict]:
    """(input, strides and padding) with pads as ``same``, or as zeros around the input."""
    get, axes = node.attributes.get, len(kernel)
    strides = list(get("strides", [1] * axes))
    dilations, mode = list(get("dilations", [1] * axes)), get("auto_pad", b"NOTSET")
    if get("ceil_mode", 0) or get("group", 1) != 1:
        raise NotPlain("groups or ceil_mode")
    config = {"strides": strides, "padding": "valid"}
    if dilations != [1] * axes:
        config["dilation_rate"] = dilations
    pads = list(get("pads", [0] * 2 * axes))
    if mode == b"SAME_UPPER" or (any(pads) and pads == _same(x.shape, kernel, config)):
        return x, config | {"padding": "same"}
    if mode not in (b"NOTSET", b"VALID"):
        raise NotPlain("auto_pad SAME_LOWER")
    if any(pads):
        average = node.kind == "AveragePool" and get("count_include_pad", 0)
        if node.kind != "Conv" and not average:
            raise NotPlain(f"pads {pads}")
        sides = [[front, behind] for front, behind in zip(pads[:axes], pads[axes:], strict=True)]
        sides = sides if axes == 2 else sides[0]
        (x,) = walk.layer(f"zero_padding{axes}d", [x], {"padding": sides})
    return x, config


def _same(shape, kernel, config) -> list[int]:
    """The pads of padding ``same``, as ONNX lists them; none if they depend on a length."""
    axes = len(kernel)
    if None in shape and set(config["strides"]) != {1}:
        return []
    whole = tuple(n or 64 for n in shape)
    sizes = {"filters": 1, "kernel_size": list(kernel), **config, "padding": "same"}
    pads = make(f"conv{axes}d", sizes).pads(whole)
    return [*pads[0::2][-axes:], *pads[1::2][-axes:]]


def _conv(walk, node, x, weight, bias=None):
    if not isinstance(weight, np.ndarray) or weight.ndim not in (3, 4):
        raise NotPlain("weights that are no constants")
    x, config = _window(walk, node, channels_first(walk, x), weight.shape[2:])
    weights = {"kernel": np.moveaxis(weight, (0, 1), (-1, -2))}
    weights |= {} if bias is None else {"bias": bias}
    config |= {"filters": len(weight), "kernel_size": list(weight.shape[2:])}
    config |= {"use_bias": bias is not None, "activation": "linear"}
    (made,) = walk.layer(f"conv{weight.ndim - 2}d", [x], config, weights)
    return replace(made, axes=FIRST)


def _pool(word: str):
    def handler(walk, node, x):
        size = node.attributes["kernel_shape"]
        x, config = _window(walk, node, channels_first(walk, x), size)
        kind = f"{word}_pooling{len(size)}d"
        (made,) = walk.layer(kind, [x], config | {"pool_size": list(size)})
        return replace(made, axes=FIRST)

    return handler


def _global(word: str):
    def handler(walk, node, x):
        x = channels_first(walk, x)
        kind = f"global_{word}_pooling{len(x.shape) - 1}d"
        (made,) = walk.layer(kind, [x], {"keepdims": True})
        return replace(made, axes=FIRST)

    return handler


def _pad(walk, node, x, pads=None, value=None, axes=None):
    rank = len(x.shape) + 1
    pads = [int(n) for n in (node.attributes.get("pads") if pads is None else pads)]
    fill = node.attributes.get("value", 0) if value is None else value
    if node.attributes.get("mode", b"constant") != b"constant" or np.any(fill) or axes is not None:
        raise NotPlain("other than zeros around")
    pairs = list(zip(pads[:rank], pads[rank:], strict=True))
    channel = 1 if x.axes == FIRST else rank - 1
    sides = [list(pair) for axis, pair in enumerate(pairs) if axis not in (0, channel)]
    if any(pairs[0]) or any(pairs[channel]) or rank not in (3, 4) or x.axes not in (FIRST, BATCH):
        raise NotPlain(f"pads {pads}")
    config = {"padding": sides if rank == 4 else sides[0]}
    (made,) = walk.layer(f"zero_padding{rank - 2}d", [replace(x, axes=BATCH)], config)
    return replace(made, axes=x.axes)


def flattened(walk, x: Value) -> Value:
    """Images flattened in our order; ``Flat`` says how theirs was."""
    (made,) = walk.layer("flatten", [replace(x, axes=BATCH)], {})
    if None in x.shape:
        raise NotPlain("images of changing size are flattened")
    places = x.shape[:-1]
    return made if prod(places) == 1 else replace(made, axes=Flat(x.shape))


def rows_as_ours(kernel: np.ndarray, shape) -> np.ndarray:
    """Rows of a kernel for numbers channels first, in the order channels last."""
    order = np.moveaxis(np.arange(len(kernel)).reshape(shape[-1], *shape[:-1]), 0, -1)
    return kernel[order.ravel()]


HANDLERS = {
    "Conv": _conv,
    "Pad": _pad,
    "MaxPool": _pool("max"),
    "AveragePool": _pool("average"),
    "GlobalMaxPool": _global("max"),
    "GlobalAveragePool": _global("average"),
}
