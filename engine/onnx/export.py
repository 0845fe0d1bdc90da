"""A spec and its weights -> the bytes of an ONNX model that predicts the same.

One function a kind of layer, in EXPORTERS; each writes ONNX nodes for one node of the spec. Inputs
are floats, as everywhere here: an embedding casts them to indices itself. Dropout is left out.
Lengths that may change are named: "N" rows, "<input>_1" of axis 1.
"""

from dataclasses import dataclass

import numpy as np

from respnet.engine.errors import SpecError
from respnet.engine.layers import Layer
from respnet.engine.onnx import export_images, export_merge, export_recurrent
from respnet.engine.onnx.export_activations import activation
from respnet.engine.onnx.export_recurrent import reverse_time
from respnet.engine.onnx.writer import Writer
from respnet.engine.params import Layout
from respnet.engine.spec import ModelSpec, output_names


@dataclass
class Place:
    """A node of the spec while it is written.

    p: its parameters; xs: the ONNX names it reads; shapes: of their rows; out: row shapes of its
    outputs; masks: ONNX name of a value -> of its mask (B,T), true where a step counts;
    inner_masks: the same for the steps of what a TimeDistributed gave.
    """

    w: Writer
    layer: Layer
    p: dict[str, np.ndarray]
    xs: list[str]
    shapes: list[tuple]
    masks: dict[str, str]
    inner_masks: dict[str, str]

    @property
    def x(self) -> str:
        return self.xs[0]

    @property
    def config(self) -> dict:
        return self.layer.config

    def write(self) -> list[str]:
        """Write the layer; ONNX names of its outputs."""
        kind = self.layer.kind
        if kind not in EXPORTERS:
            raise SpecError(
                f"layer {self.layer.name!r} of kind {kind} cannot be written as ONNX; "
                f"these can: {', '.join(sorted(EXPORTERS))}"
            )
        made = EXPORTERS[kind](self)
        made = made if isinstance(made, list) else [made]
        if self.layer.keeps_time and self.x in self.masks:
            self.masks.setdefault(made[0], self.masks[self.x])
        return made

    def hide(self, y: str, mask: str) -> str:
        """y is masked where ``mask`` says and where the input is."""
        if self.x in self.masks:
            mask = self.w.node("And", mask, self.masks[self.x])
        self.masks[y] = mask
        return y


def to_bytes(spec: ModelSpec, vector: np.ndarray, name: str = "model", version: str = "") -> bytes:
    """The model of ``spec`` with the flat weights ``vector``, as ONNX (opset 17)."""
    layout, w = Layout(spec), Writer(spec.dtype)
    values = {n: _scaled(w, layout, vector, n, w.name(n)) for n, _ in spec.inputs}
    masks: tuple[dict, dict] = ({}, {})
    for node in spec.nodes:
        w.scope = node.name
        p = {n: layout.view(vector, place.name) for n, place in layout.of(node.name).items()}
        shapes = [layout.shapes[name] for name in node.inputs]
        xs = [values[name] for name in node.inputs]
        made = Place(w, layout.layers[node.name], p, xs, shapes, *masks).write()
        values.update(zip(output_names(node.name, len(made)), made, strict=True))
    outputs = []
    for output in spec.outputs:
        w.scope = output
        outputs.append((w.name(output), ("N", *_lengths(output, layout.shapes[output]))))
        w.rename(_scaled(w, layout, vector, output, values[output]), outputs[-1][0])
    inputs = [(n, ("N", *_lengths(n, shape))) for n, shape in spec.inputs]
    return w.to_bytes(name, inputs, outputs, version)


def _lengths(name: str, shape) -> list:
    """Lengths that may change get a name of their own."""
    return [f"{name}_{i}" if n is None else n for i, n in enumerate(shape, 1)]


def _scaled(w: Writer, layout: Layout, vector, name: str, value: str) -> str:
    """value * scale + offset, where the spec has such constants for this input or output."""
    if f"{name}/scale" not in layout.places:
        return value
    w.scope = name
    scale, offset = (layout.view(vector, f"{name}/{part}") for part in ("scale", "offset"))
    value = w.node("Mul", value, w.constant(scale, "scale"))
    return w.node("Add", value, w.constant(offset, "offset"))


