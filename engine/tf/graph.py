"""Graph: a frozen GraphDef, evaluated node by node by the runner of ONNX graphs."""

from collections.abc import Mapping

import numpy as np

from respnet.engine.errors import ShapeError
from respnet.engine.onnx import graph as onnx
from respnet.engine.onnx.limits import Limits
from respnet.engine.tf import control, elementwise, images, reductions, shaping
from respnet.engine.tf.reader import read


class Graph(onnx.Graph):
    """``Graph.load(path_or_bytes, ["x"], ["Identity"]).run({"x": array})``"""

    ops = {
        **elementwise.OPS,
        **reductions.OPS,
        **shaping.OPS,
        **images.OPS,
        **control.OPS,
    }
    left_alone = frozenset({*control.OPS, "RandomUniform"})

    @classmethod
    def load(cls, source, inputs, outputs, limits: Limits | None = None) -> "Graph":
        """The graph of a path or of bytes between nodes of these names."""
        return cls(read(source, inputs, outputs, limits), limits)

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs by name."""
        results = super().run(inputs)
        for name, result in results.items():
            if isinstance(result, control.TensorList):
                raise ShapeError(f"output {name!r} is a list of tensors")
        return results
