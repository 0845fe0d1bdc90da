"""A case of every op: drawn arguments, and what NumPy says of them."""

import math

import numpy as np

from respnet.engine.reference_activations import ACTIVATIONS


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
UNARY["erf"] = np.vectorize(math.erf)
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


def einsum_case(rng, x, axis):
    text = ("ij,jk->ik", "ij,jk", "ij,jk->kj", "ij,jk->", "bij,jk -> bik", "ij,jk->i")
    text = text[rng.integers(0, len(text))]
    a, b = numbers(rng, (2, 3, 4) if "b" in text else (3, 4)), numbers(rng, (4, 2))
    return (text, a, b), {}, np.einsum(text, a, b)


def simple(function):
    def make(rng, x, axis):
        args, options, value = function(x, axis)
        return args, options, value

    return make


INDEX = np.array([0, 0])
SPECIAL = {
    "matmul": matmul_case,
    "dot": lambda rng, x, axis: ((x.ravel(), x.ravel() * 2), {}, x.ravel() @ x.ravel() * 2),
    "einsum": einsum_case,
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
