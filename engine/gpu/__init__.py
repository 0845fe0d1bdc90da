"""GPU twin of the kernels. So far: the elementwise formulas as CUDA, compiled but never yet run.

The package imports everywhere; CuPy is looked for only when something asks for the GPU.
"""

from importlib.util import find_spec


def available() -> bool:
    """Whether CuPy is installed and sees a device."""
    if find_spec("cupy") is None:
        return False
    import cupy

    try:
        return cupy.cuda.runtime.getDeviceCount() > 0
    except cupy.cuda.runtime.CUDARuntimeError:
        return False
