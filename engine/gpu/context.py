"""What the ops of a running program share: stream, cuBLAS, memory, the batch's seed, faults."""

from functools import cache

from respnet.engine import activations
from respnet.engine.gpu.blas import Blas
from respnet.engine.gpu.sources import launch


@cache
def device(number: int) -> "Device":
    return Device(number)


class Device:
    """One GPU: a stream that may be captured, cuBLAS on it, and streams' memory."""

    def __init__(self, number: int):
        import cupy

        self.cupy, self.cuda = cupy, cupy.cuda.Device(number)
        with self.cuda:
            self.stream = cupy.cuda.Stream(non_blocking=True)
            self.blas = Blas(self.stream)


class Context:
    """Of one program with a number of rows. Its memory is its own: a captured graph writes to the
    same addresses at each launch, so nobody else may be given them.

    fault: not 0, what was met, the largest that is allowed. batch: its seed and its number.
    """

    def __init__(self, on: Device, dtype):
        cp = on.cupy
        self.on, self.cp, self.dtype = on, cp, dtype
        self.pool = cp.cuda.MemoryPool()
        with on.cuda, on.stream:
            self.batch = cp.zeros(2, cp.uint64)
            self.fault = cp.zeros(4, dtype)
        self._constants: dict = {}

    def constant(self, key, make):
        """An array of the host, brought here when a program is first run: a copy would not be
        part of a captured graph."""
        if key not in self._constants:
            self._constants[key] = self.cp.asarray(make())
        return self._constants[key]

    def noise(self, name: str, shape, seed, salt: int, *constants: float):
        """Numbers from the hash of the batch's seed, or of a layer's own."""
        y, cp = self.empty(*shape), self.cp
        own = cp.uint64(0 if seed is None else seed + 1)
        given = (cp.uint32(salt), *map(float, constants), cp.int64(y.size))
        self.launch("elementwise", name, y.size, y, self.batch, own, *given)
        return y

    def empty(self, *shape):
        return self.cp.empty(shape, self.dtype)

    def zeros(self, *shape):
        return self.cp.zeros(shape, self.dtype)

    def multiply(self, a, b, **options):
        """a (M,K) b (K,N), a new array."""
        rows = a.shape[1] if options.get("of_a") else a.shape[0]
        columns = b.shape[0] if options.get("of_b") else b.shape[1]
        c = self.empty(rows, columns)
        self.on.blas.multiply(a, b, c, **options)
        return c

    def launch(self, source: str, name: str, n: int, *arguments) -> None:
        launch(source, name, n, self.dtype, *arguments)

    def activation(self, name: str):
        """Its number in formulas.hpp."""
        return self.cp.int32(activations.NAMES.index(name))


def matrix(x):
    """x (...,N) as (M,N)"""
    return x.reshape(-1, x.shape[-1])


def finish(c: Context, y, bias, activation: str) -> None:
    """y (M,O) = activation(y + bias), in its place."""
    columns, size = c.cp.int64(y.shape[1]), c.cp.int64(y.size)
    number = c.activation(activation)
    c.launch("elementwise", "bias_activation", y.size, y, bias, columns, number, size)
