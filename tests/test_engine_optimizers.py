"""Optimizers: the oracle table of Keras 3 and the reference, step by step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respnet.engine import Model, ModelSpec, reference_ops
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
    ("adagrad", {}, [None] * 4 + [0.976747]),
    ("nadam", {}, [None] * 4 + [0.936725]),
    ("adamax", {}, [None] * 4 + [0.823078]),
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
    starts = {slot: optimizer.constants[name] for slot, name in optimizer.start.items()}
    w, state = np.ones(1), [np.full(1, starts.get(slot, 0.0)) for slot in optimizer.slots]
    got = []
    for t, g in enumerate(GRADIENTS, 1):
        run(level, name, {"learning_rate": 0.1, **constants}, [np.array([g]), w, *state], t)
        got.append(w[0])
    known = [(have, expected) for have, expected in zip(got, want, strict=True) if expected]
    assert known and np.allclose(*zip(*known, strict=True), atol=2e-6)


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
    timed = optimizer.op in ("adam_step", "amsgrad_step", "adamax_step", "nadam_step")
    extra = {"grew": grew} if "rprop" in name else {"t": 3} if timed else {}
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


@pytest.mark.parametrize("level", levels.available())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(n=st.integers(1, 40), seed=st.integers(0, 99), limit=st.floats(0.1, 5))
@settings(max_examples=20, deadline=None)
def test_penalties_and_clipping_equal_the_reference(level, dtype, n, seed, limit):
    rng = np.random.default_rng(seed)
    w, g = rng.normal(size=(2, n)).astype(dtype)
    value, want = reference_ops.penalty_step(w, g, l1=0.3, l2=limit)
    got = g.copy()
    loss, *_ = direct.call(level, "penalty_step", np.dtype(dtype), [w, got], [n], [0.3, limit])
    assert np.allclose(got, want, rtol=1e-5, atol=1e-6) and np.isclose(loss, value, rtol=1e-5)
    for op in ("clip_value_step", "clip_norm_step"):
        got = g.copy()
        direct.call(level, op, np.dtype(dtype), [got], [n], [limit])
        assert np.allclose(got, getattr(reference_ops, op)(g, limit=limit), rtol=1e-5)


def test_rules_of_an_update_reach_the_gradient():
    from respnet.engine import Model, ModelSpec
    from respnet.engine.session import Session
    from respnet.engine.trainer import Rule, Update

    model = Model(ModelSpec.dense((3, 4, 1), role="regressor"))
    x, y = np.ones((5, 3)), np.full((5, 1), 9.0)
    plain = Session(model, Update.of("sgd", {"learning_rate": 1.0}))
    _, gradient = plain.gradient(plain.feed(x, y))
    place = model.layout.places["dense_0/kernel"]
    kernel = slice(place.offset, place.offset + place.size)
    rules = [Rule("penalty_step", (0.0, 0.5), place.name), Rule("clip_norm_step", (0.25,))]
    ruled = Session(model, Update.of("sgd", {"learning_rate": 1.0}, rules))
    before = ruled.vector.copy()
    loss, _ = ruled.train(ruled.feed(x, y), np.arange(5), 5)
    want = gradient.astype(np.float64)
    want[kernel] += before[kernel]
    want *= 0.25 / np.linalg.norm(want)
    assert np.allclose(before - ruled.vector, want, atol=1e-6)
    penalty = 0.5 * np.sum(before[kernel].astype(np.float64) ** 2)
    assert np.isclose(loss, plain.evaluate(plain.feed(x, y))[0] + penalty, rtol=1e-6)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_share_a_step_and_change_no_bit(name, dtype):
    """Parts of the parameters and packed weights, more than one thread's share."""
    spec = ModelSpec.dense((180, 300, 70, 3), role="regressor", hidden="tanh", seed=1, dtype=dtype)
    rng, found = np.random.default_rng(1), []
    gradients = rng.normal(size=(3, Model(spec).layout.trainable)).astype(dtype)
    x, y = rng.normal(size=(40, 180)), rng.normal(size=(40, 3))
    for threads in (1, 2, 3):
        trainer = Model(spec).trainer(name, threads=threads)
        rows = trainer.stage(x, y)
        for number, gradient in enumerate(gradients):
            trainer._core.apply(gradient, float(number % 2))
        loss, gradient = trainer._core.gradient(rows)
        found.append((trainer.vector.tobytes(), trainer.state.tobytes(), loss, gradient))
    for one in found[1:]:
        assert one[:2] == found[0][:2]
        assert np.allclose(one[2], found[0][2], rtol=1e-5)
        assert np.allclose(one[3], found[0][3], atol=1e-5)
