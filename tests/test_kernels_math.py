"""Elementary functions and formulas of every level: error bounds, special values, equal bits."""

from math import erf, sqrt

import numpy as np
import pytest

from respnet.engine import losses
from respnet.engine.kernels import direct, levels

LEVELS = levels.available()
DTYPES = ["float32", "float64"]
REGISTER, WIDE, SCALAR = 0, 1, 2  # the value types of probe_unary
INF, NAN = np.inf, np.nan
EXACT = np.longdouble


def run(level, op, x, kind=REGISTER):
    y = np.empty_like(x)
    direct.call(level, f"probe_{op}", x.dtype, [x, y], [x.size, kind])
    return y


def log1p_exp(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


# op -> exact function, largest argument of (float32, float64), bound in units of the last place
FUNCTIONS = {
    "exp": (np.exp, (87, 708), 1.0),
    "expm1": (np.expm1, (87, 708), 2.0),
    "tanh": (np.tanh, (12, 22), 2.6),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), (85, 700), 2.2),
    "log1p_exp": (log1p_exp, (85, 700), 2.1),
    "sqrt": (np.sqrt, (1e30, 1e300), 0.51),
    "log": (np.log, (1e30, 1e300), 0.9),
}
POSITIVE = {"sqrt", "log"}


def arguments(op, dtype):
    """Evenly over the range, around zero (for logarithms: around one), and of all magnitudes."""
    limit = FUNCTIONS[op][1][DTYPES.index(dtype)]
    r = np.random.default_rng(len(op))
    if op in POSITIVE:
        power = np.log10(limit)
        x = np.concatenate([r.uniform(0.4, 2.5, 20000), 10 ** r.uniform(-power, power, 20000)])
    else:
        small = 10 ** r.uniform(-7, 0, 20000) * r.choice([-1, 1], 20000)
        x = np.concatenate([r.uniform(-limit, limit, 20000), r.uniform(-2, 2, 20000), small])
    return x.astype(dtype)


def ulps(got, exact):
    return float((abs(got.astype(EXACT) - exact) / np.spacing(abs(exact).astype(got.dtype))).max())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", FUNCTIONS)
@pytest.mark.parametrize("level", LEVELS)
def test_error_in_units_of_the_last_place(level, op, dtype):
    exact, _, bound = FUNCTIONS[op]
    x = arguments(op, dtype)
    assert ulps(run(level, op, x), exact(x.astype(EXACT))) <= bound


