"""TimeDistributed, masks from inputs and turned sequences, against plain models and differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respnet.engine import Model, ModelSpec, Node, reference
from respnet.engine.errors import SpecError
from respnet.engine.program import compile_program

RNG = np.random.default_rng
STEP = 1e-6
INNER = [
    ("dense", {"units": 3, "activation": "tanh"}, (4,)),
    ("dense", {"units": 60, "activation": "softmax"}, (50,)),
    ("simple_rnn", {"units": 5}, (3, 2)),
    ("lstm", {"units": 20, "peephole": True}, (3, 2)),
    ("gru", {"units": 4, "return_sequences": True}, (3, 2)),
    ("gru", {"units": 4, "reset_after": False}, (3, 2)),
    ("flatten", {}, (2, 3)),
    ("dropout", {"rate": 0.4}, (6,)),
]


def wrapped(kind, config):
    return "time_distributed", {"layer": {"kind": kind, "config": config}}


def chain(shape, *layers, **options):
    return ModelSpec.chain(shape, layers, **{"dtype": "float64", "seed": 4, **options})


def slope_is_gradient(spec, shapes, x, y, rng, places=10):
    """The gradient against central differences; the model has random weights."""
    model = Model(spec)
    model.swap(rng.normal(0, 0.5, model.layout.size))
    trainer = model.trainer("sgd", shapes=shapes)
    data = trainer.stage(x, y)
    _, gradient = trainer.gradient(data)
    start = trainer.vector.copy()
    for place in rng.choice(len(gradient), min(places, len(gradient)), replace=False):
        losses = []
        for sign in (1, -1):
            trainer.vector[:] = start
            trainer.vector[place] += sign * STEP
            trainer._core.pack()
            losses.append(trainer.gradient(data)[0])
        assert abs(gradient[place] - (losses[0] - losses[1]) / (2 * STEP)) < 1e-7
    assert np.abs(gradient).max() > 1e-5


@pytest.mark.parametrize(("kind", "config", "shape"), INNER)
def test_each_step_is_a_row_of_the_layer(kind, config, shape):
    alone = Model(chain(shape, (kind, config)))
    model = Model(chain((None, *shape), wrapped(kind, config)), vector=alone.weights.vector)
    assert len(model.layout.places) == len(alone.layout.places)
    for rows in (1, 5, 40):
        x = RNG(1).normal(size=(rows, 7, *shape))
        want = alone.predict(x.reshape(-1, *shape))
        assert np.allclose(model.predict(x).reshape(want.shape), want, atol=1e-13)


@settings(max_examples=30, deadline=None)
@given(
    inner=st.sampled_from(INNER),
    rows=st.sampled_from([1, 3, 40]),
    times=st.integers(1, 4),
    twice=st.booleans(),
    seed=st.integers(0, 9999),
)
def test_gradients_pass_through_the_steps(inner, rows, times, twice, seed):
    kind, config, shape = inner
    rng = RNG(seed)
    layers = [("dense", {"units": shape[-1]}), wrapped(kind, config)]
    lead = (times,)
    if twice:
        layers[1], lead = wrapped(*layers[1]), (2, times)
    spec = chain((None,) * len(lead) + shape, *layers)
    x = rng.normal(size=(rows, *lead, *shape))
    shapes = [x.shape[1:]]
    y = rng.normal(size=(rows, *Model(spec).output_shapes(tuple(shapes))[0]))
    slope_is_gradient(spec, shapes, x, y, rng)
    model = Model(spec)
    trainer = model.trainer("sgd", shapes=shapes, seed=5)
    got = trainer.gradient(trainer.stage(x, y))
    program = compile_program(spec, "train", shapes=shapes)
    want = reference.run(program, model.weights.vector, [x, y], seed=5)
    assert np.isclose(got[0], want.loss) and np.allclose(got[1], want.gradient, atol=1e-12)


def test_masks_made_within_the_steps_stay_there():
    words = {"input_dim": 9, "output_dim": 3, "mask_zero": True}
    inner = [("embedding", words), ("gru", {"units": 4})]
    alone = Model(chain((None,), *inner))
    model = Model(
        chain((None, None), *(wrapped(*layer) for layer in inner)), vector=alone.weights.vector
    )
    x = RNG(2).integers(0, 3, (6, 5, 4))
    want = alone.predict(x.reshape(30, 4)).reshape(6, 5, 4)
    assert np.allclose(model.predict(x), want, atol=1e-14)


def masked_net():
    """x, mask -> gru there and back, whose outputs are joined step by step"""
    options = {"units": 3, "return_sequences": True}
    nodes = [
        Node("m", "apply_mask", ("x", "mask")),
        Node("there", "gru", ("m",), options),
        Node("back", "gru", ("m",), {**options, "go_backwards": True}),
        Node("turned", "reverse_time", ("back",)),
        Node("both", "add", ("there", "turned")),
        Node("y", "lstm", ("both",), {"units": 2}),
    ]
    inputs = [("x", (None, 2)), ("mask", (None,))]
    return ModelSpec(nodes, inputs, ("y",), dtype="float64", seed=3)


def test_a_mask_may_be_an_input():
    model, x = Model(masked_net()), RNG(3).normal(size=(6, 5, 2))
    short = model.predict([x[:, :3], np.ones((6, 3))])
    mask = np.ones((6, 5))
    mask[:, 3:] = 0
    assert np.allclose(model.predict([x, mask]), short, atol=1e-14)
    assert not np.allclose(model.predict([x, np.ones((6, 5))]), short, atol=1e-3)


def test_gradient_with_a_mask_as_input():
    rng = RNG(4)
    x = [rng.normal(size=(5, 4, 2)), (rng.random((5, 4)) < 0.6) * 1.0]
    slope_is_gradient(masked_net(), [(4, 2), (4,)], x, rng.normal(size=(5, 2)), rng, 20)


def test_masks_are_combined():
    words = {"input_dim": 5, "output_dim": 2, "mask_zero": True}
    nodes = [
        Node("m", "apply_mask", ("x", "mask")),
        Node("e", "embedding", ("m",), words),
        Node("y", "gru", ("e",), {"units": 2}),
    ]
    inputs = [("x", (None,)), ("mask", (None,))]
    model = Model(ModelSpec(nodes, inputs, ("y",), dtype="float64"))
    first = model.predict([np.array([[3, 0, 4, 2]]), np.array([[1, 1, 0, 1]])])
    assert np.allclose(first, model.predict([np.array([[3, 2]]), np.ones((1, 2))]), atol=1e-14)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (("time_distributed", {"layer": "dense"}), (3, 2), "must be its kind and config"),
        (wrapped("dens", {}), (3, 2), "layer kind must be one of"),
        (wrapped("dense", {"units": 2}), (3,), r"dense wants rows of shape \(..., I\), got \(\)"),
        (wrapped("gru", {"units": 2}), (3, 2), r"gru wants sequences of shape \(T, I\)"),
        (wrapped("dense", {"units": 2}), (), r"wants sequences of one length"),
        (("reverse_time", {}), (), r"wants sequences of shape \(T, ...\), got \(\)"),
    ],
)
def test_what_makes_no_sense_is_refused(layer, shape, message):
    with pytest.raises(SpecError, match=message):
        Model(chain(shape, layer))


def test_a_mask_of_another_length_is_refused():
    node = Node("m", "apply_mask", ("x", "mask"))
    with pytest.raises(SpecError, match=r"got \(3, 2\) and \(4,\)"):
        Model(ModelSpec([node], [("x", (3, 2)), ("mask", (4,))], ("m",)))


def test_many_rows_of_many_steps():
    """More rows than a sub-batch, whose steps together are thousands."""
    kind, config = "gru", {"units": 40, "return_sequences": True}
    alone = Model(chain((4, 30), (kind, config)))
    model = Model(chain((20, 4, 30), wrapped(kind, config)), vector=alone.weights.vector)
    x, y = RNG(5).normal(size=(60, 20, 4, 30)), RNG(6).normal(size=(60, 20, 4, 40))
    gradients = []
    for net, shape in ((model, (60,)), (alone, (1200,))):
        trainer = net.trainer("sgd")
        data = trainer.stage(*(a.reshape(*shape, *a.shape[-3 + (net is alone) :]) for a in (x, y)))
        gradients.append(trainer.gradient(data)[1])
    assert np.allclose(*gradients, atol=1e-14) and np.abs(gradients[0]).max() > 1e-5
