"""Convolution, pooling and padding: ONNX wants channels first, so axes are turned around each."""

import numpy as np

from respnet.engine.errors import SpecError
from respnet.engine.onnx.export_activations import activation


def turned(w, x: str, axes: int, back: bool = False) -> str:
    """(B,...,C) -> (B,C,...), or back."""
    places = range(1, axes + 1)
    perm = [0, *(p + 1 for p in places), 1] if back else [0, axes + 1, *places]
    return w.node("Transpose", x, perm=perm)


def window(place) -> dict:
    """Attributes of the window of a layer; pads are written out where lengths are known."""
    layer, shape = place.layer, place.shapes[0]
    axes = layer.axes
    found = {"kernel_shape": layer.size[-axes:], "strides": layer.strides[-axes:]}
    if layer.dilation != (1, 1):
        found["dilations"] = layer.dilation[-axes:]
    if None in shape and layer.config["padding"] == "same" and layer.strides != (1, 1):
        if "dilations" in found:
            raise SpecError(f"{layer.kind} with strides, dilation and lengths that may change")
        return found | {"auto_pad": "SAME_UPPER"}
    # The other pads do not depend on a length.
    sides = layer.pads(tuple(n or 1 << 20 for n in shape))
    fronts, behinds = sides[0::2][-axes:], sides[1::2][-axes:]
    return found | ({"pads": [*fronts, *behinds]} if any(sides) else {})


def convolution(place):
    """kernel (V,U,C/G,O), of depthwise ones (V,U,C,M) -> (O,C/G,V,U)"""
    w, axes, channels = place.w, place.layer.axes, place.shapes[0][-1]
    groups, kernel = place.layer.groups(channels), place.p["kernel"]
    kernel = kernel.reshape(*kernel.shape[:axes], channels // groups, -1)
    kernel = np.moveaxis(kernel, (-1, -2), (0, 1))
    weights = [w.constant(kernel, "kernel")]
    weights += [w.constant(place.p["bias"], "bias")] if "bias" in place.p else []
    y = w.node("Conv", turned(w, place.x, axes), *weights, **window(place),
               **({"group": groups} if groups > 1 else {}))
    return activation(w, place.config["activation"], turned(w, y, axes, back=True))


def pooling(place):
    w, axes, kind = place.w, place.layer.axes, place.layer.kind
    word = "MaxPool" if kind.startswith("max") else "AveragePool"
    y = w.node(word, turned(w, place.x, axes), **window(place))
    return turned(w, y, axes, back=True)


def global_pooling(place):
    w, axes = place.w, place.layer.axes
    word = "GlobalMaxPool" if "max" in place.layer.kind else "GlobalAveragePool"
    if place.x in place.masks:
        y = _masked_mean(place)
        return w.node("Unsqueeze", y, w.ints(1)) if place.config["keepdims"] else y
    y = w.node(word, turned(w, place.x, axes))
    return turned(w, y, axes, back=True) if place.config["keepdims"] else w.node("Flatten", y)


def _masked_mean(place) -> str:
    """Of the steps that count; 0 where none does."""
    w = place.w
    counts = w.node("Cast", place.masks[place.x], to=w.number_of_dtype)
    times = w.node("Unsqueeze", counts, w.ints(2))
    total = w.node("ReduceSum", w.node("Mul", place.x, times), w.ints(1), keepdims=0)
    steps = w.node("ReduceSum", counts, w.ints(1), keepdims=1)
    return w.node("Div", total, w.node("Max", steps, w.number(np.float32(1))))


def zero_padding(place):
    axes = place.layer.axes
    fronts, behinds = place.layer.pads[0::2][-axes:], place.layer.pads[1::2][-axes:]
    return place.w.node("Pad", place.x, place.w.ints(0, *fronts, 0, 0, *behinds, 0))


_DIMENSIONS = ("1d", "2d")
EXPORTERS = {
    **{f"conv{d}": convolution for d in _DIMENSIONS},
    **{f"depthwise_conv{d}": convolution for d in _DIMENSIONS},
    **{f"{word}_pooling{d}": pooling for word in ("max", "average") for d in _DIMENSIONS},
    **{
        f"global_{word}_pooling{d}": global_pooling
        for word in ("max", "average")
        for d in _DIMENSIONS
    },
    **{f"zero_padding{d}": zero_padding for d in _DIMENSIONS},
}
