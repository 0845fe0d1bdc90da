"""Frozen graphs of TensorFlow without TensorFlow: read within budgets, run with NumPy."""

from respnet.engine.tf.graph import Graph
from respnet.engine.tf.reader import read

__all__ = ["Graph", "read"]
