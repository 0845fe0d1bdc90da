"""Batch normalisation: whole batches, moving statistics, masks; against torch, in files."""

import numpy as np
import pytest
from layer_cases import random_weights, slopes

from respnet.engine import Model, ModelSpec, Node, reference
from respnet.engine.errors import ShapeError
from respnet.engine.program import compile_program
from respnet.engine.session import Session
from respnet.engine.trainer import Update
from respnet.layers import BatchNormalization, Dense, Input, LayerNormalization, ReLU
from respnet.models import Sequential, load_model
from respnet.optimizers import SGD

RATE, MOMENTUM, EPSILON = 0.05, 0.9, 1e-3


def network(dtype="float64"):
    model = Sequential(
        [
            Input((6,)),
            Dense(9),
            BatchNormalization(momentum=MOMENTUM),
            ReLU(),
            Dense(2),
        ],
        dtype=dtype,
    )
    rng = np.random.default_rng(3)
    weights = [rng.normal(0.2, 0.5, w.shape) for w in model.get_weights()]
    weights[5] = np.abs(weights[5]) + 0.5
    model.set_weights(weights)
    model.compile(SGD(RATE), "mse")
    return model


def rows(count=80):
    rng = np.random.default_rng(4)
    return rng.normal(1, 2, (count, 6)), rng.normal(size=(count, 2))


def torch_step(torch, weights, x, y):
    """One step of SGD in torch on the weights of ``network``: (loss, the weights after it)."""
    names = ("kernel", "bias", "gamma", "beta", "mean", "variance", "last", "last_bias")
    w = {n: torch.tensor(a, requires_grad=True) for n, a in zip(names, weights, strict=True)}
    z = torch.tensor(x) @ w["kernel"] + w["bias"]
    mean, variance = z.mean(0), z.var(0, unbiased=False)
    normal = torch.nn.functional.batch_norm(
        z, None, None, w["gamma"], w["beta"], training=True, eps=EPSILON
    )
    loss = ((torch.relu(normal) @ w["last"] + w["last_bias"] - torch.tensor(y)) ** 2).mean()
    loss.backward()
    after = {n: v.detach() - RATE * v.grad if v.grad is not None else v for n, v in w.items()}
    after["mean"] = MOMENTUM * w["mean"] + (1 - MOMENTUM) * mean
    after["variance"] = MOMENTUM * w["variance"] + (1 - MOMENTUM) * variance
    return loss.item(), [after[n].detach().numpy() for n in names]


def test_steps_are_those_of_torch():
    torch = pytest.importorskip("torch")
    model, (x, y) = network(), rows()
    weights = model.get_weights()
    for first in range(0, 80, 32):  # the last batch is smaller
        part = slice(first, first + 32)
        loss, weights = torch_step(torch, weights, x[part], y[part])
        got = model.train_on_batch(x[part], y[part])
        assert np.isclose(np.ravel(got)[0], loss, atol=1e-12)
        for mine, theirs in zip(model.get_weights(), weights, strict=True):
            assert np.allclose(mine, theirs, rtol=0, atol=1e-12)
    kernel, bias, gamma, beta, mean, variance, last, last_bias = weights
    z = (x @ kernel + bias - mean) / np.sqrt(variance + EPSILON) * gamma + beta
    assert np.allclose(model.predict(x), np.maximum(z, 0) @ last + last_bias, atol=1e-12)
    judged = model.evaluate(x, y, verbose=0)
    assert np.isclose(np.ravel(judged)[0], ((model.predict(x) - y) ** 2).mean())


def test_fit_is_the_same_steps_with_any_number_of_threads():
    x, y = rows(700)
    results = []
    for threads in (1, 2):
        model = network()
        model.threads = threads
        model.compile(SGD(RATE), "mse")
        model.fit(x, y, batch_size=300, epochs=3, shuffle=False, verbose=0)
        results.append(model.get_weights())
    single = network()
    for _ in range(3):
        for first in (0, 300, 600):
            single.train_on_batch(x[first : first + 300], y[first : first + 300])
    for a, b, c in zip(*results, single.get_weights(), strict=True):
        assert np.array_equal(a, b) and np.array_equal(a, c)