# Values to 24 digits, from mpmath.
ERF = {
    1e-6: "1.12837916709513639644584e-6", 0.125: "0.140316204801333817393029",
    0.5: "0.520499877813046537682747", 0.99: "0.838508069555369799818791",
    1.0: "0.842700792949714869341221", 1.0625: "0.867058269434952755383846",
    1.5: "0.966105146475310727066976", 2.25: "0.998537283413318848302089",
    3.0: "0.999977909503001414558627", 4.5: "0.999999999803383955845711",
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("level", LEVELS)
def test_erf(level, dtype):
    x = np.array(list(ERF), dtype)
    slope = 2 / np.sqrt(EXACT(np.pi)) * np.exp(-x.astype(EXACT) ** 2)
    exact = np.array([EXACT(v) for v in ERF.values()])
    exact += slope * (x.astype(EXACT) - np.array(list(ERF), EXACT))  # x is rounded to dtype
    assert ulps(run(level, "erf", x), exact) <= 2.6
    np.testing.assert_array_equal(run(level, "erf", -x), -run(level, "erf", x))


# op -> arguments and values; 0 and -0 are different here
SPECIAL = {
    "exp": ([0, -0.0, INF, -INF, 1e5, -1e5], [1, 1, INF, 0, INF, 0]),
    "expm1": ([0, INF, -INF, 1e5, -1e5], [0, INF, -1, INF, -1]),
    "log": ([1, 0, -0.0, INF, -1, -INF], [0, -INF, -INF, INF, NAN, NAN]),
    "tanh": ([0, -0.0, INF, -INF, 1e5, -1e5], [0, -0.0, 1, -1, 1, -1]),
    "sigmoid": ([0, INF, -INF, 1e5, -1e5], [0.5, 1, 0, 1, 0]),
    "erf": ([0, -0.0, INF, -INF, 1e5], [0, -0.0, 1, -1, 1]),
    "log1p_exp": ([INF, -INF, 1e5, -1e5], [INF, 0, 1e5, 0]),
    "sqrt": ([0, 4, INF, -1], [0, 2, INF, NAN]),
    "abs": ([0, -0.0, -3, -INF], [0, 0, 3, INF]),
    "sign": ([0, -0.0, 7, -7, INF, -INF], [0, 0, 1, -1, 1, -1]),
}


@pytest.mark.parametrize("kind", [REGISTER, WIDE, SCALAR])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("level", LEVELS)
def test_special_values(level, dtype, kind):
    for op, (x, wanted) in SPECIAL.items():
        of_nan = 0 if op == "sign" else NAN
        got, wanted = run(level, op, np.array([*x, NAN], dtype), kind), np.array([*wanted, of_nan])
        np.testing.assert_array_equal(got, wanted, err_msg=op)
        zero = wanted == 0
        np.testing.assert_array_equal(np.signbit(got[zero]), np.signbit(wanted[zero]), err_msg=op)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("level", LEVELS)
def test_the_ends_of_the_range_of_exp(level, dtype):
    info = np.finfo(dtype)
    top, bottom = np.log(EXACT(info.max)), np.log(EXACT(info.tiny))
    x = np.array([top * (1 - 4 * info.eps), top * (1 + 4 * info.eps),
                  bottom * (1 - 4 * info.eps), bottom * (1 + 4 * info.eps)], dtype)
    y = run(level, "exp", x)
    assert np.isfinite(y[0]) and y[0] > info.max / 1.01 and y[1] == INF
    assert info.tiny <= y[2] < 1.01 * info.tiny and y[3] == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("level", LEVELS)
def test_subnormal_numbers_are_zero(level, dtype):
    x = np.array([np.finfo(dtype).tiny / 4], dtype)
    assert run(level, "log", x) == -INF and run(level, "tanh", x) == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", [*FUNCTIONS, "erf"])
def test_every_width_gives_the_same_bits(op, dtype):
    x = arguments(op if op != "erf" else "tanh", dtype)
    for fused in (True, False):
        same = [run(level, op, x, kind) for level in LEVELS if (level != "portable") is fused
                for kind in (REGISTER, WIDE, SCALAR)]
        for y in same:
            np.testing.assert_array_equal(y.view(np.uint8), same[0].view(np.uint8))


# --------------------------------------------------------------------------------- activations

ACTIVATIONS = {
    "linear": lambda x: x,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x < 0, 0.2 * x, x),
    "elu": lambda x: np.where(x < 0, np.expm1(x), x),
    "gelu": lambda x: x * normal_below(x),
    "softplus": log1p_exp,
    "exponential": np.exp,
}


