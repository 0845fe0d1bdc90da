"""The CUDA sources, compiled by NVRTC when first needed; CuPy keeps the binaries on disk."""

from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
OPTIONS = ("-std=c++17", f"-I{HERE}", f"-I{HERE.parent / 'kernels'}", "-default-device")
THREADS = 256  # of a block


@cache
def module(name: str):
    """The compiled ``NAME.cu``."""
    import cupy

    return cupy.RawModule(code=(HERE / f"{name}.cu").read_text(), options=OPTIONS)


@cache
def kernel(source: str, name: str, type_name: str):
    """The kernel ``name`` of ``source.cu`` for "float" or "double"."""
    return module(source).get_function(f"{name}_{type_name}")


def launch(source: str, name: str, n: int, dtype, *arguments) -> None:
    """Run a kernel over n numbers, one a thread; absent arrays are None."""
    if n == 0:
        return
    function = kernel(source, name, "double" if dtype.itemsize == 8 else "float")
    given = tuple(0 if a is None else a for a in arguments)
    function(((n + THREADS - 1) // THREADS,), (THREADS,), given)