def test_weights_are_in_the_order_of_keras_and_the_moving_ones_are_not_trained():
    model, lines = network(), []
    names = ["gamma", "beta", "moving_mean", "moving_variance"]
    layer = model.layers[1]
    assert [name.rpartition("/")[2] for name in layer.weights] == names
    assert [w.shape for w in layer.get_weights()] == [(9,)] * 4
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert "Trainable params: 101" in text and "Non-trainable params: 18" in text
    fresh = Sequential([Input((3,)), BatchNormalization()]).get_weights()
    assert [w.tolist() for w in fresh] == [[1] * 3, [0] * 3, [0] * 3, [1] * 3]


def test_a_file_keeps_the_moving_statistics_and_training_goes_on(tmp_path):
    model, (x, y) = network("float32"), rows()
    model.fit(x, y, batch_size=32, epochs=2, verbose=0)
    model.save(tmp_path / "model.respnet")
    again = load_model(tmp_path / "model.respnet")
    assert np.array_equal(again.predict(x), model.predict(x))
    for each in (model, again):
        each.fit(x, y, batch_size=32, epochs=2, verbose=0)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        assert np.array_equal(a, b)


# --- the engine -----------------------------------------------------------------------------


def engine_model(times=None):
    shape = (4,) if times is None else (times, 4)
    layers = [
        ("dense", {"units": 20}),
        ("batch_normalization", {"momentum": MOMENTUM}),
        ("dense", {"units": 2}),
    ]
    model = Model(ModelSpec.chain(shape, layers, dtype="float64"), threads=2)
    model.swap(random_weights(model.layout, np.random.default_rng(0)))
    return model


def test_only_programs_that_train_want_whole_batches():
    spec = engine_model().spec
    wanted = [compile_program(spec, mode).whole_batches for mode in ("train", "evaluate")]
    assert wanted == [True, False] and not compile_program(spec, "predict").whole_batches


def test_a_session_grows_with_its_batches_and_goes_back_to_a_snapshot():
    model, rng = engine_model(), np.random.default_rng(1)
    session = Session(model, Update.of("adam"))
    feed = session.feed(rng.normal(size=(1000, 4)), rng.normal(size=(1000, 2)))
    session.train(feed, np.arange(10), 10)
    before = session.snapshot()
    runs = []
    for _ in range(2):
        session.restore(before)
        losses = [session.train(feed, np.arange(1000), size)[0] for size in (40, 1000, 300)]
        runs.append((losses, session.vector.copy(), session.evaluate(feed)))
    assert runs[0][0] == runs[1][0] and np.array_equal(runs[0][1], runs[1][1])
    assert runs[0][2] == runs[1][2] and len(set(runs[0][0])) == 3
    moving = model.layout.view(session.vector, "batch_normalization_1/moving_mean")
    assert not np.allclose(
        moving, model.layout.view(before.vector, "batch_normalization_1/moving_mean")
    )


def test_a_trainer_takes_all_its_rows_as_one_batch():
    model, rng = engine_model(), np.random.default_rng(1)
    x, y = rng.normal(size=(900, 4)), rng.normal(size=(900, 2))
    trainer = model.trainer("rprop")
    trainer.bind(x, y)
    want = reference.run(compile_program(model.spec, "train"), model.weights.vector, [x, y])
    loss = trainer.epoch()
    assert np.isclose(loss, want.loss, atol=1e-12)
    free = model.layout.trainable
    assert np.allclose(trainer.vector[free:], want.vector[free:], atol=1e-12)
    assert trainer.epochs(20) < loss
    small = model.trainer("sgd", batch_size=32)
    small.bind(x, y)
    with pytest.raises(ShapeError) as caught:
        small._core.evaluate(small._data)
    assert str(caught.value) == (
        "the program takes batches of at most 32 rows as a whole, got 900"
    )
    assert np.allclose(small.gradient()[1], want.gradient, atol=1e-12)
    assert small.epochs(3) < want.loss


