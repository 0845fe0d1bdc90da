import numpy as np

from respnet.engine.kernels.executor import Bound, Predictor

class Binding:
    inputs: list[np.ndarray]
    outputs: list[np.ndarray]
    def __init__(self, bound: Bound, inputs: list[np.ndarray],
                 output_shapes: list[tuple[int, ...]], threads: int = 1) -> None: ...
    def __call__(self) -> None: ...

def predict_row(model: Predictor, row: bytes) -> bytes: ...
