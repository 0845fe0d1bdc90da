"""The kernels alone: products in float32 beside the processor's FMA peak and numpy.matmul.

Every level the processor has is measured. Shapes are M x K x N: rows, summed, columns. The peak is
that of a loop of independent multiply-adds in registers, in the same round.
"""

import functools
import time

import numpy as np

from respnet.engine.kernels import direct, levels

from .harness import Bar, Contest, agree

TITLE = "Kernels, float32, one thread"
DTYPE = np.float32
PRODUCTS = [(256, 256, 256), (64, 128, 512), (64, 512, 128), (128, 784, 100), (512, 512, 512),
            (4, 128, 512), (600, 9, 15)]
GRADIENTS = [(64, 512, 128), (100, 784, 128), (512, 512, 512)]
VECTORS = [(9, 15), (15, 2), (64, 100), (784, 100), (512, 512)]
BARS = {(256, 256, 256): 0.8, (64, 128, 512): 0.8}


class Repeated:
    """A side that runs ``function(count)``, ``count`` times the work of ``flops`` operations."""

    def __init__(self, function, flops):
        self.function, self.flops, self.count = function, flops, 1

    def warm_up(self, seconds):
        while (taken := self._run()) < seconds / 2:
            self.count *= 2
        self.count = max(1, round(self.count * seconds / taken))

    def sample(self):
        seconds = self._run() / self.count
        return {"gflops": 1e-9 * self.flops / seconds, "cpu_us": 1e6 * seconds}

    def _run(self):
        start = time.thread_time_ns()
        self.function(self.count)
        return max(1, time.thread_time_ns() - start) * 1e-9


def kernel(level, op, operands, dims, flops):
    def run(count):
        direct.call(level, op, DTYPE, operands, dims, repeat=count)

    return Repeated(run, flops)


def matmul(A, B, out):
    def run(count):
        for _ in range(count):
            np.matmul(A, B, out=out)

    return Repeated(run, 2 * A.shape[0] * A.shape[1] * B.shape[-1])


def peak(level):
    registers, steps = 12, 1000
    lanes = direct.vector_bytes(level) // np.dtype(DTYPE).itemsize
    flops = 2 * registers * lanes * steps
    return kernel(level, "probe_fma_peak", [aligned(registers * lanes)], [steps], flops)


def aligned(*shape):
    """Zeros that begin at a cache line, as the buffers of a program do."""
    size = int(np.prod(shape))
    memory = np.zeros(size + 16, DTYPE)
    start = -memory.ctypes.data % 64 // memory.itemsize
    return memory[start : start + size].reshape(shape)


def uniform(*shape):
    out = aligned(*shape)
    out[...] = np.random.default_rng(shape).uniform(-1, 1, shape)
    return out


def packed(level, B, wide):
    (K, N), sizes = B.shape, [int(wide), 1, B.shape[1], B.shape[0]]
    out = aligned(int(direct.call(level, "probe_size", DTYPE, [], sizes)[1]))
    direct.call(level, "probe_pack", DTYPE, [B, out], [K, N, N, 1, wide])
    return out


def contest(name, level, side, numpy_side, answers, bars=()):
    """``answers``: arrays the two sides wrote, and the operands they multiplied."""
    sides = {"respnet": side, "FMA peak": peak(level), "numpy": numpy_side}
    return Contest(f"{name}, {level}", sides, functools.partial(verify, sides, *answers), bars,
                   metric="gflops")


def verify(sides, ours, theirs, left, right):
    exact = left.astype(float) @ right.astype(float)
    sides["respnet"].function(1)
    sides["numpy"].function(1)
    error = max(agree(name, got.reshape(exact.shape), exact, 1e-5)
                for name, got in (("respnet", ours), ("numpy", theirs)))
    return f"Checked: both products are float64 NumPy's within {error:.1g}."


def product(level, M, K, N):
    A, B, C, D = uniform(M, K), uniform(K, N), aligned(M, N), aligned(M, N)
    side = kernel(level, "probe_gemm_panels", [A, packed(level, B, False), C, None],
                  [M, N, K, K, N, 0, 0], 2 * M * N * K)
    limit = BARS.get((M, K, N))
    bars = (Bar(at_least=limit, against="FMA peak", metric="gflops"),) if limit else ()
    return contest(f"{M}x{K}x{N}, packed weights", level, side, matmul(A, B, D), (C, D, A, B), bars)


def gradient(level, M, K, N):
    A, B, C, D = uniform(K, M), uniform(K, N), aligned(M, N), aligned(M, N)
    workspace = aligned(int(direct.call(level, "probe_size", DTYPE, [], [2, M, N, K])[1]))
    side = kernel(level, "probe_gemm_tn", [A, B, C, workspace], [M, N, K, M, N, N, 0],
                  2 * M * N * K)
    return contest(f"{M}x{K}x{N}, weight gradient", level, side, matmul(A.T, B, D), (C, D, A.T, B))


def vector(level, K, N):
    x, B, y, z = uniform(1, K), uniform(K, N), aligned(1, N), aligned(1, N)
    side = kernel(level, "probe_gemv_wide", [x, packed(level, B, True), None, y], [N, K, 0],
                  2 * N * K)
    return contest(f"1x{K}x{N}, packed weights", level, side, matmul(x, B, z), (y, z, x, B))


def contests(quick):
    for level in reversed(levels.available()):
        for make, shapes in ((product, PRODUCTS), (gradient, GRADIENTS), (vector, VECTORS)):
            for shape in shapes[:1] if quick else shapes:
                yield make(level, *shape)
