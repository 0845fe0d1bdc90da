"""Products, packing, column sums and softmax of every level against NumPy in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respnet.engine.kernels import direct, levels

LEVELS = levels.available()
FUSED = [level for level in LEVELS if level != "portable"]
SIZES = st.integers(1, 130)
DTYPES = st.sampled_from(["float32", "float64"])
GUARD = 16
POISON = 12345.0
LINEAR, TANH, RELU = 0, 2, 3
quick = settings(max_examples=60, deadline=None)


def rng(*seed):
    return np.random.default_rng(abs(hash(seed)) % 2**32)


def guarded(shape, dtype, content=None):
    """A poisoned buffer and the view of ``shape`` inside it, GUARD columns wider on both sides."""
    buffer = np.full((shape[0] + 2, shape[1] + 2 * GUARD), POISON, dtype)
    view = buffer[1:-1, GUARD:-GUARD]
    if content is not None:
        view[...] = content
    return buffer, view


def operand(view):
    """A flat array that begins where ``view`` does, for a kernel that is told the row distance."""
    step = view.strides[0] // view.itemsize
    return np.lib.stride_tricks.as_strided(view, ((view.shape[0] - 1) * step + view.shape[1],),
                                           (view.itemsize,))


def ld(view):
    return view.strides[0] // view.itemsize


def assert_guarded(buffer, view):
    inside = np.zeros(buffer.shape, bool)
    inside[1:-1, GUARD:-GUARD] = True
    assert (buffer[~inside] == POISON).all(), "wrote outside of its rows"


def size(level, dtype, which, M, N, K):
    return int(direct.call(level, "probe_size", dtype, [], [which, M, N, K])[1])


def packed(level, dtype, B, wide, transposed=False):
    K, N = B.shape
    out = np.full(size(level, dtype, wide, 1, N, K) + GUARD, POISON, dtype)
    source = np.ascontiguousarray(B.T if transposed else B)
    strides = (1, K) if transposed else (N, 1)
    direct.call(level, "probe_pack", dtype, [source, out], [K, N, *strides, wide])
    assert (out[-GUARD:] == POISON).all(), "packed more than its size"
    return out[:-GUARD]


def close(got, wanted, dtype, terms):
    """Within the rounding of a sum of that many terms of size about 1."""
    np.testing.assert_allclose(got, wanted, rtol=0, atol=8 * np.finfo(dtype).eps * (terms + 2))


def gemm(level, dtype, A, B, C, bias=None, add=False, activation=LINEAR, transposed=False):
    buffer, out = guarded(C.shape, dtype, C)
    wide_a = guarded(A.shape, dtype, A)[1]
    (M, K), N = A.shape, B.shape[1]
    operands = [operand(wide_a), packed(level, dtype, B, 0, transposed), operand(out), bias]
    direct.call(level, "probe_gemm_panels", dtype, operands,
                [M, N, K, ld(wide_a), ld(out), add, activation])
    assert_guarded(buffer, out)
    return out.copy()


def random_product(dtype, M, N, K):
    r = rng(M, N, K)
    return tuple(r.uniform(-1, 1, s).astype(dtype) for s in ((M, K), (K, N), (M, N), (N,)))


@pytest.mark.parametrize("level", LEVELS)
@quick
@given(M=SIZES, N=SIZES, K=SIZES, dtype=DTYPES, add=st.booleans(), transposed=st.booleans(),
       activation=st.sampled_from([LINEAR, TANH, RELU]), with_bias=st.booleans())
def test_gemm_panels(level, M, N, K, dtype, add, transposed, activation, with_bias):
    A, B, C, bias = random_product(dtype, M, N, K)
    got = gemm(level, dtype, A, B, C, bias if with_bias else None, add, activation, transposed)
    wanted = A.astype(float) @ B + (bias if with_bias else 0) + (C if add else 0)
    wanted = {LINEAR: wanted, TANH: np.tanh(wanted), RELU: np.maximum(wanted, 0)}[activation]
    close(got, wanted, dtype, K)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("shape", [(250, 70, 600), (3, 33, 257), (500, 40, 512)])
def test_gemm_panels_in_several_passes(level, shape):
    A, B, C, bias = random_product("float32", *shape)
    got = gemm(level, "float32", A, B, C, bias, True, TANH)
    close(got, np.tanh(A.astype(float) @ B + bias + C), "float32", shape[2])


@pytest.mark.parametrize("level", LEVELS)
def test_gemm_panels_of_depth_0_is_the_bias(level):
    A, B, C, bias = random_product("float32", 3, 40, 0)
    np.testing.assert_array_equal(gemm(level, "float32", A, B, C, bias), np.tile(bias, (3, 1)))


def gemm_tn(level, dtype, A, B, C, add):
    (K, M), N = A.shape, B.shape[1]
    buffer, out = guarded(C.shape, dtype, C)
    workspace = np.full(size(level, dtype, 2, M, N, K) + GUARD, POISON, dtype)
    direct.call(level, "probe_gemm_tn", dtype, [A, B, operand(out), workspace],
                [M, N, K, M, N, ld(out), add])
    assert_guarded(buffer, out)
    assert (workspace[-GUARD:] == POISON).all(), "used more than its workspace"
    return out.copy()


@pytest.mark.parametrize("level", LEVELS)
@quick
@given(M=SIZES, N=SIZES, K=st.integers(1, 300), dtype=DTYPES, add=st.booleans())
def test_gemm_tn(level, M, N, K, dtype, add):
    A, B, C, _ = random_product(dtype, M, N, K)
    A = np.ascontiguousarray(A.T)
    close(gemm_tn(level, dtype, A, B, C, add), A.T.astype(float) @ B + (C if add else 0), dtype, K)


@pytest.mark.parametrize("level", LEVELS)
def test_gemm_tn_of_many_columns(level):
    A, B, C, _ = random_product("float32", 600, 100, 40)
    A = np.ascontiguousarray(A.T)
    close(gemm_tn(level, "float32", A, B, C, False), A.T.astype(float) @ B, "float32", 40)


def gemv(level, dtype, x, B, bias, activation=LINEAR):
    K, N = B.shape
    y = np.full(N + 2 * GUARD, POISON, dtype)
    operands = [x, packed(level, dtype, B, 1), bias, y[GUARD:-GUARD]]
    direct.call(level, "probe_gemv_wide", dtype, operands, [N, K, activation])
    assert (y[:GUARD] == POISON).all() and (y[-GUARD:] == POISON).all(), "wrote outside of y"
    return y[GUARD:-GUARD].copy()


@pytest.mark.parametrize("level", LEVELS)
@quick
@given(N=st.integers(1, 600), K=SIZES, dtype=DTYPES, with_bias=st.booleans(),
       activation=st.sampled_from([LINEAR, TANH, RELU]))
def test_gemv_wide(level, N, K, dtype, with_bias, activation):
    A, B, _, bias = random_product(dtype, 1, N, K)
    wanted = A[0].astype(float) @ B + (bias if with_bias else 0)
    wanted = {LINEAR: wanted, TANH: np.tanh(wanted), RELU: np.maximum(wanted, 0)}[activation]
    close(gemv(level, dtype, A[0], B, bias if with_bias else None, activation), wanted, dtype, K)


@pytest.mark.parametrize("level", LEVELS)
@quick
@given(K=SIZES, N=SIZES, dtype=DTYPES, wide=st.booleans())
def test_packing_the_transpose_is_the_same(level, K, N, dtype, wide):
    B = random_product(dtype, 1, N, K)[1]
    plain, turned = (packed(level, dtype, B, int(wide), t) for t in (False, True))
    np.testing.assert_array_equal(plain, turned)
    assert np.count_nonzero(plain) == np.count_nonzero(B), "padding is not zero"


@pytest.mark.parametrize("level", LEVELS)
@quick
@given(M=SIZES, N=SIZES, dtype=DTYPES, add=st.booleans())
def test_column_sums(level, M, N, dtype, add):
    A = rng(M, N).uniform(-1, 1, (M, N)).astype(dtype)
    buffer, out = guarded((1, N), dtype, 0.5)
    direct.call(level, "probe_column_sums", dtype, [A, operand(out)], [M, N, N, add])
    assert_guarded(buffer, out)
    close(out[0], A.sum(0, dtype=float) + 0.5 * add, dtype, M)


def softmax(level, x):
    buffer, out = guarded(x.shape, x.dtype)
    direct.call(level, "probe_softmax", x.dtype, [x, operand(out)], [*x.shape, x.shape[1], ld(out)])
    assert_guarded(buffer, out)
    return out.copy()


@pytest.mark.parametrize("level", LEVELS)
@quick
@given(rows=st.integers(1, 40), n=SIZES, dtype=DTYPES, shift=st.sampled_from([0, 1000, -1000]))
def test_softmax_rows(level, rows, n, dtype, shift):
    x = (rng(rows, n).uniform(-5, 5, (rows, n)) + shift).astype(dtype)
    e = np.exp(x.astype(float) - x.max(1, keepdims=True))
    np.testing.assert_allclose(softmax(level, x), e / e.sum(1, keepdims=True),
                               rtol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("n", [10, 100])
def test_softmax_of_special_rows(level, n):
    x = np.zeros((3, n), np.float32)
    x[0, 3], x[1, 3] = -np.inf, np.nan
    y = softmax(level, x)
    assert y[0, 3] == 0 and np.isclose(y[0].sum(), 1)
    assert np.isnan(y[1]).all()
    assert np.allclose(y[2], 1 / n)


@pytest.mark.skipif(len(FUSED) < 2, reason="the processor has not both AVX2 and AVX-512")
@quick
@given(M=SIZES, N=st.integers(1, 300), K=st.integers(1, 400), dtype=DTYPES)
def test_levels_with_fma_give_the_same_bits(M, N, K, dtype):
    A, B, C, bias = random_product(dtype, M, N, K)
    columns = np.ascontiguousarray(A.T)

    def everything(level):
        sums = np.zeros(N, dtype)
        direct.call(level, "probe_column_sums", dtype, [C, sums], [M, N, N, 0])
        return [gemm(level, dtype, A, B, C, bias, True, TANH), sums, softmax(level, C),
                gemm_tn(level, dtype, columns, B, C, True), gemv(level, dtype, A[0], B, bias, TANH)]

    for one, other in zip(everything(FUSED[0]), everything(FUSED[1]), strict=True):
        np.testing.assert_array_equal(one.view(np.uint8), other.view(np.uint8))
