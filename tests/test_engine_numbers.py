"""NaN, infinity, subnormal numbers; empty and odd batches; specs as data."""

import json

import numpy as np
import pytest

from respnet.engine import Model, ModelSpec, Node
from respnet.engine.errors import LimitError, SpecError
from respnet.engine.kernels import levels

UNITS = [(3, 5, 2), (60, 70, 2)]  # lanes, rows


@pytest.mark.parametrize("level", levels.available())
@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("rows", [1, 100])
def test_nan_spoils_its_own_row_and_no_other(level, units, rows):
    model = Model(ModelSpec.dense(units, role="regressor", seed=1), device=f"cpu:{level}")
    x = np.random.default_rng(0).normal(size=(rows, units[0])).astype(np.float32)
    clean = model.predict(x)
    x[0, 1] = np.nan
    spoiled = model.predict(x)
    assert np.isnan(spoiled[0]).all()
    assert np.array_equal(spoiled[1:], clean[1:])


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("rows", [1, 100])
def test_infinity_saturates(units, rows):
    model = Model(ModelSpec.dense(units, role="regressor", hidden="tanh", seed=1))
    x = np.full((rows, units[0]), 0, np.float32)
    x[:, 0] = np.inf
    kernel = model.view("dense_0/kernel")
    want = np.sign(kernel[0]) @ model.view("dense_1/kernel")
    assert np.allclose(model.predict(x), want, atol=1e-5)


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("rows", [1, 100])
def test_subnormal_results_are_zero(units, rows):
    model = Model(ModelSpec.dense(units, role="regressor", hidden="linear"))
    model.swap(np.full(model.layout.size, 1e-20, np.float32))
    x = np.full((rows, units[0]), 1e-3, np.float32)
    assert np.array_equal(model.predict(x) < 2e-20, np.ones((rows, units[-1]), bool))
    assert np.float32(1e-40) * np.float32(1) != 0  # and the caller's own mode is as it was


def test_no_rows_give_no_rows():
    model = Model(ModelSpec.dense((3, 5, 2), role="regressor"))
    assert model.predict(np.zeros((0, 3))).shape == (0, 2)


def test_rows_do_not_depend_on_their_company():
    for units in UNITS:
        model = Model(ModelSpec.dense(units, role="classifier", seed=2))
        x = np.random.default_rng(0).normal(size=(333, units[0])).astype(np.float32)
        assert np.array_equal(
            model.predict(x)[100:200], model.predict(np.ascontiguousarray(x[100:200]))
        )


def test_a_spec_goes_through_json():
    spec = ModelSpec.dense((9, 15, 15, 2), role="classifier", dropout=0.2, scaling=True, seed=9)
    again = ModelSpec.from_dict(json.loads(json.dumps(spec.to_dict())))
    assert again.to_dict() == spec.to_dict() and again.nodes[1].kind == "dropout"
    x = np.random.default_rng(0).normal(size=(4, 9))
    assert np.array_equal(Model(spec).predict(x), Model(again).predict(x))
    with pytest.raises(SpecError, match="format 99 is unknown"):
        ModelSpec.from_dict({**spec.to_dict(), "format": 99})


@pytest.mark.parametrize(
    "text,make",
    [
        ("units must be", lambda: ModelSpec.dense((3, 0), role="regressor")),
        ("role must be", lambda: ModelSpec.dense((3, 1), role="poet")),
        ("dtype must be", lambda: ModelSpec.dense((3, 1), role="regressor", dtype="int8")),
        (
            "activation must be",
            lambda: Model(ModelSpec.dense((3, 2, 1), role="regressor", hidden="step")),
        ),
        ("kind must be", lambda: Model(ModelSpec.chain((3,), [("attention", {})]))),
        ("has no argument 'size'", lambda: Model(ModelSpec.chain((3,), [("dense", {"size": 1})]))),
        (
            "comes later or never",
            lambda: ModelSpec(
                [Node("a", "dense", ("b",), {"units": 1})], [("input", (3,))], ("a",)
            ),
        ),
        (
            "two layers are named",
            lambda: ModelSpec(
                [Node("a", "dense", ("input",), {"units": 1})] * 2, [("input", (3,))], ("a",)
            ),
        ),
        ("dropout rate", lambda: Model(ModelSpec.dense((3, 2, 1), role="regressor", dropout=1.5))),
        (
            "did you mean sparse_crossentropy",
            lambda: Model(ModelSpec.dense((3, 2), role="model", loss="sparse_crosentropy")).trainer(
                "sgd"
            ),
        ),
    ],
)
def test_bad_specs_are_refused_with_a_reason(text, make):
    with pytest.raises(SpecError, match=text):
        make()


def test_huge_models_are_refused_before_memory_is_taken():
    with pytest.raises(LimitError, match="at most 50000000 parameters"):
        Model(ModelSpec.dense((10**9, 10**9), role="regressor"))
