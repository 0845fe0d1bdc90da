"""ONNX without a dependency: models read within budgets, run, translated, written."""

from respnet.engine.onnx.export import to_bytes
from respnet.engine.onnx.graph import Graph
from respnet.engine.onnx.limits import Limits
from respnet.engine.onnx.reader import Net, read

__all__ = ["Graph", "Limits", "Net", "read", "to_bytes"]
