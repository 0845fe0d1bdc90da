"""Layers along the last axis of longer rows, open lengths, several outputs."""

import numpy as np
import pytest

from respnet.engine import Model, ModelSpec, Node, reference
from respnet.engine.errors import SpecError
from respnet.engine.program import compile_program

OUTPUT = {
    "mse": "linear",
    "sparse_crossentropy": "softmax",
    "categorical_crossentropy": "softmax",
    "binary_crossentropy": "sigmoid",
}


def flat_and_long(loss, weighted):
    """The same dense net on (B*T, I) and on (B, T, I)."""
    rng = np.random.default_rng(3)
    rows, time, inputs, outputs = 7, 5, 6, 4
    layers = [
        ("dense", {"units": 60, "activation": "tanh"}),
        ("dense", {"units": outputs, "activation": OUTPUT[loss]}),
    ]
    x = rng.normal(size=(rows, time, inputs))
    y = rng.dirichlet(np.ones(outputs), (rows, time))
    if loss == "sparse_crossentropy":
        y = rng.integers(0, outputs, (rows, time, 1)).astype(float)
    weight = rng.uniform(0.5, 2, (rows, time, 1))
    options = {"loss": loss, "dtype": "float64", "seed": 2}
    for shape, cut in (((inputs,), (-1,)), ((None, inputs), (rows, time))):
        spec = ModelSpec.chain(shape, layers, **options)
        whole = (*cut[1:], inputs)
        data = [a.reshape(*cut, a.shape[-1]) for a in ((x, y, weight) if weighted else (x, y))]
        yield Model(spec), whole, data


@pytest.mark.parametrize("loss", OUTPUT)
@pytest.mark.parametrize("weighted", [False, True])
def test_time_steps_count_as_rows(loss, weighted):
    results = []
    for model, shape, data in flat_and_long(loss, weighted):
        trainer = model.trainer("sgd", weighted=weighted, shapes=[shape])
        staged = trainer.stage(*data)
        results.append((*trainer.gradient(staged), *trainer.evaluate(staged)))
    (loss_a, gradient_a, *judged_a), (loss_b, gradient_b, *judged_b) = results
    assert np.isclose(loss_a, loss_b) and np.allclose(gradient_a, gradient_b, atol=1e-13)
    assert np.allclose(judged_a, judged_b) and np.abs(gradient_a).max() > 1e-3


def test_any_length_is_predicted_by_one_model():
    spec = ModelSpec.chain((None, 3), [("dense", {"units": 2, "activation": "relu"})])
    model = Model(spec)
    x = np.random.default_rng(0).normal(size=(4, 9, 3)).astype(np.float32)
    whole = model.predict(x)
    assert whole.shape == (4, 9, 2)
    for length in (1, 4, 8):
        assert np.allclose(model.predict(x[:, :length]), whole[:, :length], atol=1e-6)


def test_several_inputs_and_outputs():
    nodes = [
        Node("a", "dense", ("left",), {"units": 4}),
        Node("b", "dense", ("right",), {"units": 4, "activation": "tanh"}),
        Node("sum", "add", ("a", "b")),
        Node("out", "dense", ("sum",), {"units": 2}),
    ]
    spec = ModelSpec(nodes, [("left", (3,)), ("right", (5,))], ("out", "b"), dtype="float64")
    model = Model(spec)
    rng = np.random.default_rng(1)
    x = [rng.normal(size=(6, 3)), rng.normal(size=(6, 5))]
    want = reference.run(compile_program(spec, "predict"), model.weights.vector, x).outputs
    got = model.predict(x)
    assert len(got) == 2
    assert np.allclose(got[0], want[0]) and np.allclose(got[1], want[1])


def test_open_lengths_must_be_given_to_compile():
    spec = ModelSpec.chain((None, 3), [("dense", {"units": 2})])
    with pytest.raises(SpecError, match="wants whole shapes"):
        compile_program(spec, "train")