# --- layers ---------------------------------------------------------------------------------


def _activation(place: Place):
    return activation(place.w, place.config["activation"], place.x)


def _dense(place: Place):
    w, kernel = place.w, place.w.constant(place.p["kernel"], "kernel")
    biases = [w.constant(place.p["bias"], "bias")] if "bias" in place.p else []
    if len(place.shapes[0]) == 1:
        y = w.node("Gemm", place.x, kernel, *biases)
    else:
        y = w.node("MatMul", place.x, kernel)
        y = w.node("Add", y, *biases) if biases else y
    return activation(w, place.config["activation"], y)


def _embedding(place: Place):
    w = place.w
    index = w.node("Cast", place.x, to=7)
    y = w.node("Gather", w.constant(place.p["embeddings"], "embeddings"), index, axis=0)
    if place.config["mask_zero"]:
        place.hide(y, w.node("Not", w.node("Equal", index, w.number(0))))
    return y


def _masking(place: Place):
    w = place.w
    y = w.node("Identity", place.x)
    value = w.number(np.float32(place.config["mask_value"]))
    differs = w.node("Not", w.node("Equal", place.x, value))
    most = w.node("ReduceMax", w.node("Cast", differs, to=6), axes=[-1], keepdims=0)
    return place.hide(y, w.node("Cast", most, to=9))


def _apply_mask(place: Place):
    y = place.w.node("Identity", place.x)
    return place.hide(y, place.w.node("Cast", place.xs[1], to=9))


def _reshape(place: Place):
    return place.w.node("Reshape", place.x, place.w.ints(0, *place.config["target_shape"]))


def _repeat_vector(place: Place):
    w = place.w
    y = w.node("Unsqueeze", place.x, w.ints(1))
    return w.node("Expand", y, w.ints(1, place.config["n"], 1))


def _reverse_time(place: Place):
    y = reverse_time(place.w, place.x)
    if place.x in place.masks:
        place.masks[y] = reverse_time(place.w, place.masks[place.x])
    return y


def _time_distributed(place: Place):
    """Steps as rows, the layer, and rows as steps."""
    w, masks = place.w, dict(place.inner_masks)
    xs = [_as_rows(w, x) for x in place.xs]
    rows = {row: masks[x] for x, row in zip(place.xs, xs, strict=True) if x in masks}
    shapes = [shape[1:] for shape in place.shapes]
    inner = Place(w, place.layer.inner, place.p, xs, shapes, rows, {})
    made = inner.write()
    ys = [_as_steps(w, y, place.x) for y in made]
    place.inner_masks.update({y: rows[m] for y, m in zip(ys, made, strict=True) if m in rows})
    return ys


def _as_rows(w: Writer, x: str) -> str:
    """x (B,T,...) -> (B*T,...)"""
    shape = w.node("Concat", w.ints(-1), w.node("Shape", x, start=2), axis=0)
    return w.node("Reshape", x, shape)


def _as_steps(w: Writer, y: str, x: str) -> str:
    """y (B*T,...) -> (B,T,...), B and T as in x"""
    ends = w.node("Shape", x, start=0, end=2), w.node("Shape", y, start=1)
    return w.node("Reshape", y, w.node("Concat", *ends, axis=0))


def _same(place: Place):
    """Dropout and its like do nothing when predicting."""
    return place.x


EXPORTERS = {
    "activation": _activation,
    "apply_mask": _apply_mask,
    "dense": _dense,
    **dict.fromkeys(("dropout", "random_flip", "random_rotation", "random_translation"), _same),
    "embedding": _embedding,
    "flatten": lambda place: place.w.node("Flatten", place.x, axis=1),
    "masking": _masking,
    "repeat_vector": _repeat_vector,
    "reshape": _reshape,
    "reverse_time": _reverse_time,
    "time_distributed": _time_distributed,
    **export_images.EXPORTERS,
    **export_merge.EXPORTERS,
    **dict.fromkeys(("simple_rnn", "lstm", "gru"), export_recurrent.layer),
}
