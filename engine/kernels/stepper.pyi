import numpy as np

from respnet.engine.kernels.executor import Bound

MAX_STATES: int

class Stepper:
    inputs: int
    outputs: int
    state_bytes: int
    def __init__(self, bound: Bound) -> None: ...
    def __call__(self, x: np.ndarray, state: bytearray) -> np.ndarray: ...