def masked_model():
    nodes = [
        Node("e", "embedding", ("x",), {"input_dim": 9, "output_dim": 4, "mask_zero": True}),
        Node("n", "batch_normalization", ("e",), {"momentum": MOMENTUM}),
        Node("r", "gru", ("n",), {"units": 3}),
        Node("y", "dense", ("r",), {"units": 2}),
    ]
    model = Model(ModelSpec(nodes, [("x", (6,))], ("y",), dtype="float64"))
    model.swap(random_weights(model.layout, np.random.default_rng(2)))
    return model


def test_masked_steps_are_no_part_of_the_statistics():
    model, rng = masked_model(), np.random.default_rng(5)
    x, y = rng.integers(0, 9, (7, 6)), rng.normal(size=(7, 2))
    assert (x == 0).any()
    trainer = model.trainer("sgd")
    data = trainer.stage(x, y)
    _, gradient = trainer.gradient(data)
    table = model.view("e/embeddings")
    seen = table[x[x != 0]]
    moved = model.layout.view(trainer.vector, "n/moving_mean")
    want = MOMENTUM * model.view("n/moving_mean") + (1 - MOMENTUM) * seen.mean(axis=0)
    assert np.allclose(moved, want, atol=1e-7)  # Keras adds 1e-7 to the count of steps
    run = reference.run(compile_program(model.spec, "train"), model.weights.vector, [x, y])
    assert np.allclose(gradient, run.gradient, atol=1e-12)
    places = rng.choice(len(gradient), 30, replace=False)
    assert np.allclose(slopes(trainer, data, places), gradient[places], atol=1e-7)


def test_a_batch_that_is_refused_moves_no_statistics():
    model = masked_model()
    trainer = model.trainer("sgd", batch_size=4)
    trainer.bind(np.full((4, 6), 9), np.zeros((4, 2)))
    with pytest.raises(ShapeError, match="an embedding wants whole numbers from 0 to 8, got 9"):
        trainer.epoch()
    assert np.array_equal(trainer.vector, model.weights.vector)


def test_a_batch_of_one_row_is_centred_to_beta():
    model = Sequential([Input((3,)), BatchNormalization(beta_initializer="ones")], dtype="float64")
    model.compile(SGD(0.0), "mse")
    assert np.isclose(np.ravel(model.train_on_batch(np.ones((1, 3)) * 5, np.ones((1, 3))))[0], 0)
    with pytest.raises(ValueError, match="renorm is not supported"):
        BatchNormalization(renorm=True)
    with pytest.raises(ValueError, match="works along the last axis of"):
        Sequential([Input((4, 3)), BatchNormalization(axis=1)])


def test_layer_normalization_is_torchs():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(2, 3, (5, 4, 6))
    for axis, shape in ((-1, (6,)), ([1, 2], (4, 6))):
        model = Sequential([Input((4, 6)), LayerNormalization(axis=axis)], dtype="float64")
        assert [w.shape for w in model.get_weights()] == [shape] * 2
        want = torch.nn.functional.layer_norm(torch.tensor(x), shape, eps=1e-3).numpy()
        assert np.allclose(model.predict(x), want, atol=1e-12)


def test_a_frozen_layer_uses_its_moving_statistics_and_leaves_them():
    model, (x, y) = network(), rows()
    model.layers[1].trainable = False
    model.compile(SGD(RATE), "mse")
    before, predicted = model.layers[1].get_weights(), model.predict(x)
    loss = np.ravel(model.train_on_batch(x, y))[0]
    assert np.isclose(loss, ((predicted - y) ** 2).mean())
    assert all(map(np.array_equal, before, model.layers[1].get_weights()))
    assert not np.allclose(model.predict(x), predicted)
    program = model.network.program("train")
    assert not program.whole_batches
    trainer = model.network.trainer("sgd")
    data = trainer.stage(x, y)
    _, gradient = trainer.gradient(data)
    places = np.arange(0, len(gradient), 7)
    assert np.allclose(slopes(trainer, data, places), gradient[places], atol=1e-6)
