"""Matrix products by cuBLAS on one stream.

Called through ctypes: CuPy refuses cuBLAS while a stream is captured into a graph (its issue 6290),
which cuBLAS itself allows once it has a workspace of its own.
"""

import ctypes
from functools import cache

from respnet.engine.errors import EngineError

WORKSPACE = 32 << 20  # bytes; what cuBLAS asks for on Hopper
_TRANSPOSED = {False: 0, True: 1}


@cache
def _library():
    """The cuBLAS that CuPy has loaded."""
    from cupy.cuda import device

    device.get_cublas_handle()
    with open("/proc/self/maps") as maps:
        paths = {line.split()[-1] for line in maps if "libcublas.so" in line}
    if not paths:
        raise EngineError("CuPy has loaded no libcublas.so; the GPU executor needs it")
    return ctypes.CDLL(paths.pop())


def _check(status: int, what: str) -> None:
    if status:
        raise EngineError(f"cuBLAS {what} failed with status {status}")


class Blas:
    """cuBLAS on ``stream`` of the present device."""

    def __init__(self, stream):
        import cupy

        self._lib, self._handle = _library(), ctypes.c_void_p()
        _check(self._lib.cublasCreate_v2(ctypes.byref(self._handle)), "create")
        _check(
            self._lib.cublasSetStream_v2(self._handle, ctypes.c_void_p(stream.ptr)), "set stream"
        )
        self._workspace = cupy.cuda.alloc(WORKSPACE)
        memory = ctypes.c_void_p(self._workspace.ptr)
        size = ctypes.c_size_t(WORKSPACE)
        _check(self._lib.cublasSetWorkspace_v2(self._handle, memory, size), "set workspace")

    def multiply(self, a, b, c, *, of_a=False, of_b=False, add=False) -> None:
        """c (M,N) = a (M,K) b (K,N), or added to c; of_a, of_b: the transpose of a, of b.

        Rows may lie further apart than they are long; numbers of a row lie side by side.
        """
        k = a.shape[0] if of_a else a.shape[1]
        rows, columns = c.shape
        if min(rows, columns, k) == 0:
            return
        number = ctypes.c_double if c.dtype.itemsize == 8 else ctypes.c_float
        name = "cublasDgemm_v2" if c.dtype.itemsize == 8 else "cublasSgemm_v2"
        one, rest = number(1), number(1 if add else 0)
        # Row-major c = a b is column-major c^T = b^T a^T.
        status = getattr(self._lib, name)(
            self._handle,
            _TRANSPOSED[of_b],
            _TRANSPOSED[of_a],
            columns,
            rows,
            k,
            ctypes.byref(one),
            *_matrix(b),
            *_matrix(a),
            ctypes.byref(rest),
            *_matrix(c),
        )
        _check(status, name)


def _matrix(x) -> tuple:
    """(address, distance of two rows in numbers)"""
    apart = max(x.strides[0] // x.dtype.itemsize, x.shape[1], 1)
    return ctypes.c_void_p(x.data.ptr), int(apart)
