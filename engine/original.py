"""The networks of the original Neural Redis, for those who want its numbers back.

Sigmoid everywhere, squared error, all weights within 0.05. Train them with
``TrainOptions(exact_original=True)``: RPROP+, its NORMALIZE and its AUTOSTOP rule.
"""

from respnet.engine.spec import ModelSpec


def original_spec(
    units: tuple[int, ...], *, role: str, scaling: bool = False, seed: int = 0
) -> ModelSpec:
    """The original's network with ``units`` = (I, hidden..., O); scaling is its NORMALIZE."""
    start = {"kernel_initializer": "uniform_0.05", "bias_initializer": "uniform_0.05"}
    layers = [("dense", {"units": width, "activation": "sigmoid", **start}) for width in units[1:]]
    return ModelSpec.chain((units[0],), layers, role=role, loss="mse", scaling=scaling, seed=seed)
