"""The numerical engine: Spec -> Program -> Executor (see docs/architecture.md)."""

if __name__ != "respnet.engine":
    raise ImportError("this folder is the package respnet.engine; run: import respnet.engine")

from respnet.engine.model import Model, Weights
from respnet.engine.spec import LossTerm, ModelSpec, Node

__all__ = ["LossTerm", "Model", "ModelSpec", "Node", "Weights"]
