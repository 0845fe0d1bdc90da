"""Ops on arrays: each against NumPy, each gradient against central differences, each refusal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ops_cases import arrays_in, at, case, put

import respnet
from respnet import ops
from respnet.engine.errors import DtypeError, GradientError, ShapeError

SHAPES = st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple)
DIFFERENTIABLE = sorted(n for n, row in ops.OPS.items() if row.gradient is not None and n != "cast")


@pytest.mark.parametrize("name", sorted(ops.OPS))
@settings(max_examples=12, deadline=None)
@given(shape=SHAPES, seed=st.integers(0, 2**32 - 1))
def test_values_are_those_of_numpy(name, shape, seed):
    args, options, wanted = case(name, np.random.default_rng(seed), shape)
    got = getattr(ops, name)(*args, **options)
    if isinstance(wanted, list):
        assert len(got) == len(wanted)
        for one, other in zip(got, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
    else:
        np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-12)
        assert np.shape(got) == np.shape(wanted)


def flat_sum(result, weigh):
    """One number of all float results, each number weighed."""
    parts = result if isinstance(result, (list, tuple)) else [result]
    floats = [part for part in parts if np.dtype(part.dtype).kind == "f"]
    return sum(ops.sum(ops.multiply(part, weigh(part.shape))) for part in floats)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@settings(max_examples=12, deadline=None)
@given(shape=SHAPES, seed=st.integers(0, 2**32 - 1))
def test_gradients_are_those_of_differences(name, shape, seed):
    args, options, _ = case(name, np.random.default_rng(seed), shape)
    weights = {}

    def weigh(shape):
        return weights.setdefault(shape, np.random.default_rng(1).uniform(0.5, 2, shape))

    def value(args):
        return flat_sum(getattr(ops, name)(*args, **options), weigh)

    for place in arrays_in(args):
        x = at(args, place)
        with ops.GradientTape() as tape:
            watched = tape.watch(x)
            y = value(put(args, place, watched))
        if not isinstance(y, ops.Tensor) or y.tape is None:
            assert name in ("where", "zeros_like", "ones_like")  # a condition, or a constant
            continue
        dx = tape.gradient(y, watched)
        slopes = np.zeros_like(x)
        for i in np.ndindex(x.shape):
            step = np.zeros_like(x)
            step[i] = 1e-6
            slopes[i] = value(put(args, place, x + step)) - value(put(args, place, x - step))
        if dx is None:
            dx = np.zeros_like(x)
        assert dx.shape == x.shape
        np.testing.assert_allclose(dx, slopes / 2e-6, rtol=1e-5, atol=1e-7)


# --- types ----------------------------------------------------------------------------------


def test_the_example_of_the_talk():
    assert ops.sum(ops.multiply([300, 10], 3)) == 930


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_float32_stays_float32(name):
    args, options, _ = case(name, np.random.default_rng(0), (2, 3))
    for place in arrays_in(args):
        args = put(args, place, at(args, place).astype(np.float32))
    got = getattr(ops, name)(*args, **options)
    for one in got if isinstance(got, (list, tuple)) else [got]:
        assert one.dtype == np.float32 or one.dtype.kind != "f"


def test_python_numbers_are_weak():
    x = np.ones(2, np.float32)
    assert ops.add(x, 2.5).dtype == np.float32 and ops.add([1, 2], 2.5).dtype == np.float64
    assert ops.zeros(2).dtype == ops.one_hot([1], 2).dtype == np.float32


# --- gradients by tape ------------------------------------------------------------------------


def test_operators_are_ops():
    a, b = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])
    with respnet.GradientTape() as tape:
        x, w = tape.watch([a, b])
        y = (2 * x @ w / 4 - 1) ** 2 + b[0] * abs(-x[:, :1]) + (a + x)[0, 1]
    assert float(y[0, 0].value) == (11 / 2 - 1) ** 2 + 3 + 4
    dx, dw = tape.gradient(y, [x, w])
    np.testing.assert_allclose(dx, [[2 * 4.5 * 3 / 2 + 3, 2 * 4.5 * 2 + 1]])
    np.testing.assert_allclose(dw, [[4.5], [9.0]])


def test_a_number_used_twice_gets_both_gradients():
    value, slope = ops.value_and_gradient(lambda x: x * x * x)(2.0)
    assert (value, slope) == (8.0, 12.0)


def test_comparisons_and_numbers_of_tensors():
    x = ops.Tensor([1.0, 2.0])
    assert (x > 1.5).numpy().tolist() == [False, True] and len(x) == 2
    assert (x == np.array([1.0, 5.0])).numpy().tolist() == [True, False]
    assert [float(each) for each in x] == [1.0, 2.0] and bool(x[0] == 1) and int(x[1]) == 2


def test_what_the_target_does_not_need_has_no_gradient():
    with ops.GradientTape() as tape:
        x, z = tape.watch([np.ones(2), np.ones(2)])
        y = ops.sum(x * ops.stop_gradient(x))
    assert tape.gradient(y, [x, z])[1] is None
    assert tape.gradient(y, x).tolist() == [1.0, 1.0]


def test_after_with_nothing_is_noted():
    with ops.GradientTape() as tape:
        x = tape.watch(np.ones(2))
    later = x * 2
    with pytest.raises(GradientError, match="the target"):
        tape.gradient(later, x)


def test_errors_of_the_tape():
    with ops.GradientTape() as tape, ops.GradientTape() as other:
        x, z = tape.watch(np.ones(2)), other.watch(np.ones(2))
        y, flat, place = ops.sum(x), ops.sum(ops.floor(x)), ops.argmax(x)
        with pytest.raises(GradientError, match="add got tensors of two tapes"):
            x + z
    with pytest.raises(GradientError, match="floor has no gradient; ops.stop_gradient says"):
        tape.gradient(flat, x)
    with pytest.raises(GradientError, match="the target .a tensor. is not on this tape"):
        tape.gradient(place, x)
    with pytest.raises(GradientError, match="the source .ndarray. is not on this tape"):
        tape.gradient(y, [np.ones(2)])
    with pytest.raises(GradientError, match="watched by another tape"):
        other.watch(x)
    with pytest.raises(ShapeError, match=r"output_gradients must be \(\), got \(2,\)"):
        tape.gradient(y, x, np.ones(2))
    with pytest.raises(DtypeError, match="a tape watches floats, got int64"):
        tape.watch(np.arange(3))
    with pytest.raises(ShapeError, match=r"gives one number, got \(2,\)"):
        ops.value_and_gradient(lambda x: x * 2)(np.ones(2))


def test_functions_of_numpy_are_refused_on_a_tape():
    x = ops.Tensor([1.0])
    with pytest.raises(DtypeError, match="np.sum sees no gradients; use the ops of respnet.ops"):
        np.sum(x)
    with pytest.raises(DtypeError, match="np.arctan sees no gradients"):
        np.arctan(x)
    with pytest.raises(DtypeError, match=r"tensor.numpy\(\) gives its numbers"):
        np.asarray(x)


# --- refusals: the op, what it got, what it wants -----------------------------------------------

WRONG = [
    (lambda: ops.add(np.ones((2, 3)), np.ones(4)), ShapeError,
     "add got float64 (2, 3), float64 (4,); it wants numbers, or arrays whose shapes broadcast"),
    (lambda: ops.sum(np.ones(2), axis=3), ShapeError,
     "sum got float64 (2,), axis=3; it wants axes that the array has"),
    (lambda: ops.matmul(np.ones((2, 3)), np.ones((2, 3))), ShapeError,
     "matmul got float64 (2, 3), float64 (2, 3); it wants x1 (...,M,K) and x2 (...,K,N)"),
    (lambda: ops.concatenate([np.ones((2, 3)), np.ones((2, 4))]), ShapeError,
     "concatenate got float64 (2, 3), float64 (2, 4); "
     "it wants arrays of equal shapes but for the axis, in a list"),
    (lambda: ops.exp(["a"]), DtypeError,
     "exp got <U1; it wants truth values, integers or floats"),
    (lambda: ops.exp(np.ones(2, complex)), DtypeError,
     "exp got complex128; it wants truth values, integers or floats"),
    (lambda: ops.subtract([True], [False]), DtypeError,
     "subtract got bool (1,), bool (1,); it wants numbers, or arrays whose shapes broadcast"),
    (lambda: ops.take([1.0], [3], axis=0), ShapeError,
     "take got float64 (1,), int64 (1,), axis=0; it wants whole numbers within the axis"),
    (lambda: ops.take([1.0], [0.5]), DtypeError,
     "take got float64 (1,), float64 (1,); it wants whole numbers within the axis"),
    (lambda: ops.one_hot([0.5], 2), DtypeError,
     "one_hot got float64 (1,), 2; it wants whole numbers below num_classes"),
    (lambda: ops.sum([[1], [1, 2]]), ShapeError,
     "sum got rows of unequal length; it wants axes that the array has"),
    (lambda: ops.pad(np.ones(2), 1, mode="reflect"), ShapeError,
     "pad got float64 (2,), 1, mode='reflect'; "
     "it wants (before, after) for each axis, and a number"),
    (lambda: ops.split(np.ones(3), 2), ShapeError,
     "split got 3 along axis 0; it wants a multiple of 2"),
    (lambda: ops.norm(np.ones(3), ord=3), ShapeError,
     "norm got float64 (3,), ord=3; it wants axes that the array has, and order 1, 2 or inf"),
    (lambda: ops.sum(np.ones(3), axes=0), TypeError,
     "sum: got an unexpected keyword argument 'axes'"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "text"), WRONG, ids=[text[:30] for *_, text in WRONG])
def test_refusals_name_the_op_and_what_it_wants(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == text and type(caught.value) is error


# --- the table --------------------------------------------------------------------------------


def test_every_op_has_a_summary_and_is_exported():
    assert set(ops.OPS) <= set(ops.__all__)
    assert [name for name, row in ops.OPS.items() if not 0 < len(row.summary) <= 80] == []


@pytest.mark.parametrize("order", [1, 2, "inf"])
def test_norms(order):
    x = np.array([[3.0, -4.0]])
    value, dx = ops.value_and_gradient(lambda x: ops.sum(ops.norm(x, ord=order, axis=-1)))(x)
    assert value == {1: 7.0, 2: 5.0, "inf": 4.0}[order]
    assert dx.tolist() == [{1: [1.0, -1.0], 2: [0.6, -0.8], "inf": [0.0, -1.0]}[order]]


def test_probabilities_are_kept_from_0():
    value = ops.sparse_categorical_crossentropy([1, 0], np.array([[1.0, 0.0], [2.0, 2.0]]))
    np.testing.assert_allclose(value, [-np.log(1e-7), np.log(2)])
    np.testing.assert_allclose(ops.binary_crossentropy([1.0], np.array([0.25])), [np.log(4)])