def normal_below(x):
    return np.array([(1 + erf(v / sqrt(2))) / 2 for v in x.tolist()], x.dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number, name", list(enumerate(ACTIVATIONS)), ids=list(ACTIVATIONS))
@pytest.mark.parametrize("level", LEVELS)
def test_activation_and_its_derivative(level, number, name, dtype):
    x = np.random.default_rng(number).uniform(-4, 4, 1003)
    x = x[abs(x) > 1e-3].astype(dtype)
    dy = np.cos(x)
    y, dx = np.empty_like(x), np.empty_like(x)
    direct.call(level, "probe_activation", dtype, [x, dy, y, dx], [x.size, number])
    exact, h = ACTIVATIONS[name], 1e-5
    x64 = x.astype(float)
    slope = (exact(x64 + h) - exact(x64 - h)) / (2 * h)
    tolerance = {"float32": 2e-6, "float64": 3e-9}[dtype]
    np.testing.assert_allclose(y, exact(x64), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(dx, slope * dy, rtol=tolerance, atol=tolerance)


# -------------------------------------------------------------------------------------- losses


def huber(p, t):
    size = abs(p - t)
    return np.where(size > 1, size - 0.5, 0.5 * size**2)


def binary(q, t):
    return -(t * np.log(q) + (1 - t) * np.log(1 - q))


def focal(q, t):
    t = 0.1 * 0.5 + 0.9 * t
    wrong = 1 - (t * q + (1 - t) * (1 - q))
    return (0.3 * t + 0.7 * (1 - t)) * wrong**1.5 * binary(q, t)


# In the order of the kernels, of p in -4 .. 4 and t in 0 .. 1
LOSSES = {
    "mse": lambda p, t: (p - t) ** 2,
    "mae": lambda p, t: abs(p - t),
    "huber": huber,
    "binary_crossentropy": lambda p, t: log1p_exp(p) - p * (0.5 + 0.0 * t),
    "binary_probability": lambda p, t: binary(np.clip(p, 1e-7, 1 - 1e-7), 0.5 + 0.0 * t),
    "poisson": lambda p, t: p - t * np.log(p + 1e-7),
    "hinge": lambda p, t: np.maximum(1 - t * p, 0),
    "squared_hinge": lambda p, t: np.maximum(1 - t * p, 0) ** 2,
    "mape": lambda p, t: 100 * abs(p - t) / t,
    "msle": lambda p, t: (np.log(np.maximum(p, 1e-7) + 1) - np.log(t + 1)) ** 2,
    "log_cosh": lambda p, t: np.log(np.cosh(p - t)),
    "binary_focal": focal,
    "binary_focal_logit": lambda p, t: focal(1 / (1 + np.exp(-p)), t),
}
PROBABILITIES = ("binary_probability", "poisson", "binary_focal")  # of p within 0.05 .. 0.95
OPTIONS = [1.0]  # Huber's delta; the smoothing of the binary ones, which makes t 1/2
FOCAL = [0.1, 1.5, 0.3]  # smoothing, gamma, alpha


def loss_rows(name, dtype):
    r = np.random.default_rng(7)
    low, high = (0.05, 0.95) if name in PROBABILITIES else (-4, 4)
    return r.uniform(low, high, 999).astype(dtype), r.uniform(0.01, 1, 999).astype(dtype)


def call_loss(level, name, dtype, p, t):
    value, d = np.empty_like(p), np.empty_like(p)
    dims = [p.size, list(LOSSES).index(name)]
    options = FOCAL if "focal" in name else OPTIONS
    direct.call(level, "probe_loss", dtype, [p, t, value, d], dims, options)
    return value, d


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("level", LEVELS)
def test_loss_and_its_gradient(level, name, dtype):
    p, t = loss_rows(name, dtype)
    value, d = call_loss(level, name, dtype, p, t)
    exact, h = LOSSES[name], 1e-5
    p64, t64 = p.astype(float), t.astype(float)
    slopes = [(exact(p64 + s, t64) - exact(p64 - s, t64)) / (2 * s) for s in (h, 3 * h)]
    smooth = abs(slopes[0] - slopes[1]) < 1e-4 * (1 + abs(slopes[0]))  # away from corners
    assert smooth.sum() > 900
    slope, size = slopes[0], 1 + abs(slopes[0])
    tolerance = {"float32": 3e-6, "float64": 1e-8}[dtype]
    np.testing.assert_allclose(value, exact(p64, t64), rtol=tolerance, atol=tolerance)
    assert np.all(abs(d - slope)[smooth] < 20 * tolerance * size[smooth])


def test_losses_of_the_kernels_are_in_this_order():
    assert tuple(LOSSES) == losses.POINTWISE


def test_cross_entropy_of_large_logits_is_finite():
    p, t = np.array([800.0, -800.0]), np.array([0.0, 1.0])
    value, d = np.empty(2), np.empty(2)
    number = losses.POINTWISE.index("binary_crossentropy")
    direct.call(LEVELS[-1], "probe_loss", "float64", [p, t, value, d], [2, number], [0.0])
    assert value.tolist() == [800, 800] and d.tolist() == [1, -1]


# ---------------------------------------------------------------------------------- optimizers

SGD, SGD_MOMENTUM, RMSPROP, RMSPROP_CENTERED, ADAM, AMSGRAD, RPROP = range(7)
GRADIENTS = (0.3, -0.2, 0.25, 0.05, -0.4)
# Keras 3 from w = 1 with learning rate 0.1: weights after each step
ORACLE = {
    "sgd": (SGD, (0.1, 0), False, (0.97, 0.99, 0.965, 0.96, 1.0)),
    "momentum": (SGD_MOMENTUM, (0.1, 0.9), False, (0.97, 0.963, 0.9317, 0.89853, 0.908677)),
    "nesterov": (SGD_MOMENTUM, (0.1, 0.9), True, (0.943, 0.9567, 0.90353, 0.868677, 0.917809)),
    "rmsprop": (RMSPROP, (0.1, 0.9, 1e-7), False,
                (0.683774, 0.865591, 0.674635, 0.634701, 0.865224)),
    "centered": (RMSPROP_CENTERED, (0.1, 0.9, 1e-7, 0.9), False,
                 (0.666669, 0.548857, 0.246168, -0.067667, -0.1192)),
    "adam": (ADAM, (None, 0.9, 0.999, 1e-7, 0), False,
             (0.900002, 0.88555, 0.839952, 0.796255, 0.805552)),
    "adamw": (ADAM, (None, 0.9, 0.999, 1e-7, 0.1 * 0.004), False,
              (0.899602, 0.88479, 0.838838, 0.794805, 0.803785)),
}


def adam_rate(t):
    return 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)


@pytest.mark.parametrize("name", ORACLE)
@pytest.mark.parametrize("level", LEVELS)
def test_optimizers_follow_keras(level, name):
    kind, constants, flag, wanted = ORACLE[name]
    state = [np.array([v], float) for v in (1, 0, 0, 0, 0)]
    got = []
    for t, g in enumerate(GRADIENTS, 1):
        state[1][0] = g
        row = [adam_rate(t) if c is None else c for c in constants]
        direct.call(level, "probe_optimizer", "float64", state, [kind, flag], row)
        got.append(state[0][0])
    np.testing.assert_allclose(got, wanted, atol=3e-6)


CONSTANTS = [1.2, 0.5, 1e-6, 50]  # increase, decrease, step_min, step_max


def rprop(level, gradients, grew, w=1.0, step=0.1):
    """Weights after each step, and the last step size."""
    state = [np.array([v], float) for v in (w, 0, 0, step, 0)]
    got = []
    for g, worse in zip(gradients, grew, strict=True):
        state[1][0] = g
        direct.call(level, "probe_optimizer", "float64", state, [RPROP, worse], CONSTANTS)
        got.append(state[0][0])
    return got, state[3][0]


@pytest.mark.parametrize("level", LEVELS)
def test_irprop_plus(level):
    """Agreement lengthens the step; a turn halves it and goes back only if the error grew."""
    wanted = [0.9, 0.78, 0.9, 0.96]
    got, step = rprop(level, [1, 1, -1, -1], [False, False, True, False])
    np.testing.assert_allclose(got, wanted)
    assert np.isclose(step, 0.06)
    got, _ = rprop(level, [1, 1, -1, -1], [False, False, False, False])
    np.testing.assert_allclose(got, [0.9, 0.78, 0.78, 0.84])


def test_rprop_step_stays_within_its_limits():
    assert rprop(LEVELS[-1], [1] * 60, [False] * 60)[1] == 50
    turns = [(-1) ** (i // 2) for i in range(100)]
    assert rprop(LEVELS[-1], turns, [False] * 100)[1] >= 1e-6


# ------------------------------------------------------------------------------------ same bits

FUSED = [level for level in LEVELS if level != "portable"]


def formulas(level, dtype):
    """Every activation, loss and optimizer on random numbers, as one array."""
    r = np.random.default_rng(3)
    x, t = r.uniform(-4, 4, 1003).astype(dtype), r.uniform(0, 1, 1003).astype(dtype)
    out = []
    for number in range(len(ACTIVATIONS)):
        out += [np.empty_like(x), np.empty_like(x)]
        direct.call(level, "probe_activation", dtype, [x, t, *out[-2:]], [x.size, number])
    for name in LOSSES:
        out += call_loss(level, name, dtype, *loss_rows(name, dtype))
    for kind, constants, flag, _ in ORACLE.values():
        state = [np.array([v], dtype) for v in (1, 0, 0, 0, 0)]
        for i, g in enumerate(x[:50], 1):
            state[1][0] = g
            row = [adam_rate(i) if c is None else c for c in constants]
            direct.call(level, "probe_optimizer", dtype, state, [kind, flag], row)
        out += state
    return np.concatenate(out)


@pytest.mark.skipif(len(FUSED) < 2, reason="the processor has not both AVX2 and AVX-512")
@pytest.mark.parametrize("dtype", DTYPES)
def test_formulas_give_the_same_bits_at_the_levels_with_fma(dtype):
    one, other = (formulas(level, dtype) for level in FUSED)
    np.testing.assert_array_equal(one.view(np.uint8), other.view(np.uint8))
