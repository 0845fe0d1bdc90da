"""Embedding, masks, states and shapes around the recurrent layers."""

import numpy as np
import pytest

from respnet.engine import Model, ModelSpec, Node, reference
from respnet.engine.errors import ShapeError, SpecError
from respnet.engine.initializers import draw
from respnet.engine.program import compile_program

RNG = np.random.default_rng


def chain(shape, *layers, **options):
    return ModelSpec.chain(shape, layers, **{"dtype": "float64", "seed": 4, **options})


def classifier(words=9, mask=True, sequences=False, times=None):
    return chain(
        (times,),
        ("embedding", {"input_dim": words, "output_dim": 4, "mask_zero": mask}),
        ("gru", {"units": 5, "return_sequences": sequences}),
        ("dense", {"units": 3, "activation": "softmax"}),
        loss="sparse_crossentropy",
    )


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_embedding_and_its_mask_equal_reference(sequences, mask, weighted):
    spec, rng = classifier(mask=mask, sequences=sequences), RNG(1)
    model = Model(spec)
    x = rng.integers(0, 9, (40, 6))
    x[:, 4:] *= rng.integers(0, 2, (40, 2))
    y = rng.integers(0, 3, (40, 6, 1) if sequences else (40, 1))
    w = [rng.uniform(0.5, 2, y.shape)] if weighted else []
    trainer = model.trainer("sgd", shapes=[(6,)], weighted=weighted)
    loss, gradient = trainer.gradient(trainer.stage(x, y, *w))
    program = compile_program(spec, "train", weighted=weighted, shapes=[(6,)])
    want = reference.run(program, model.weights.vector, [x, y, *w])
    assert np.isclose(loss, want.loss) and np.allclose(gradient, want.gradient, atol=1e-13)
    assert np.abs(gradient).max() > 1e-4


def test_masked_steps_are_as_if_they_were_not_there():
    model = Model(classifier())
    x = RNG(2).integers(1, 9, (5, 4))
    padded = np.zeros((5, 7), int)
    padded[:, 3:] = x
    assert np.allclose(model.predict(padded), model.predict(x), atol=1e-14)
    padded[:] = 0
    padded[:, [0, 2, 3, 6]] = x
    assert np.allclose(model.predict(padded), model.predict(x), atol=1e-14)


@pytest.mark.parametrize("wrong", [9, -1, np.nan])
def test_numbers_outside_the_table_are_an_error(wrong):
    model = Model(classifier())
    x = np.ones((3, 4))
    before = model.predict(x)
    x[1, 2] = wrong
    with pytest.raises(ShapeError, match=f"whole numbers from 0 to 8, got {wrong}"):
        model.predict(x)
    trainer = model.trainer("sgd", shapes=[(4,)])
    trainer.bind(x, np.zeros((3, 1)))
    start = trainer.vector.copy()
    with pytest.raises(ShapeError, match="from 0 to 8"):
        trainer.epoch()
    assert np.array_equal(trainer.vector, start)
    x[1, 2] = 1
    assert np.array_equal(model.predict(x), before)


@pytest.mark.parametrize("kind", ["simple_rnn", "lstm", "gru"])
def test_a_sequence_in_two_parts_gives_the_same(kind):
    count = 2 if kind == "lstm" else 1
    states = [(f"s{i}", (6,)) for i in range(count)]
    config = {"units": 6, "return_sequences": True, "return_state": True}
    names = [name for name, _ in states]
    node = Node("r", kind, ("x", *names), config)
    outputs = ("r", "r:1", "r:2")[: count + 1]
    model = Model(ModelSpec([node], [("x", (None, 3)), *states], outputs, dtype="float64", seed=1))
    rng = RNG(3)
    x, start = rng.normal(size=(4, 7, 3)), [rng.normal(size=(4, 6)) for _ in states]
    whole, *last = model.predict([x, *start])
    first, *middle = model.predict([x[:, :3], *start])
    second, *end = model.predict([x[:, 3:], *middle])
    assert np.allclose(whole, np.concatenate([first, second], axis=1), atol=1e-14)
    assert np.allclose(last, end, atol=1e-14) and np.allclose(whole[:, -1], last[0])
    steps = start
    for t in range(7):
        y, *steps = model.predict([x[:1, t : t + 1], *[s[:1] for s in steps]])
        assert np.allclose(y[0, 0], whole[0, t], atol=1e-14)


def test_go_backwards_reads_from_the_end():
    x = RNG(5).normal(size=(3, 6, 2))
    layer = {"units": 4, "return_sequences": True}
    forward = Model(chain((None, 2), ("lstm", layer)))
    backward = Model(chain((None, 2), ("lstm", {**layer, "go_backwards": True})))
    assert np.allclose(backward.predict(x), forward.predict(x[:, ::-1]), atol=1e-14)


