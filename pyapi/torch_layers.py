"""How the parameters of each layer lie in torch, both ways.

torch has outputs before inputs in every weight, channels before places, and the gates of a GRU as
r, z, n where ours are z, r, h. Its two biases of a recurrent layer are added; only the GRU keeps
both apart.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from .layers.core import Flatten

_PLACES = ("conv", "max_pooling", "average_pooling", "zero_padding")


@dataclass(frozen=True)
class Conversion:
    """Each function is ``f(leaf, arrays by name, rows) -> arrays by name``.

    rows: shape (Y,X,C) of images whose flattened numbers a Dense reads, else None.
    """

    to_torch: Callable
    from_torch: Callable


def rows_of_flatten(model, leaf) -> tuple | None:
    """The shape of the images a leaf reads flattened; None if it reads none."""
    for call in model._calls:
        if leaf not in call.layer.leaves():
            continue
        symbol = call.inputs[0]
        while _keeps(model, symbol):
            symbol = symbol.call.inputs[0]
        if not isinstance(symbol.call.layer, Flatten):
            return None
        shape = symbol.call.inputs[0].shape[1:]
        images = len(shape) == 3 or (len(shape) == 2 and _of_places(model, symbol.call.inputs[0]))
        return shape if images else None
    return None


def _keeps(model, symbol) -> bool:
    """Whether a layer without weights gave it, number by number of what that layer read."""
    call = symbol.call
    if len(call.inputs) != 1 or model.parameter_names(call.layer):
        return False
    return call.inputs[0].shape == symbol.shape


def _of_places(model, symbol) -> bool:
    """Whether a sequence comes from a convolution or pooling: torch has channels first there."""
    while _keeps(model, symbol):
        symbol = symbol.call.inputs[0]
    return getattr(symbol.call.layer, "kind", "").startswith(_PLACES)


def _rows_in_torch(shape) -> np.ndarray:
    """Numbers of our rows in the order of torch, channels first."""
    return np.moveaxis(np.arange(prod(shape)).reshape(shape), -1, 0).ravel()


def _dense_to(leaf, own, rows):
    kernel = own["kernel"] if rows is None else own["kernel"][_rows_in_torch(rows)]
    return {"weight": kernel.T, **_renamed(own, bias="bias")}


def _dense_from(leaf, own, rows):
    kernel = own["weight"].T
    if rows is not None:
        if len(kernel) != prod(rows):
            raise ValueError(f"layer {leaf.name}: {len(kernel)} inputs, the images have {rows}")
        kernel = kernel[np.argsort(_rows_in_torch(rows))]
    return {"kernel": kernel, **_renamed(own, bias="bias")}


def _renamed(own, **names) -> dict:
    """Those that are there, under another name."""
    return {new: own[old] for old, new in names.items() if old in own}


def _conv_to(leaf, own, rows):
    """(*window,C,O) -> (O,C,*window)"""
    weight = np.moveaxis(own["kernel"], (-1, -2), (0, 1))
    return {"weight": weight, **_renamed(own, bias="bias")}


def _conv_from(leaf, own, rows):
    kernel = np.moveaxis(own["weight"], (0, 1), (-1, -2))
    return {"kernel": kernel, **_renamed(own, bias="bias")}


def _names(**names) -> Conversion:
    """A layer whose arrays are the same under other names (ours=torch's)."""

    def to_torch(leaf, own, rows):
        if rows is not None:
            raise ValueError(f"layer {leaf.name} behind a Flatten of images: torch orders it apart")
        return _renamed(own, **names)

    back = {theirs: ours for ours, theirs in names.items()}

    def from_torch(leaf, own, rows):
        to_torch(leaf, {}, rows)
        return _renamed(own, **back)

    return Conversion(to_torch, from_torch)


# --- recurrent ------------------------------------------------------------------------------

GATES = {"lstm": (0, 1, 2, 3), "gru": (1, 0, 2), "simple_rnn": (0,)}  # ours in torch's order


def _checked(leaf) -> str:
    """The kind of a recurrent leaf, if torch computes what it computes."""
    kind = getattr(leaf, "kind", "") or leaf.layer.kind
    wanted = ("tanh", "relu") if kind == "simple_rnn" else ("tanh",)
    if leaf.activation not in wanted:
        raise ValueError(f"layer {leaf.name}: torch has activation {wanted}, got {leaf.activation}")
    if getattr(leaf, "recurrent_activation", "sigmoid") != "sigmoid":
        raise ValueError(f"layer {leaf.name}: torch has recurrent_activation sigmoid only")
    if not getattr(leaf, "reset_after", True):
        raise ValueError(f"layer {leaf.name}: torch has no GRU with reset_after=False")
    if getattr(leaf, "peephole", False):
        raise ValueError(f"layer {leaf.name}: torch has no LSTM with peepholes")
    return kind


def _arranged(array, order):
    gates = np.split(array, len(order), axis=-1)
    return np.concatenate([gates[i] for i in order], axis=-1)


def _recurrent_to(leaf, own, rows):
    order = GATES[_checked(leaf)]
    found = {
        "weight_ih_l0": _arranged(own["kernel"], order).T,
        "weight_hh_l0": _arranged(own["recurrent_kernel"], order).T,
    }
    if "bias" in own:
        both = np.zeros((2, len(found["weight_ih_l0"])), own["bias"].dtype)
        both[: 1 if own["bias"].ndim == 1 else 2] = _arranged(own["bias"], order)
        found |= {"bias_ih_l0": both[0], "bias_hh_l0": both[1]}
    return found


def _recurrent_from(leaf, own, rows):
    kind = _checked(leaf)
    order = np.argsort(GATES[kind])
    found = {
        "kernel": _arranged(own["weight_ih_l0"].T, order),
        "recurrent_kernel": _arranged(own["weight_hh_l0"].T, order),
    }
    if "bias_ih_l0" in own:
        both = _arranged(np.stack([own["bias_ih_l0"], own["bias_hh_l0"]]), order)
        found["bias"] = both if kind == "gru" else both.sum(axis=0)
    return found


_DENSE = Conversion(_dense_to, _dense_from)
_CONV = Conversion(_conv_to, _conv_from)
_RECURRENT = Conversion(_recurrent_to, _recurrent_from)
_NORM = {"gamma": "weight", "beta": "bias"}
CONVERSIONS = {
    "Dense": _DENSE,
    "Conv1D": _CONV,
    "Conv2D": _CONV,
    "Embedding": _names(embeddings="weight"),
    "LayerNormalization": _names(**_NORM),
    "BatchNormalization": _names(
        **_NORM, moving_mean="running_mean", moving_variance="running_var"
    ),
    **dict.fromkeys(
        ("SimpleRNN", "LSTM", "GRU", "SimpleRNNCell", "LSTMCell", "GRUCell"), _RECURRENT
    ),
}
