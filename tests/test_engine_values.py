"""Compiled programs against the reference, in every layer, loss, layout, dtype and level."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respnet.engine import Model, ModelSpec, activations, reference
from respnet.engine.kernels import levels
from respnet.engine.program import compile_program

TOLERANCE = {"float32": 2e-5, "float64": 1e-12}


def random_case(rng, units, rows, loss):
    x = rng.normal(0.3, 1, (rows, units[0]))
    if loss == "sparse_crossentropy":
        return x, rng.integers(0, units[-1], (rows, 1)).astype(float)
    if loss == "categorical_crossentropy":
        return x, rng.dirichlet(np.ones(units[-1]), rows)
    if loss == "binary_crossentropy":
        return x, rng.integers(0, 2, (rows, units[-1])).astype(float)
    return x, rng.normal(0.2, 1, (rows, units[-1]))


def random_model(rng, units, hidden, output, loss, **options):
    model = Model(
        ModelSpec.dense(
            units,
            role="model",
            hidden=hidden,
            output=output,
            loss=loss,
            **{k: v for k, v in options.items() if k not in ("device", "threads")},
        ),
        device=options.get("device", "cpu"),
        threads=options.get("threads", 1),
    )
    spread = 1.2 / max(units) ** 0.5 if hidden != "exponential" else 0.5 / max(units)
    model.swap(rng.normal(0.02, spread, model.layout.size).clip(-0.8, 0.8))
    return model


def compare(got, want, dtype):
    scale = max(1.0, float(np.max(np.abs(want)))) if np.size(want) else 1.0
    assert np.allclose(got, want, rtol=0, atol=TOLERANCE[dtype] * scale * 4)


OUTPUT = {
    "mse": "linear",
    "mae": "linear",
    "huber": "linear",
    "binary_crossentropy": "sigmoid",
    "categorical_crossentropy": "softmax",
    "sparse_crossentropy": "softmax",
}

widths = st.integers(1, 20) | st.integers(40, 75)
networks = st.lists(widths, min_size=2, max_size=5)


@settings(max_examples=60, deadline=None)
@given(
    units=networks,
    rows=st.sampled_from([1, 2, 63, 64, 65, 200, 700]),
    seed=st.integers(0, 999),
    hidden=st.sampled_from(activations.ALL),
    dtype=st.sampled_from(["float32", "float64"]),
    level=st.sampled_from(levels.available()),
    scaling=st.booleans(),
)
def test_predict_equals_reference(units, rows, seed, hidden, dtype, level, scaling):
    rng = np.random.default_rng(seed)
    model = random_model(
        rng,
        tuple(units),
        hidden,
        "linear",
        "mse",
        dtype=dtype,
        scaling=scaling,
        device=f"cpu:{level}",
    )
    x, _ = random_case(rng, units, rows, "mse")
    want = reference.run(compile_program(model.spec, "predict"), model.weights.vector, [x]).outputs[
        0
    ]
    compare(model.predict(x.astype(dtype)), want, dtype)


@settings(max_examples=60, deadline=None)
@given(
    units=networks,
    rows=st.sampled_from([1, 5, 64, 130, 700]),
    seed=st.integers(0, 999),
    hidden=st.sampled_from(activations.ALL),
    loss=st.sampled_from(sorted(OUTPUT)),
    dtype=st.sampled_from(["float32", "float64"]),
    level=st.sampled_from(levels.available()),
    weighted=st.booleans(),
    threads=st.integers(1, 2),
)
def test_loss_metric_and_gradient_equal_reference(
    units, rows, seed, hidden, loss, dtype, level, weighted, threads
):
    rng = np.random.default_rng(seed)
    if loss == "mae" and dtype == "float32":
        dtype = "float64"  # its slope jumps: a rounding at 0 is no error of the kernels
    model = random_model(
        rng,
        tuple(units),
        hidden,
        OUTPUT[loss],
        loss,
        dtype=dtype,
        device=f"cpu:{level}",
        threads=threads,
    )
    x, y = random_case(rng, units, rows, loss)
    weight = [rng.uniform(0.2, 2, (rows, 1))] if weighted else []
    trainer = model.trainer("sgd", weighted=weighted)
    data = trainer.stage(x, y, *weight)
    x, y = (np.float32(a) if dtype == "float32" else a for a in (x, y))
    want = reference.run(
        compile_program(model.spec, "train", weighted=weighted),
        model.weights.vector,
        [x, y, *weight],
    )
    got_loss, gradient = trainer.gradient(data)
    compare(got_loss, want.loss, dtype)
    compare(gradient, want.gradient, dtype)
    judged = reference.run(
        compile_program(model.spec, "evaluate", weighted=weighted),
        model.weights.vector,
        [x, y, *weight],
    )
    loss_now, metric = trainer.evaluate(data)
    compare(loss_now, judged.loss, dtype)
    assert abs(metric - judged.metric) <= 2.0 / rows or loss not in ("mse", "mae", "huber")


@pytest.mark.parametrize("units", [(9, 15, 2), (30, 60, 3)])
def test_dropout_masks_equal_reference_in_both_layouts(units):
    rng = np.random.default_rng(5)
    model = Model(ModelSpec.dense(units, role="regressor", dropout=0.4, dtype="float64", seed=7))
    x, y = rng.normal(size=(900, units[0])), rng.normal(size=(900, units[-1]))
    trainer = model.trainer("sgd", seed=1234567890123)
    loss, gradient = trainer.gradient(trainer.stage(x, y))
    want = reference.run(
        compile_program(model.spec, "train"), model.weights.vector, [x, y], seed=1234567890123
    )
    assert np.allclose(gradient, want.gradient, atol=1e-12) and np.isclose(loss, want.loss)
    without = reference.run(compile_program(model.spec, "evaluate"), model.weights.vector, [x, y])
    assert abs(without.loss - loss) > 1e-4


def test_graph_with_a_shared_value_and_a_sum():
    from respnet.engine import Node

    nodes = [
        Node("a", "dense", ("input",), {"units": 6, "activation": "tanh"}),
        Node("b", "dense", ("a",), {"units": 6, "activation": "gelu"}),
        Node("c", "add", ("a", "b", "a")),
        Node("d", "dense", ("c",), {"units": 2}),
    ]
    spec = ModelSpec(nodes, (("input", (3,)),), ("d",), dtype="float64", seed=3)
    model = Model(spec)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(77, 3)), rng.normal(size=(77, 2))
    want = reference.run(compile_program(spec, "train"), model.weights.vector, [x, y])
    trainer = model.trainer("sgd")
    _, gradient = trainer.gradient(trainer.stage(x, y))
    assert np.allclose(gradient, want.gradient, atol=1e-12)
    out = reference.run(compile_program(spec, "predict"), model.weights.vector, [x]).outputs[0]
    assert np.allclose(model.predict(x), out) and np.allclose(model.predict(x[:1]), out[:1])