def test_repeat_flatten_reshape_move_numbers():
    x = np.arange(12.0).reshape(2, 6)
    repeated = Model(chain((6,), ("repeat_vector", {"n": 3}), ("dense", {"units": 1}))).predict(x)
    assert repeated.shape == (2, 3, 1) and np.array_equal(repeated[:, 0], repeated[:, 2])
    moved = Model(
        chain((6,), ("reshape", {"target_shape": [-1, 2]}), ("flatten", {}), ("activation", {}))
    )
    assert np.array_equal(moved.predict(x), x)
    spec = chain((6,), ("repeat_vector", {"n": 3}), ("flatten", {}), ("dense", {"units": 2}))
    spec = ModelSpec(
        [
            Node("a", "dense", ("input",), {"units": 6}),
            Node("r", "repeat_vector", ("a",), {"n": 3}),
            Node("f", "flatten", ("r",)),
            Node("d", "dense", ("f",), {"units": 2}),
        ],
        spec.inputs,
        ("d",),
        dtype="float64",
    )
    model, y = Model(spec), RNG(0).normal(size=(2, 2))
    trainer = model.trainer("sgd")
    gradient = trainer.gradient(trainer.stage(x, y))[1]
    want = reference.run(compile_program(spec, "train"), model.weights.vector, [x, y])
    assert np.allclose(gradient, want.gradient) and np.abs(gradient).max() > 0.1


def test_dropout_of_recurrent_layers_is_off_when_predicting():
    plain = {"units": 4, "return_sequences": True}
    x = RNG(6).normal(size=(3, 5, 2))
    without = Model(chain((None, 2), ("gru", plain)))
    with_it = Model(chain((None, 2), ("gru", {**plain, "dropout": 0.5, "recurrent_dropout": 0.5})))
    assert np.array_equal(without.predict(x), with_it.predict(x))
    losses = []
    for model in (without, with_it):
        trainer = model.trainer("sgd", shapes=[(5, 2)], seed=5)
        losses.append(trainer.gradient(trainer.stage(x, np.ones((3, 5, 4))))[0])
    assert abs(losses[0] - losses[1]) > 1e-3


def test_parameters_have_the_shapes_and_order_of_keras():
    def shapes(*layers):
        return [place.shape for place in Model(chain((None, 3), *layers)).layout.places.values()]

    assert shapes(("simple_rnn", {"units": 4})) == [(3, 4), (4, 4), (4,)]
    assert shapes(("lstm", {"units": 4, "peephole": True})) == [(3, 16), (4, 16), (16,), (3, 4)]
    assert shapes(("gru", {"units": 4})) == [(3, 12), (4, 12), (2, 12)]
    assert shapes(("gru", {"units": 4, "reset_after": False})) == [(3, 12), (4, 12), (12,)]
    model = Model(chain((None, 3), ("lstm", {"units": 4})))
    assert model.view("lstm_0/bias").tolist() == [0] * 4 + [1] * 4 + [0] * 8


@pytest.mark.parametrize("shape", [(5, 20), (20, 5), (6, 6)])
def test_orthogonal_kernels_have_orthonormal_rows_or_columns(shape):
    w = draw("orthogonal", shape, RNG(1))
    product = w @ w.T if shape[0] <= shape[1] else w.T @ w
    assert w.shape == shape and np.allclose(product, np.eye(min(shape)), atol=1e-12)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (("lstm", {"units": 0}), "units must be a positive integer, got 0"),
        (("gru", {"units": 3, "activation": "softmax"}), "activation must be one of linear"),
        (("lstm", {"units": 3, "recurrent_activation": "gelu"}), "got 'gelu'"),
        (("lstm", {"units": 3, "dropout": 1}), r"dropout must be in \[0, 1\), got 1"),
        (("gru", {"units": 3, "reset_after": 1}), "reset_after must be true or false"),
        (("lstm", {"units": 3, "peepholes": True}), "no argument 'peepholes'"),
        (("embedding", {"input_dim": 3}), "output_dim must be a positive integer"),
        (("repeat_vector", {"n": 2}), r"wants rows of shape \(N,\)"),
        (("reshape", {"target_shape": [4, 4]}), "cannot turn"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(layer, message):
    with pytest.raises(SpecError, match=message):
        Model(chain((5, 3), layer))


def test_sequences_and_states_of_other_shapes_are_refused():
    with pytest.raises(SpecError, match=r"lstm wants sequences of shape \(T, I\), got \(3,\)"):
        Model(chain((3,), ("lstm", {"units": 2})))
    node = Node("r", "lstm", ("x", "h"), {"units": 2})
    with pytest.raises(SpecError, match=r"wants 2 initial states of shape \(2,\), got"):
        Model(ModelSpec([node], [("x", (None, 3)), ("h", (2,))], ("r",)))
