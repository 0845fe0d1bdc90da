"""Ops on arrays: each against NumPy, each gradient against central differences, each refusal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import respnet
from respnet import ops
from respnet.engine.errors import DtypeError, GradientError, ShapeError
from respnet.engine.reference_activations import ACTIVATIONS

SHAPES = st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple)


def numbers(rng, shape, low=-2.0, high=2.0):
    """Distinct ones, none near 0, where formulas have their corners."""
    x = rng.uniform(low, high, shape)
    return np.where(np.abs(x) < 0.05, 0.3, x) + rng.uniform(0, 1e-2, shape)


def log_softmax(x, axis=-1):
    x = x - x.max(axis=axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=axis, keepdims=True))


# name -> the same in NumPy, of one argument
UNARY = {
    "negative": np.negative, "abs": np.abs, "square": np.square, "exp": np.exp, "sin": np.sin,
    "cos": np.cos, "expm1": np.expm1, "sign": np.sign, "floor": np.floor, "ceil": np.ceil,
    "round": np.round, "isnan": np.isnan, "isfinite": np.isfinite,
    "logical_not": np.logical_not, "transpose": np.transpose, "zeros_like": np.zeros_like,
    "ones_like": np.ones_like, "shape": np.shape, "size": np.size, "sort": np.sort,
    "argsort": np.argsort, "convert_to_tensor": np.asarray, "convert_to_numpy": np.asarray,
    "stop_gradient": np.asarray, "softmax": lambda x: np.exp(log_softmax(x)),
    "log_softmax": log_softmax,
    "squeeze": np.squeeze, "flip": np.flip,
    **{name: value for name, (value, _) in ACTIVATIONS.items()},
}  # fmt: skip
POSITIVE = {"log": np.log, "log1p": np.log1p, "sqrt": np.sqrt, "rsqrt": lambda x: x**-0.5}
BINARY = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
    "maximum": np.maximum, "minimum": np.minimum, "equal": np.equal, "not_equal": np.not_equal,
    "less": np.less, "less_equal": np.less_equal, "greater": np.greater,
    "greater_equal": np.greater_equal, "logical_and": np.logical_and,
    "logical_or": np.logical_or,
}  # fmt: skip
REDUCED = {
    "sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "prod": np.prod,
    "all": np.all, "any": np.any, "var": np.var,
    "norm": lambda x, axis, keepdims: np.sqrt((x * x).sum(axis=axis, keepdims=keepdims)),
    "logsumexp": lambda x, **how: np.log(np.exp(x).sum(**how)),
}  # fmt: skip


def two_shapes(rng, shape):
    """A shape, and one that broadcasts with it."""
    other = tuple(1 if rng.random() < 0.3 else n for n in shape)
    return shape, other[rng.integers(0, len(other)) :]


def case(name, rng, shape):
    """(arguments, options, what NumPy says) of one op."""
    x = numbers(rng, shape)
    if name in UNARY:
        return (x,), {}, UNARY[name](x)
    if name in POSITIVE:
        x = numbers(rng, shape, 0.2, 3.0)
        return (x,), {}, POSITIVE[name](x)
    if name in BINARY:
        a, b = (numbers(rng, s) for s in two_shapes(rng, shape))
        return (a, b), {}, BINARY[name](a, b)
    axis = int(rng.integers(-len(shape), len(shape)))
    if name in REDUCED:
        how = {"axis": axis if rng.random() < 0.7 else None, "keepdims": bool(rng.random() < 0.5)}
        return (x,), how, REDUCED[name](x, **how)
    return SPECIAL[name](rng, x, axis)


def losses_case(name):
    def make(rng, x, axis):
        logits = numbers(rng, (2, 4))
        target = np.eye(4)[[1, 3]]
        value = -log_softmax(logits)[[0, 1], [1, 3]]
        if name == "categorical_crossentropy":
            return (target, logits), {"from_logits": True}, value
        if name == "sparse_categorical_crossentropy":
            return (np.array([1, 3]), logits), {"from_logits": True}, value
        p = 1 / (1 + np.exp(-logits))
        value = -(target * np.log(p) + (1 - target) * np.log(1 - p))
        return (target, logits), {"from_logits": True}, value

    return make


def matmul_case(rng, x, axis):
    a, b = (
        numbers(rng, (2, 1, 3, 2)[rng.integers(0, 4) :]),
        numbers(rng, (2, 2, 4)[rng.integers(0, 3) :]),
    )
    if b.ndim == 1:
        b = b[:2]
    if a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
        a = numbers(rng, (3, b.shape[0]))
    return (a, b), {}, a @ b


def simple(function):
    def make(rng, x, axis):
        args, options, value = function(x, axis)
        return args, options, value

    return make


INDEX = np.array([0, 0])
SPECIAL = {
    "matmul": matmul_case,
    "dot": lambda rng, x, axis: ((x.ravel(), x.ravel() * 2), {}, x.ravel() @ x.ravel() * 2),
    "power": lambda rng, x, axis: ((abs(x), x), {}, abs(x) ** x),
    "clip": simple(lambda x, a: ((x, -0.5, 0.7), {}, np.clip(x, -0.5, 0.7))),
    "where": lambda rng, x, axis: ((x > 0, x, 2 * x[:1]), {}, np.where(x > 0, x, 2 * x[:1])),
    "cast": simple(lambda x, a: ((x, "float32"), {}, x.astype("float32"))),
    "argmax": simple(lambda x, a: ((x,), {"axis": a}, x.argmax(a))),
    "argmin": simple(lambda x, a: ((x,), {"axis": a}, x.argmin(a))),
    "cumsum": simple(lambda x, a: ((x,), {"axis": a}, x.cumsum(a))),
    "reshape": simple(lambda x, a: ((x, (-1, 1)), {}, x.reshape(-1, 1))),
    "expand_dims": simple(lambda x, a: ((x, a), {}, np.expand_dims(x, a))),
    "broadcast_to": simple(lambda x, a: ((x, (2, *x.shape)), {}, np.stack([x, x]))),
    "concatenate": simple(lambda x, a: (([x, 2 * x],), {"axis": a}, np.concatenate([x, 2 * x], a))),
    "stack": simple(lambda x, a: (([x, 2 * x],), {"axis": a}, np.stack([x, 2 * x], a))),
    "split": simple(lambda x, a: ((x, [1]), {"axis": a}, np.split(x, [1], a))),
    "std": simple(lambda x, a: ((np.append(x, 7.0),), {}, np.append(x, 7.0).std())),
    "pad": simple(lambda x, a: ((x, ((1, 2),) * x.ndim), {}, np.pad(x, ((1, 2),) * x.ndim))),
    "tile": simple(lambda x, a: ((x, (2, 3)), {}, np.tile(x, (2, 3)))),
    "repeat": simple(lambda x, a: ((x, 3), {"axis": a}, np.repeat(x, 3, a))),
    "get_item": simple(lambda x, a: ((x, (INDEX,)), {}, x[INDEX])),
    "slice": simple(lambda x, a: ((x, (0,) * x.ndim, (1,) * x.ndim), {}, x[(np.s_[:1],) * x.ndim])),
    "take": simple(lambda x, a: ((x, INDEX), {"axis": a}, x.take(INDEX, a))),
    "gather": simple(lambda x, a: ((x, INDEX), {"axis": a}, x.take(INDEX, a))),
    "take_along_axis": simple(
        lambda x, a: ((x, x.argsort(a)), {"axis": a}, np.take_along_axis(x, x.argsort(a), a))
    ),
    "one_hot": lambda rng, x, axis: ((INDEX, 3), {}, np.eye(3)[INDEX]),
    "top_k": simple(lambda x, a: ((x, 1), {}, [x.max(-1, keepdims=True), x.argmax(-1)[..., None]])),
    "zeros": lambda *_: (((2, 3),), {}, np.zeros((2, 3))),
    "ones": lambda *_: (((2, 3),), {}, np.ones((2, 3))),
    "full": lambda *_: (((2, 3), 7), {}, np.full((2, 3), 7)),
    "arange": lambda *_: ((2, 9, 3), {}, np.arange(2, 9, 3)),
    "mean_squared_error": simple(lambda x, a: ((2 * x, x), {}, (x * x).mean(-1))),
    "mean_absolute_error": simple(lambda x, a: ((2 * x, x), {}, abs(x).mean(-1))),
    "categorical_crossentropy": losses_case("categorical_crossentropy"),
    "sparse_categorical_crossentropy": losses_case("sparse_categorical_crossentropy"),
    "binary_crossentropy": losses_case("binary_crossentropy"),
}  # fmt: skip
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


def arrays_in(args):
    """Places of the float64 arrays among arguments, also inside a list."""
    for i, x in enumerate(args):
        if isinstance(x, list) and isinstance(x[0], np.ndarray):
            yield from ((i, k) for k in range(len(x)))
        elif isinstance(x, np.ndarray) and x.dtype == np.float64:
            yield i, None


def at(args, place):
    return args[place[0]] if place[1] is None else args[place[0]][place[1]]


def put(args, place, value):
    args = [list(x) if isinstance(x, list) else x for x in args]
    if place[1] is None:
        args[place[0]] = value
    else:
        args[place[0]][place[1]] = value
    return args


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
