"""ONNX files: models written for other programs, and models of others used here.

    model.export("net.onnx")                  # or respnet.onnx.export(model, path)
    model = respnet.load_onnx("net.onnx")     # a Model, or an OnnxModel that only predicts

No package of ONNX is needed. ``convert_keras`` and ``save_model`` are the names of keras2onnx.
"""

from pathlib import Path

import numpy as np

from respnet.engine.onnx import Graph, Limits, to_bytes
from respnet.engine.onnx.translate import NotPlain, to_spec

from . import __version__
from .arguments import unknown

FORMATS = ("onnx",)


def convert_keras(model, name: str | None = None) -> bytes:
    """The ONNX bytes of a built model (opset 17; inputs are floats, also those of Embedding)."""
    network = model._need_built()
    return to_bytes(network.spec, model.current_vector(), name or model.name, __version__)


def save_model(onnx_model: bytes, path) -> None:
    """Write what ``convert_keras`` gave."""
    Path(path).write_bytes(onnx_model)


def export(model, path, format: str = "onnx") -> None:
    """Write a built model for other programs."""
    if format not in FORMATS:
        raise ValueError(unknown("export format", format, FORMATS))
    save_model(convert_keras(model), path)


def load_onnx(source, *, plain: bool = True, limits: Limits | None = None):
    """The model of a path or of bytes.

    A plain network of layers there are here becomes a ``Model``: fast, and trainable once it is
    compiled. Any other graph becomes an ``OnnxModel``; ``plain=False`` asks for one in any case.
    Data in other files, operators of other domains and functions are refused.
    """
    graph = Graph.load(source, limits)
    if not plain:
        return OnnxModel(graph)
    try:
        spec, vector = to_spec(graph)
    except NotPlain as reason:
        return OnnxModel(graph, str(reason))
    from .nodes import of_spec

    return of_spec(spec, vector)


class OnnxModel:
    """An ONNX graph that runs node by node. ``reason``: why it is no ``Model``."""

    def __init__(self, graph: Graph, reason: str = ""):
        self.graph, self.reason = graph, reason

    @property
    def input_names(self) -> list[str]:
        return [slot.name for slot in self.graph.inputs]

    @property
    def output_names(self) -> list[str]:
        return [slot.name for slot in self.graph.outputs]

    def run(self, inputs: dict) -> dict[str, np.ndarray]:
        """Outputs by name for inputs by name, of the dtypes of the file."""
        return self.graph.run(inputs)

    def predict(self, x):
        """x: one array, a list in the order of ``input_names``, or a dict; one output or a list.

        Numbers are cast to the dtypes of the file, as ``Model.predict`` does.
        """
        if not isinstance(x, dict):
            given = list(x) if isinstance(x, (list, tuple)) else [x]
            if len(given) != len(self.input_names):
                raise ValueError(f"the model has inputs {self.input_names}, got {len(given)}")
            x = dict(zip(self.input_names, given, strict=True))
        slots = {slot.name: slot for slot in self.graph.inputs}
        cast = {n: np.asarray(a, slots[n].dtype if n in slots else None) for n, a in x.items()}
        results = list(self.run(cast).values())
        return results[0] if len(results) == 1 else results

    def __repr__(self) -> str:
        return f"<OnnxModel {self.graph.net.name}: {len(self.graph.net.nodes)} nodes>"


__all__ = ["OnnxModel", "convert_keras", "export", "load_onnx", "save_model"]
