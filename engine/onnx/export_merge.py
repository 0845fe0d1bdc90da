"""Merging, normalising, encoding and activation layers with constants as ONNX nodes."""

import numpy as np


def _mask_of_merge(place, y: str) -> str:
    """A step counts if it does in any input; all inputs must have masks."""
    masks = [place.masks.get(x) for x in place.xs]
    if None not in masks:
        place.masks[y] = _any(place.w, masks)
    return y


def _any(w, masks: list[str]) -> str:
    first, *others = masks
    for other in others:
        first = w.node("Or", first, other)
    return first


def _merge(word: str):
    """A chain of nodes of two inputs each."""

    def write(place):
        y = place.x
        for x in place.xs[1:]:
            y = place.w.node(word, y, x)
        return _mask_of_merge(place, y)

    return write


def _average(place):
    w, total = place.w, place.x
    for x in place.xs[1:]:
        total = w.node("Add", total, x)
    return _mask_of_merge(place, w.node("Mul", total, w.number(1 / len(place.xs))))


def _concatenate(place):
    w, axis = place.w, place.config["axis"]
    axis = axis if axis > 0 else len(place.shapes[0]) + 1 + axis
    y = w.node("Concat", *place.xs, axis=axis)
    masks = [place.masks.get(x) for x in place.xs]
    if axis == 1 and any(masks):
        whole = [m or _ones(w, x) for m, x in zip(masks, place.xs, strict=True)]
        place.masks[y] = w.node("Concat", *whole, axis=1)
    elif None not in masks:
        place.masks[y] = _any(w, masks)
    return y


def _ones(w, x: str) -> str:
    """A mask (B,T) that is true everywhere."""
    return w.node("ConstantOfShape", w.node("Shape", x, start=0, end=2), value=np.array([True]))


# --- by constants ---------------------------------------------------------------------------


def _affine(place, scale, offset) -> str:
    """x scale + offset, computed in double precision and kept as constants."""
    w = place.w
    y = w.node("Mul", place.x, w.constant(scale, "scale"))
    return w.node("Add", y, w.constant(offset, "offset"))


def _batch_normalization(place):
    p = {name: np.asarray(array, np.float64) for name, array in place.p.items()}
    scale = p.get("gamma", 1.0) / np.sqrt(p["moving_variance"] + place.config["epsilon"])
    return _affine(place, scale, p.get("beta", 0.0) - p["moving_mean"] * scale)


def _normalization(place):
    p = {name: np.asarray(array, np.float64) for name, array in place.p.items()}
    scale = 1 / np.sqrt(p["variance"] + 1e-14)
    return _affine(place, scale, -p["mean"] * scale)


def _layer_normalization(place):
    w, axis = place.w, place.config["axis"]
    axes = len(axis) if isinstance(axis, (list, tuple)) else 1
    shape = place.shapes[0][-axes:]
    gamma = place.p.get("gamma", np.ones(shape))
    read = [w.constant(gamma, "gamma")]
    read += [w.constant(place.p["beta"], "beta")] if "beta" in place.p else []
    epsilon = float(place.config["epsilon"])
    return w.node("LayerNormalization", place.x, *read, axis=-axes, epsilon=epsilon)


def _rescaling(place):
    scale, offset = (np.asarray(place.config[n], np.float64) for n in ("scale", "offset"))
    return _affine(place, scale, offset)


def _relu(place):
    w, config = place.w, place.config
    slope, threshold = (float(config[n]) for n in ("negative_slope", "threshold"))
    if not threshold:
        y = w.node("LeakyRelu", place.x, alpha=slope) if slope else w.node("Relu", place.x)
    else:
        below = w.node("Sub", place.x, w.number(threshold))
        below = w.node("Mul", below, w.number(slope))
        y = w.node("Where", w.node("Less", place.x, w.number(threshold)), below, place.x)
    if config["max_value"] is None:
        return y
    return w.node("Min", y, w.number(float(config["max_value"])))


def _category_encoding(place):
    w, config = place.w, place.config
    index = w.node("Cast", place.x, to=7)
    shape, mode = place.shapes[0], config["output_mode"]
    if mode == "one_hot" and len(shape) > 0 and shape[-1] == 1:
        index = w.node("Squeeze", index, w.ints(-1))
    hot = w.node("OneHot", index, w.ints(config["num_tokens"]), w.constant(np.eye(2)[1], "values"))
    if mode == "one_hot":
        return hot
    if mode == "multi_hot":
        return w.node("ReduceMax", hot, axes=[-2], keepdims=0)
    return w.node("ReduceSum", hot, w.ints(-2), keepdims=0)


def _cropping(place):
    w = place.w
    front, behind = place.config["cropping"]
    end = -behind if behind else 2**62
    return w.node("Slice", place.x, w.ints(front), w.ints(end), w.ints(1))


def _permute(place):
    return place.w.node("Transpose", place.x, perm=[0, *place.config["dims"]])


EXPORTERS = {
    "add": _merge("Add"),
    "average": _average,
    "batch_normalization": _batch_normalization,
    "category_encoding": _category_encoding,
    "concatenate": _concatenate,
    "cropping_1d": _cropping,
    "elu": lambda place: place.w.node("Elu", place.x, alpha=float(place.config["alpha"])),
    "gaussian_dropout": lambda place: place.x,
    "gaussian_noise": lambda place: place.x,
    "layer_normalization": _layer_normalization,
    "maximum": _merge("Max"),
    "minimum": _merge("Min"),
    "multiply": _merge("Mul"),
    "normalization": _normalization,
    "permute": _permute,
    "prelu": lambda p: p.w.node("PRelu", p.x, p.w.constant(p.p["alpha"], "alpha")),
    "relu": _relu,
    "rescaling": _rescaling,
    "softmax": lambda place: place.w.node("Softmax", place.x, axis=place.config["axis"]),
    "subtract": _merge("Sub"),
}
