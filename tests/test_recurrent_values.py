"""Recurrent programs against the reference: every op, argument, dtype and level."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respnet.engine import Model, ModelSpec, Node, reference
from respnet.engine.kernels import levels
from respnet.engine.program import compile_program

TOLERANCE = {"float32": 5e-5, "float64": 1e-12}
KINDS = {
    "simple_rnn": [{}, {"activation": "relu"}, {"activation": "linear", "use_bias": False}],
    "lstm": [
        {},
        {"peephole": True},
        {"use_bias": False},
        {"peephole": True, "activation": "softplus", "recurrent_activation": "tanh"},
    ],
    "gru": [
        {},
        {"reset_after": False},
        {"use_bias": False},
        {"reset_after": False, "use_bias": False},
        {"activation": "softplus", "recurrent_activation": "tanh"},
        {"reset_after": False, "activation": "elu", "recurrent_activation": "tanh"},
    ],
}
CASES = [(kind, extra) for kind, extras in KINDS.items() for extra in extras]

cases = st.fixed_dictionaries(
    {
        "case": st.sampled_from(CASES),
        "rows": st.sampled_from([1, 2, 7, 16, 23, 70]),
        "times": st.sampled_from([1, 2, 5]),
        "inputs": st.sampled_from([1, 3, 17]),
        "units": st.sampled_from([1, 5, 16, 20, 33, 50, 55]),
        "sequences": st.booleans(),
        "backwards": st.booleans(),
        "masked": st.booleans(),
        "states": st.booleans(),
        "dropout": st.sampled_from([0.0, 0.4]),
        "seed": st.integers(0, 999),
    }
)


def network(case, dtype="float64"):
    """x [-> mask] -> recurrent (states from inputs) -> recurrent (states from the first) -> sum."""
    kind, extra = case["case"]
    units, count = case["units"], 2 if kind == "lstm" else 1
    inputs = [("x", (case["times"], case["inputs"]))]
    nodes = [Node("masked", "masking", ("x",))] if case["masked"] else []
    start = ()
    if case["states"]:
        inputs += [(f"state{i}", (units,)) for i in range(count)]
        nodes.append(Node("h", "dense", ("state0",), {"units": units}))
        start = ("h", "state1")[:count]
    options = {"units": units, "return_state": True, **extra}
    options |= {"dropout": case["dropout"], "recurrent_dropout": case["dropout"]}
    first = {**options, "return_sequences": True, "go_backwards": case["backwards"]}
    source = "masked" if case["masked"] else "x"
    states = ("first:1", "first:2")[:count]
    last = "second" if case["sequences"] else "sum"
    nodes += [
        Node("first", kind, (source, *start), first),
        Node(
            "second", kind, ("first", *states), {**options, "return_sequences": case["sequences"]}
        ),
        *([] if case["sequences"] else [Node("sum", "add", ("second", f"second:{count}"))]),
        Node("out", "dense", (last,), {"units": 2}),
    ]
    return ModelSpec(nodes, inputs, ("out",), dtype=dtype, seed=case["seed"])


def arrays(case, spec):
    rng = np.random.default_rng(case["seed"])
    x = [rng.normal(0.1, 0.9, (case["rows"], *shape)) for _, shape in spec.inputs]
    x[0][rng.random(x[0].shape[:2]) < 0.3] = 0
    y = rng.normal(size=(case["rows"], *([case["times"]] if case["sequences"] else []), 2))
    return x, y


def random_model(case, spec, level):
    model = Model(spec, device=f"cpu:{level}")
    rng = np.random.default_rng(case["seed"] + 1)
    model.swap(rng.normal(0.02, 0.6 / case["units"] ** 0.5, model.layout.size))
    return model


def close(got, want, dtype):
    scale = max(1.0, float(np.max(np.abs(want)))) if np.size(want) else 1.0
    assert np.shape(got) == np.shape(want)
    assert np.allclose(got, want, rtol=0, atol=TOLERANCE[dtype] * scale)


@settings(max_examples=80, deadline=None)
@given(
    case=cases,
    dtype=st.sampled_from(["float32", "float64"]),
    level=st.sampled_from(levels.available()),
)
def test_predictions_equal_reference(case, dtype, level):
    spec = network(case, dtype)
    model, (x, _) = random_model(case, spec, level), arrays(case, spec)
    x = [a.astype(dtype) for a in x]
    want = reference.run(compile_program(spec, "predict"), model.weights.vector, x).outputs[0]
    close(model.predict(x), want, dtype)
    close(model.predict([a[:1] for a in x]), want[:1], dtype)


@settings(max_examples=120, deadline=None)
@given(
    case=cases,
    dtype=st.sampled_from(["float32", "float64"]),
    level=st.sampled_from(levels.available()),
)
def test_losses_and_gradients_equal_reference(case, dtype, level):
    spec = network(case, dtype)
    model, (x, y) = random_model(case, spec, level), arrays(case, spec)
    trainer = model.trainer("sgd", seed=7 << 33)
    loss, gradient = trainer.gradient(trainer.stage(x, y))
    x, y = ([a.astype(dtype) for a in x], y.astype(dtype))
    want = reference.run(
        compile_program(spec, "train"), model.weights.vector, [*x, y], seed=7 << 33
    )
    close(loss, want.loss, dtype)
    close(gradient, want.gradient, dtype)


@pytest.mark.skipif("avx512" not in levels.available(), reason="needs AVX-512")
@settings(max_examples=60, deadline=None)
@given(case=cases, dtype=st.sampled_from(["float32", "float64"]))
def test_avx2_and_avx512_give_the_same_bits(case, dtype):
    spec = network(case, dtype)
    x, y = arrays(case, spec)
    results = []
    for level in ("avx2", "avx512"):
        trainer = random_model(case, spec, level).trainer("adam", batch_size=20, seed=3)
        trainer.bind(x, y)
        trainer.epochs(2)
        model = random_model(case, spec, level)
        model.swap(trainer.weights())
        one = model.predict([a[:1].astype(dtype) for a in x])
        results.append((trainer.vector, model.predict([a.astype(dtype) for a in x]), one))
    for avx2, avx512 in zip(*results, strict=True):
        assert np.array_equal(avx2, avx512)
    assert np.ptp(results[0][0]) > 0
