"""Optimizers: the oracle table of Keras 3 and the reference, step by step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respnet.engine import reference_ops
from respnet.engine.kernels import direct, levels
from respnet.engine.optimizers import OPTIMIZERS, optimizer_named, step_constants

GRADIENTS = [0.3, -0.2, 0.25, 0.05, -0.4]
ORACLE = [  # w = 1, learning rate 0.1: w after each of the gradients, as Keras 3 computes it
    ("sgd", {}, [0.97, 0.99, 0.965, 0.96, 1.0]),
    ("sgd", {"momentum": 0.9}, [0.97, 0.963, 0.9317, 0.89853, 0.908677]),
    ("sgd", {"momentum": 0.9, "nesterov": 1}, [0.943, 0.9567, 0.90353, 0.868677, 0.917809]),
    ("rmsprop", {}, [0.683774, 0.865591, 0.674635, 0.634701, 0.865224]),
    ("rmsprop_centered", {"momentum": 0.9}, [0.666669, 0.548857, 0.246168, -0.067667, -0.1192]),
    ("adam", {}, [0.900002, 0.88555, 0.839952, 0.796255, 0.805552]),
    ("adamw", {}, [0.899602, 0.88479, 0.838838, 0.794805, 0.803785]),
]


def run(level, name, constants, vectors, t=1, dtype=np.float64, **frame):
    optimizer, constants = optimizer_named(name, constants)
    direct.call(
        level,
        optimizer.op,
        np.dtype(dtype),
        vectors,
        [len(vectors[0])],
        step_constants(constants),
        t=t,
        **frame,
    )


@pytest.mark.parametrize("level", levels.available())
@pytest.mark.parametrize("name,constants,want", ORACLE)
def test_oracle(level, name, constants, want):
    optimizer = OPTIMIZERS[name]
    w, state = np.ones(1), [np.zeros(1) for _ in optimizer.slots]
    got = []
    for t, g in enumerate(GRADIENTS, 1):
        run(level, name, {"learning_rate": 0.1, **constants}, [np.array([g]), w, *state], t)
        got.append(w[0])
    assert np.allclose(got, want, atol=2e-6)


@settings(max_examples=80, deadline=None)
@given(
    name=st.sampled_from(sorted(OPTIMIZERS)),
    n=st.integers(1, 70),
    seed=st.integers(0, 999),
    level=st.sampled_from(levels.available()),
    grew=st.booleans(),
)
def test_step_equals_reference(name, n, seed, level, grew):
    rng = np.random.default_rng(seed)
    changed = {"weight_decay": 0.01}
    optimizer, constants = optimizer_named(name, changed)
    g, w = rng.normal(size=n) * (rng.random(n) > 0.2), rng.normal(size=n)
    state = [np.abs(rng.normal(0.1, 0.3, n)) + 1e-3 for _ in optimizer.slots]
    if "previous" in optimizer.slots:
        state[1], state[2] = rng.normal(size=n), rng.normal(size=n)
    if "mean" in optimizer.slots and name.startswith("rmsprop"):
        state[2] = rng.normal(0, 0.01, n)
    values = dict(zip(constants, step_constants(constants), strict=True))
    if "rprop" not in name:
        values["decay"] = values.pop("weight_decay")
    extra = {"grew": grew} if "rprop" in name else {"t": 3} if optimizer.op == "adam_step" else {}
    operands = [w, *state] + [None] * (name == "rmsprop")
    want = getattr(reference_ops, optimizer.op)(g, *operands, **values, **extra)
    got = [w.copy(), *(s.copy() for s in state)]
    run(level, name, changed, [g, *got], 3, loss=2.0, previous_loss=1.0 if grew else 3.0)
    for have, expected in zip(got, want, strict=False):
        assert np.allclose(have, expected, rtol=1e-12, atol=1e-14)
    assert name.startswith("rprop") or not np.array_equal(got[0], w) or not g.any()


def test_rprop_takes_the_published_steps():
    """Igel and Huesken 2000: longer while the sign stays, shorter and held after it turned."""
    w, step, previous, delta = np.array([1.0]), np.array([0.1]), np.zeros(1), np.zeros(1)
    places = []
    for g in (1.0, 2.0, -1.0, -1.0):
        run(
            "portable",
            "rprop",
            {},
            [np.array([g]), w, step, previous, delta],
            loss=0,
            previous_loss=1,
        )
        places.append(w[0])
    assert np.allclose(places, [0.9, 0.78, 0.78, 0.84]) and np.isclose(step[0], 0.06)


def test_rprop_plus_takes_the_last_step_back():
    w, step, previous, delta = np.array([1.0]), np.array([0.1]), np.zeros(1), np.zeros(1)
    for g in (1.0, 2.0, -1.0):
        run(
            "portable",
            "rprop+",
            {},
            [np.array([g]), w, step, previous, delta],
            loss=0,
            previous_loss=1,
        )
    assert np.isclose(w[0], 0.9)
