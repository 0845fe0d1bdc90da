"""Losses: every one of every output, several at once, masked, weighted, over frozen parameters."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respnet.engine import LossTerm, Model, ModelSpec, Node, losses, reference
from respnet.engine.errors import ShapeError, SpecError
from respnet.engine.kernels import levels
from respnet.engine.program import compile_program
from respnet.engine.session import Session
from respnet.engine.trainer import Update

RNG = np.random.default_rng
# loss -> output activations it is tried on, options
CASES = {
    **{name: (("linear", "sigmoid"), ({},)) for name in losses.LOSSES if name != "python"},
    "huber": (("linear",), ({}, {"delta": 0.3})),
    "poisson": (("softplus",), ({},)),
    "msle": (("linear", "softplus"), ({},)),
    "kl_divergence": (("softmax", "sigmoid"), ({},)),
    "binary_crossentropy": (
        ("sigmoid", "softmax"),
        ({}, {"label_smoothing": 0.2}, {"from_logits": True}),
    ),
    "categorical_crossentropy": (
        ("softmax", "sigmoid", "softplus"),
        ({}, {"label_smoothing": 0.2}, {"from_logits": True, "label_smoothing": 0.1}),
    ),
    "sparse_crossentropy": (
        ("softmax", "sigmoid"),
        ({}, {"ignore_class": 0}, {"from_logits": True, "ignore_class": -1}),
    ),
    "binary_focal_crossentropy": (
        ("sigmoid",),
        (
            {"alpha": None},
            {"gamma": 1.5, "label_smoothing": 0.2},
            {"from_logits": True, "gamma": 0, "alpha": 0.7},
        ),
    ),
    "categorical_focal_crossentropy": (
        ("softmax", "softplus"),
        ({}, {"gamma": 1.5, "alpha": 1}, {"from_logits": True, "label_smoothing": 0.2}),
    ),
}
REDUCTIONS = ({}, {"reduction": "sum"}, {"reduction": "none"})


def targets(rng, loss, rows, outputs):
    if loss == "sparse_crossentropy":
        return rng.integers(-1, outputs, (rows, 1)).clip(0 if rng.random() < 0.5 else -1)
    if loss == "kl_divergence" or loss.startswith("categorical") and "hinge" not in loss:
        return rng.dirichlet(np.ones(outputs), rows)
    if "hinge" in loss:
        return rng.choice([0.0 if loss == "categorical_hinge" else -1.0, 1.0], (rows, outputs))
    return rng.uniform(0.05, 1, (rows, outputs))


@st.composite
def cases(draw):
    loss = draw(st.sampled_from(sorted(CASES)))
    activations, options = CASES[loss]
    units = (draw(st.integers(1, 5)), draw(st.sampled_from([1, 2, 7, 17, 60, 140])))
    chosen = draw(st.sampled_from(options)) | draw(st.sampled_from(REDUCTIONS))
    return loss, draw(st.sampled_from(activations)), chosen, units


def model_of(loss, activation, options, units, **more):
    spec = ModelSpec.dense(units, role="model", output=activation, dtype="float64", **more)
    spec = ModelSpec.from_dict({**spec.to_dict(), "loss": terms_of(spec, loss, options)})
    return Model(spec, device=f"cpu:{more.pop('level', levels.available()[-1])}")


def terms_of(spec, loss, options):
    return [{"output": spec.outputs[0], "loss": loss, "options": options, "weight": 0.7}]


@settings(max_examples=150, deadline=None)
@given(
    case=cases(),
    rows=st.sampled_from([1, 5, 64, 330]),
    weighted=st.booleans(),
    seed=st.integers(0, 999),
)
def test_value_metric_and_gradient_equal_reference(case, rows, weighted, seed):
    loss, _, _, units = case
    rng, model = RNG(seed), model_of(*case)
    x, y = rng.normal(0, 1, (rows, units[0])), targets(rng, loss, rows, units[-1])
    arrays = [x, y, *([rng.uniform(0.2, 2, (rows, 1))] if weighted else [])]
    trainer = model.trainer("sgd", weighted=weighted)
    data = trainer.stage(*arrays)
    value, gradient = trainer.gradient(data)
    program = compile_program(model.spec, "train", weighted=weighted)
    want = reference.run(program, model.weights.vector, arrays)
    scale = 1 + np.abs(want.gradient).max(initial=0)
    assert np.isclose(value, want.loss, rtol=1e-9, atol=1e-12)
    assert np.allclose(gradient, want.gradient, rtol=0, atol=1e-9 * scale)
    program = compile_program(model.spec, "evaluate", weighted=weighted)
    judged = reference.run(program, model.weights.vector, arrays)
    assert np.allclose(trainer.evaluate(data), (judged.loss, judged.metric), rtol=1e-9)


@settings(max_examples=150, deadline=None)
@given(case=cases(), rows=st.sampled_from([1, 6, 30]), seed=st.integers(0, 999))
def test_gradient_is_the_slope_of_the_loss(case, rows, seed):
    loss, _, _, units = case
    rng, model = RNG(seed), model_of(*case)
    trainer = model.trainer("sgd")
    data = trainer.stage(rng.normal(0, 1, (rows, units[0])), targets(rng, loss, rows, units[-1]))
    _, gradient = trainer.gradient(data)
    start = trainer.vector.copy()

    def value(place, shift):
        trainer.vector[:] = start
        trainer.vector[place] += shift
        trainer._core.pack()
        return trainer.gradient(data)[0]

    for place in rng.choice(len(gradient), min(6, len(gradient)), replace=False):
        slopes = [(value(place, s) - value(place, -s)) / (2 * s) for s in (1e-6, 3e-6)]
        if case[2].get("reduction") == "none":  # a mean is reported, the sum is trained
            slopes = [slope * rows for slope in slopes]
        scale = max(1, abs(slopes[0]))
        kinked = abs(slopes[0] - slopes[1]) > 1e-5 * scale
        assert kinked or abs(gradient[place] - slopes[0]) < 1e-5 * scale


# --- several outputs ------------------------------------------------------------------------


def two_outputs(width=5, terms=None, **options):
    nodes = [
        Node("h", "dense", ("input",), {"units": width, "activation": "tanh"}),
        Node("a", "dense", ("h",), {"units": 3, "activation": "softmax"}),
        Node("b", "dense", ("h",), {"units": 2}),
        Node("c", "dense", ("a",), {"units": 1, "activation": "sigmoid"}),
    ]
    terms = terms or (
        LossTerm("a", "categorical_crossentropy", {"label_smoothing": 0.1}),
        LossTerm("b", "huber", {"delta": 0.5}, 0.3),
        LossTerm("c", "binary_crossentropy", {}, 2.0),
    )
    options = {"dtype": "float64", "seed": 3, **options}
    return ModelSpec(nodes, (("input", (4,)),), ("a", "b", "c"), loss=terms, **options)


def three_targets(rng, rows):
    return [
        np.eye(3)[rng.integers(0, 3, rows)],
        rng.normal(size=(rows, 2)),
        rng.integers(0, 2, (rows, 1)).astype(float),
    ]


@pytest.mark.parametrize("width", [5, 70])  # lanes and rows
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("threads", [1, 2])
def test_several_losses_meet_at_shared_layers(width, weighted, threads):
    """``a`` is an output and read by ``c``: its softmax stays, and probabilities are judged."""
    rng, rows = RNG(0), 700
    model = Model(two_outputs(width), threads=threads)
    x, ys = rng.normal(size=(rows, 4)), three_targets(rng, rows)
    weights = [rng.uniform(0.2, 2, rows) for _ in ys] if weighted else None
    session = Session(model, Update.of("sgd", {"learning_rate": 0.0}))
    feed = session.feed(x, ys, weights)
    report = session.train(feed, np.arange(rows), rows)
    program = compile_program(model.spec, "train", weighted=weighted)
    want = reference.run(program, model.weights.vector, feed.arrays)
    assert np.isclose(report.loss, want.loss, rtol=1e-12)
    assert np.allclose([t.loss for t in report.terms], want.losses, rtol=1e-12)
    assert np.allclose(session.gradient(feed)[1], want.gradient, atol=1e-13)
    judged = session.evaluate(feed)
    program = compile_program(model.spec, "evaluate", weighted=weighted)
    want = reference.run(program, model.weights.vector, feed.arrays)
    assert np.allclose([t.metric for t in judged.terms], want.metrics, atol=1e-12)
    assert judged.terms[0].count == rows and len(set(want.metrics)) == 3


def test_an_output_without_a_loss_is_only_read():
    model = Model(two_outputs(terms=(LossTerm("b", "mse"),)))
    x, ys = RNG(1).normal(size=(20, 4)), three_targets(RNG(1), 20)
    session = Session(model, Update.of("sgd"), watch=("outputs",))
    feed = session.feed(x, ys[1])
    judged = session.evaluate(feed)
    a, b, c = model.predict(x)
    assert np.isclose(judged.loss, np.mean((b - ys[1]) ** 2))
    assert list(session.outputs()) == ["a", "c", "b"]
    session.train(feed, np.arange(20), 20)
    for name, want in zip("abc", (a, b, c), strict=True):
        assert np.allclose(session.outputs()[name], want)
    assert np.allclose(session.gradient(feed)[1][-4:], 0)  # nothing leads back to c


# --- masks ----------------------------------------------------------------------------------


def masked(kind="gru", **term):
    nodes = [
        Node("e", "embedding", ("input",), {"input_dim": 9, "output_dim": 4, "mask_zero": True}),
        Node("r", kind, ("e",), {"units": 5, "return_sequences": True}),
        Node("d", "dense", ("r",), {"units": 3, "activation": "softmax"}),
        Node("last", kind, ("r",), {"units": 2}),
    ]
    loss = (LossTerm("d", "sparse_crossentropy", **term), LossTerm("last", "mse", {}, 0.5))
    return ModelSpec(
        nodes, (("input", (6,)),), ("d", "last"), loss=loss, dtype="float64", seed=4
    )


def masked_rows(rows=50):
    rng = RNG(1)
    x = rng.integers(1, 9, (rows, 6))
    x[:, 3:] *= rng.integers(0, 2, (rows, 3))
    return x, [rng.integers(0, 3, (rows, 6, 1)), rng.normal(size=(rows, 2))]


@pytest.mark.parametrize("kind", ["simple_rnn", "lstm", "gru"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("term", [{}, {"options": {"ignore_class": 2}}])
def test_a_masked_loss_is_the_mean_over_what_counts(kind, threads, weighted, term):
    """Of each loss by itself, whatever sub-batches and threads the rows are cut into."""
    model = Model(masked(kind, **term), threads=threads)
    x, (classes, values) = masked_rows(300)
    weights = [RNG(2).uniform(0.5, 2, (300, 6)), RNG(3).uniform(0.5, 2, 300)]
    session = Session(model, Update.of("sgd"), watch=("outputs",))
    feed = session.feed(x, [classes, values], weights if weighted else None)
    judged = session.evaluate(feed)
    p, last = model.predict(x)
    each = -np.log(np.take_along_axis(p, classes, -1)[..., 0])
    counts = (x != 0) & (classes[..., 0] != (2 if term else -1))
    w, v = weights if weighted else (1.0, np.ones(300))
    assert judged.terms[0].count == counts.sum() and judged.terms[1].count == 300
    assert np.isclose(judged.terms[0].loss, (each * counts * w).sum() / counts.sum(), rtol=1e-10)
    assert np.isclose(judged.terms[1].loss, (((last - values) ** 2).mean(1) * v).mean())
    wrong = p.argmax(-1) != classes[..., 0]
    assert np.isclose(judged.terms[0].metric, (wrong * counts).sum() / counts.sum())
    assert np.array_equal(session.outputs()["d/mask"][..., 0], x != 0)
    program = compile_program(model.spec, "train", weighted=weighted)
    want = reference.run(program, model.weights.vector, feed.arrays)
    assert np.allclose(session.gradient(feed)[1], want.gradient, atol=1e-13)


def test_a_batch_with_nothing_that_counts_has_loss_and_gradient_0():
    model = Model(masked())
    session = Session(model, Update.of("sgd"))
    feed = session.feed(np.zeros((5, 6)), [np.zeros((5, 6, 1)), np.zeros((5, 2))])
    judged = session.evaluate(feed)
    assert judged.terms[0] == (0.0, 0.0, 0.0) and np.isfinite(judged.loss)
    assert np.isfinite(session.gradient(feed)[1]).all()


def test_only_the_steps_a_mask_needs_are_run_before():
    program = compile_program(masked(), "train")
    assert [step.op for step in program.counting] == ["compute_mask", "count_places"]
    assert compile_program(two_outputs(), "train").counting == ()


# --- frozen parameters ----------------------------------------------------------------------


def frozen(spec, *names):
    nodes = [{**node.to_dict(), "trainable": node.name not in names} for node in spec.nodes]
    return ModelSpec.from_dict({**spec.to_dict(), "nodes": nodes})


@pytest.mark.parametrize("names", ["e", "r", "er", "d", "dr", "erd"])
@pytest.mark.parametrize("kind", ["simple_rnn", "lstm", "gru"])
def test_frozen_parameters_have_no_gradient_and_let_it_through(kind, names):
    free = Model(masked(kind))
    held = Model(frozen(free.spec, *names))
    held.swap(held.layout.moved(free.weights.vector, free.layout))
    x, ys = masked_rows(300)
    gradients = []
    for model in (free, held):
        session = Session(model, Update.of("sgd"))
        gradients.append(session.gradient(session.feed(x, ys))[1])
    assert len(gradients[1]) == held.layout.trainable < free.layout.trainable
    for name, place in held.layout.places.items():
        if place.offset < held.layout.trainable:
            want, have = free.layout.view(gradients[0], name), held.layout.view(gradients[1], name)
            assert np.allclose(want, have, atol=1e-14) and np.abs(have).max() > 0
    ops = [step.op for step in compile_program(held.spec, "train").steps]
    assert ("embedding_backward" in ops) == ("e" not in names)


def test_a_step_leaves_frozen_parameters_and_nothing_before_them_is_run_back():
    spec = frozen(two_outputs(), "h", "a")
    model = Model(spec)
    session = Session(model, Update.of("adam"))
    x, ys = RNG(0).normal(size=(30, 4)), three_targets(RNG(0), 30)
    session.train(session.feed(x, ys), np.arange(30), 30)
    after = session.weights().vector
    for name in model.layout.places:
        same = np.array_equal(model.view(name), model.layout.view(after, name))
        assert same == (name.split("/")[0] in "ha")
    backward = [s for s in compile_program(spec, "train").steps if s.op == "dense_backward"]
    assert len(backward) == 2 and all(step.operands[3] is None for step in backward)


def test_an_op_that_must_write_a_frozen_gradient_loses_it(monkeypatch):
    """Ops whose gradients are not optional get work memory for those of frozen parameters."""
    from respnet.engine.ops import OPS, Op, Operand

    row = OPS["dense_backward"]
    strict = tuple(
        Operand(o.name, o.shape, o.written, o.optional and o.name == "dx", o.added)
        for o in row.operands
    )
    monkeypatch.setitem(OPS, "dense_backward", Op(row.name, strict, row.attributes, row.summary))
    test_a_frozen_layer_between_trained_ones()


def test_a_frozen_layer_between_trained_ones():
    free = Model(two_outputs(70))
    held = Model(frozen(free.spec, "a"))
    held.swap(held.layout.moved(free.weights.vector, free.layout))
    x, ys = RNG(0).normal(size=(700, 4)), three_targets(RNG(0), 700)
    pair = [Session(model, Update.of("sgd")) for model in (free, held)]
    one, other = (session.gradient(session.feed(x, ys))[1] for session in pair)
    for name in ("h/kernel", "b/bias", "c/kernel"):
        assert np.allclose(free.layout.view(one, name), held.layout.view(other, name), atol=1e-14)


# --- specs ----------------------------------------------------------------------------------


def test_specs_with_terms_go_to_json_and_back():
    spec = two_outputs()
    again = ModelSpec.from_dict(json.loads(json.dumps(spec.to_dict())))
    assert again == spec and again.terms[1] == LossTerm("b", "huber", {"delta": 0.5}, 0.3)
    assert spec.to_dict()["loss"][1] == {
        "output": "b",
        "loss": "huber",
        "options": {"delta": 0.5},
        "weight": 0.3,
    }
    plain = two_outputs(terms=(LossTerm("a", "mse"),))
    assert plain.loss == "mse" and plain.terms == (LossTerm("a", "mse"),)


@pytest.mark.parametrize(
    "terms,message",
    [
        ((LossTerm("h", "mse"),), "loss 'mse' is of 'h'; outputs are a, b, c"),
        ((LossTerm("a", "mse"), LossTerm("a", "mae")), "output 'a' has two losses"),
        ((LossTerm("b", "mse", {"delta": 1}),), "mse has no option 'delta'; it takes reduction"),
        ((LossTerm("b", "huber", {"delta": 0}),), "delta must be a number above 0, got 0"),
        ((LossTerm("b", "hubber"),), "did you mean huber"),
        (
            (LossTerm("a", "sparse_crossentropy", {"ignore_class": 1.5}),),
            "ignore_class must be a whole number or null, got 1.5",
        ),
    ],
)
def test_bad_terms_are_refused(terms, message):
    with pytest.raises(SpecError, match=message):
        compile_program(two_outputs(terms=terms), "train")
    with pytest.raises(SpecError, match="at least one loss"):
        ModelSpec([Node("a", "dense", ("i",), {"units": 1})], (("i", (3,)),), ("a",), loss=())


def test_targets_that_do_not_fit_are_refused():
    session = Session(Model(two_outputs()), Update.of("sgd"))
    x, ys = RNG(0).normal(size=(30, 4)), three_targets(RNG(0), 30)
    with pytest.raises(ShapeError, match="the model has 3 losses, got 2 targets"):
        session.feed(x, ys[:2])
    with pytest.raises(ShapeError, match=r"targets of loss huber must have rows of shape \(2,\)"):
        session.feed(x, [ys[0], ys[0], ys[2]])
