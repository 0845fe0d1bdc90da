"""Losses and metrics by the words of Keras: several outputs, masks, frozen layers, arrays."""

import numpy as np
import pytest

from respnet import losses, metrics
from respnet.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Dense,
    Embedding,
    Input,
    Masking,
    SimpleRNN,
)
from respnet.models import Model, Sequential, load_model
from respnet.optimizers import SGD

RNG = np.random.default_rng


def seed_weights(model, spread=0.5):
    made = [
        np.random.RandomState(100 + i).uniform(-spread, spread, w.shape)
        for i, w in enumerate(model.get_weights())
    ]
    model.set_weights(made)
    return made


def two_outputs():
    x = Input((4,))
    h = Dense(5, activation="tanh", name="h")(x)
    outputs = [Dense(3, activation="softmax", name="a")(h), Dense(2, name="b")(h)]
    model = Model(x, outputs)
    seed_weights(model)
    return model


def two_targets(n=20):
    rng = np.random.RandomState(0)
    x = rng.normal(size=(n, 4)).astype(np.float32)
    return x, np.eye(3)[rng.randint(0, 3, n)], rng.normal(size=(n, 2)).astype(np.float32)


# --- several outputs ------------------------------------------------------------------------


def test_two_outputs_learn_as_keras_3_does():
    """Numbers of Keras 3.15.1 on TensorFlow, batches of 8 in order, two epochs."""
    model, (x, a, b) = two_outputs(), two_targets(24)
    model.compile(
        "sgd",
        ["categorical_crossentropy", "mse"],
        loss_weights=[1.0, 0.3],
        metrics=[["accuracy"], ["mae", "mse"]],
        weighted_metrics=[["accuracy"], []],
    )
    weights = [np.linspace(0.5, 2, 24), np.ones(24)]
    options = {"batch_size": 8, "epochs": 2, "shuffle": False, "verbose": 0}
    history = model.fit(x, [a, b], sample_weight=weights, **options).history
    want = {
        "loss": [1.8056472539901733, 1.7976499795913696],
        "a_loss": [1.4150277376174927, 1.4092187881469727],
        "b_loss": [1.302064299583435, 1.2947710752487183],
        "a_accuracy": [0.3333333432674408, 0.3333333432674408],
        "a_weighted_accuracy": [0.3007246255874634, 0.3007246255874634],
        "b_mae": [0.9399347901344299, 0.9368953704833984],
        "b_mse": [1.302064299583435, 1.2947710752487183],
    }
    assert list(history) == list(want)
    for name, values in want.items():
        assert history[name] == pytest.approx(values, abs=2e-6), name
    judged = model.evaluate(x, [a, b], return_dict=True)
    assert judged["loss"] == pytest.approx(1.4853333234786987, abs=2e-6)
    assert judged["a_loss"] == pytest.approx(1.0987427234649658, abs=2e-6)
    assert judged["b_mae"] == pytest.approx(0.9342271685600281, abs=2e-6)
    assert model.evaluate(x, [a, b]) == list(judged.values())
    assert model.metrics_names == list(want)


def test_two_outputs_learn_as_torch_does():
    torch = pytest.importorskip("torch")
    model, (x, a, b) = two_outputs(), two_targets(60)
    tensors = [torch.tensor(w, dtype=torch.float32) for w in model.get_weights()]
    for tensor in tensors:
        tensor.requires_grad_(True)
    optimizer = torch.optim.SGD(tensors, lr=0.1)
    wh, bh, wa, ba, wb, bb = tensors
    want = []
    for _ in range(5):
        total = 0.0
        for first in range(0, 60, 16):
            rows = slice(first, first + 16)
            h = torch.tanh(torch.tensor(x[rows]) @ wh + bh)
            entropy = torch.nn.functional.cross_entropy(h @ wa + ba, torch.tensor(a[rows]))
            error = torch.nn.functional.huber_loss(h @ wb + bb, torch.tensor(b[rows]), delta=0.7)
            loss = entropy + 2 * error
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(x[rows])
        want.append(total / 60)
    chosen = {"a": "categorical_crossentropy", "b": losses.Huber(delta=0.7)}
    model.compile(SGD(0.1), chosen, loss_weights={"b": 2})
    history = model.fit(x, {"b": b, "a": a}, batch_size=16, epochs=5, shuffle=False, verbose=0)
    assert history.history["loss"] == pytest.approx(want, abs=1e-5)


def test_one_loss_is_that_of_all_outputs_and_none_leaves_one_alone():
    model, (x, a, b) = two_outputs(), two_targets()
    model.compile("sgd", "mse")
    both = model.evaluate(x, [a, b], return_dict=True)
    assert both["loss"] == pytest.approx(both["a_loss"] + both["b_loss"], rel=1e-6)
    model.compile("sgd", ["mse", None], metrics={"b": "mae"})
    judged = model.evaluate(x, [a, b], return_dict=True)
    assert list(judged) == ["loss", "b_mae"]
    assert judged["loss"] == pytest.approx(both["a_loss"], rel=1e-6)
    assert judged["b_mae"] == pytest.approx(np.abs(model.predict(x)[1] - b).mean(), rel=1e-5)
    model.compile("sgd", {"a": "mse"})
    assert model.evaluate(x, a) == pytest.approx(both["a_loss"], rel=1e-6)  # targets of it alone
    before = model.get_weights()
    model.fit(x, a, verbose=0)
    changed = [not np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True)]
    assert changed == [True, True, True, True, False, False]


def test_batches_streams_and_kernel_metrics_agree():
    x, a, b = two_targets()
    seen = []
    for metric in ("accuracy", metrics.CategoricalAccuracy("accuracy")):
        model = two_outputs()
        model.compile("sgd", ["categorical_crossentropy", "mae"], metrics=[[metric], ["mae"]])
        stream = ((x[i : i + 5], {"a": a[i : i + 5], "b": b[i : i + 5]}) for i in range(0, 20, 5))
        seen.append(model.fit(stream, verbose=0).history)
        by_hand = two_outputs()
        by_hand.compile("sgd", ["categorical_crossentropy", "mae"], metrics=[["acc", "mse"], []])
        rows = [by_hand.train_on_batch(x[i : i + 5], [a[i : i + 5], b[i : i + 5]], return_dict=True)
                for i in range(0, 20, 5)]  # fmt: skip
        assert np.mean([r["loss"] for r in rows]) == pytest.approx(seen[-1]["loss"][0], rel=1e-6)
        assert np.mean([r["a_acc"] for r in rows]) == pytest.approx(seen[-1]["a_accuracy"][0])
    assert seen[0] == {name: pytest.approx(value) for name, value in seen[1].items()}
    judged = model.evaluate(x, [a, b], sample_weight=np.linspace(0.5, 2, 20), return_dict=True)
    each = -np.log((model.predict(x)[0] * a).sum(1))
    assert judged["a_loss"] == pytest.approx((each * np.linspace(0.5, 2, 20)).mean(), rel=1e-5)


def test_a_compiled_model_of_two_outputs_is_saved_and_goes_on(tmp_path):
    model, (x, a, b) = two_outputs(), two_targets()
    model.get_layer("h").trainable = False
    chosen = [losses.CategoricalCrossentropy(label_smoothing=0.1), losses.Huber(0.5)]
    model.compile("adam", chosen, loss_weights=[1, 0.2], metrics=[["acc"], [metrics.R2Score()]])
    model.fit(x, [a, b], verbose=0, shuffle=False)
    model.save(tmp_path / "two.respnet")
    again = load_model(tmp_path / "two.respnet")
    assert again.spec.to_dict() | {"seed": 0} == model.spec.to_dict() | {"seed": 0}
    assert len(again.trainable_weights) == 4
    for each in (model, again):
        history = each.fit(x, [a, b], verbose=0, shuffle=False).history
    assert history == {name: pytest.approx(v) for name, v in model.history.history.items()}


@pytest.mark.parametrize(
    "options,message",
    [
        ({"loss": ["mse"]}, r"model has 2 outputs \(a, b\); loss must be a list.*got 1 of them"),
        ({"loss": {"c": "mse"}}, "unknown output in loss 'c'; known are a, b"),
        ({"loss": "mse", "metrics": ["mae"]}, "metrics must be a list with an entry for each"),
        ({"loss": "mse", "loss_weights": [1]}, "loss_weights must be a list with an entry for"),
        (
            {"loss": losses.Huber(reduction="mean_with_sample_weight")},
            "reduction='mean_with_sample_weight', which is for calls on arrays; compile trains sum",
        ),
        ({"loss": "hubr"}, "unknown loss 'hubr'; did you mean huber"),
    ],
)
def test_what_does_not_fit_the_outputs_is_refused(options, message):
    model, (x, a, b) = two_outputs(), two_targets()
    with pytest.raises(ValueError, match=message):
        model.compile("sgd", **options)
        model.fit(x, [a, b])  # where metrics are fitted to the outputs


def test_wrong_rows_of_outputs_are_refused():
    model, (x, a, b) = two_outputs(), two_targets()
    model.compile("sgd", "mse", metrics=[["mae"], []])
    with pytest.raises(ValueError, match="targets must be a list with an entry for each"):
        model.fit(x, a, verbose=0)
    with pytest.raises(ValueError, match="20 rows of inputs, but 19 of targets"):
        model.fit(x, [a, b[:19]], verbose=0)
    with pytest.raises(ValueError, match="output b has a loss but no targets"):
        model.fit(x, {"a": a}, verbose=0)
    with pytest.raises(ValueError, match="class_weight is for models with one output"):
        model.fit(x, [a, b], class_weight={0: 1.0}, verbose=0)
    with pytest.raises(ValueError, match="20 rows, but 5 of sample_weight"):
        model.fit(x, [a, b], sample_weight=[np.ones(5), None], verbose=0)
    model.compile("sgd", {"a": "mse"}, metrics={"b": ["accuracy"]})
    with pytest.raises(ValueError, match="output b has no loss to tell the kind of accuracy by"):
        model.evaluate(x, [a, b])


# --- masks ----------------------------------------------------------------------------------


def masked(layer, weights=None, **options):
    model = Sequential([Embedding(9, 4, mask_zero=True, input_length=6)])
    model.add(layer(5, return_sequences=True))
    model.add(Dense(3, activation="softmax"))
    seed_weights(model)
    model.compile(SGD(0.5), "sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    return model


def masked_rows(n=20):
    rng = RNG(1)
    x = rng.integers(1, 9, (n, 6))
    x[:, 4:] *= rng.integers(0, 2, (n, 2))
    return x, rng.integers(0, 3, (n, 6)), x != 0


@pytest.mark.parametrize("layer", [SimpleRNN, LSTM, GRU])
def test_masked_loss_and_accuracy_are_means_over_unmasked_steps(layer):
    x, y, counts = masked_rows()
    model = masked(layer, weighted_metrics=["accuracy"])
    weights = RNG(2).uniform(0.5, 2, (20, 6))
    p = model.predict(x)
    each = -np.log(np.take_along_axis(p, y[..., None], -1)[..., 0])
    right = p.argmax(-1) == y
    judged = model.evaluate(x, y, sample_weight=weights, return_dict=True)
    assert judged["loss"] == pytest.approx((each * counts * weights).sum() / counts.sum(), rel=1e-5)
    assert judged["accuracy"] == pytest.approx((right * counts).sum() / counts.sum())
    both = weights * counts
    assert judged["weighted_accuracy"] == pytest.approx((right * both).sum() / both.sum())
    trained = model.train_on_batch(x, y, weights, return_dict=True)
    assert trained == {name: pytest.approx(value, rel=1e-5) for name, value in judged.items()}


@pytest.mark.parametrize("batch_size", [8, 20])
def test_batches_of_masked_rows_are_means_of_their_own_as_in_keras(batch_size):
    """Losses count by rows, accuracies by unmasked steps; in evaluate as in fit."""
    x, y, counts = masked_rows()
    model = masked(LSTM)
    p = model.predict(x)
    each = -np.log(np.take_along_axis(p, y[..., None], -1)[..., 0]) * counts
    parts = [slice(i, i + batch_size) for i in range(0, 20, batch_size)]
    want = sum(len(x[i]) * each[i].sum() / counts[i].sum() for i in parts) / 20
    accuracy = ((p.argmax(-1) == y) * counts).sum() / counts.sum()
    assert model.evaluate(x, y, batch_size) == pytest.approx([want, accuracy], rel=1e-5)
    model.compile(SGD(0.0), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=batch_size, shuffle=False, verbose=0).history
    assert history["loss"] == pytest.approx([want], rel=1e-5)
    assert history["accuracy"] == pytest.approx([accuracy])


@pytest.mark.parametrize("layer", ["SimpleRNN", "LSTM"])
def test_a_masked_net_learns_as_torch_does_on_rows_without_padding(layer):
    """Steps after the end of each row are masked: torch sees rows cut there."""
    torch = pytest.importorskip("torch")
    rng, lengths = RNG(3), [6, 3, 5, 2, 4, 6]
    x = rng.normal(size=(6, 6, 2)).astype(np.float32) + 3
    y = rng.normal(size=(6, 6, 1)).astype(np.float32)
    for row, length in enumerate(lengths):
        x[row, length:] = 0
    made = {"SimpleRNN": SimpleRNN, "LSTM": LSTM}[layer](4, return_sequences=True)
    model = Sequential([Masking(input_shape=(6, 2)), made, Dense(1)])
    arrays = seed_weights(model)
    kind = {"SimpleRNN": torch.nn.RNN, "LSTM": torch.nn.LSTM}[layer]
    net, last = kind(2, 4, batch_first=True), torch.nn.Linear(4, 1)
    with torch.no_grad():
        for target, array in zip(
            (net.weight_ih_l0, net.weight_hh_l0, net.bias_ih_l0, last.weight, last.bias),
            arrays,
            strict=True,
        ):
            target.copy_(torch.tensor(array.T, dtype=torch.float32))
        net.bias_hh_l0.zero_()
    net.bias_hh_l0.requires_grad_(False)
    optimizer = torch.optim.SGD([*net.parameters(), *last.parameters()], lr=0.1)
    want = []
    for _ in range(6):
        error = 0.0
        for row, length in enumerate(lengths):
            out = last(net(torch.tensor(x[row : row + 1, :length]))[0])
            error = error + ((out - torch.tensor(y[row : row + 1, :length])) ** 2).sum()
        loss = error / sum(lengths)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        want.append(float(loss.detach()))
    model.compile(SGD(0.1), "mse")
    history = model.fit(x, y, batch_size=6, epochs=6, shuffle=False, verbose=0).history
    assert history["loss"] == pytest.approx(want, abs=1e-5)


def test_an_ignored_class_does_not_count():
    rng = RNG(0)
    x, y = rng.normal(size=(30, 4)), rng.integers(-1, 3, 30)
    model = Sequential([Dense(3, "softmax", input_dim=4)])
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    model.compile("sgd", loss)
    p, kept = model.predict(x), y >= 0
    want = -np.log(p[kept, y[kept]]).mean()
    assert model.evaluate(x, y, batch_size=30) == pytest.approx(want, rel=1e-5)
    assert loss(y, p) == pytest.approx(want, rel=1e-5)


# --- frozen layers --------------------------------------------------------------------------


def test_a_frozen_layer_keeps_its_weights_and_their_order():
    x, a, b = two_targets()
    free, held = two_outputs(), two_outputs()
    held.layers[1].trainable = False
    assert held.layers[1].name == "h" and held.layers[1].trainable is False
    for model in (free, held):
        model.compile("sgd", ["categorical_crossentropy", "mse"])
        model.fit(x, [a, b], epochs=3, verbose=0, shuffle=False)
    start, after = two_outputs().get_weights(), held.get_weights()
    assert [w.shape for w in after] == [w.shape for w in start]
    same = [np.array_equal(*pair) for pair in zip(start, after, strict=True)]
    assert same == [True, True, False, False, False, False]
    paths = [variable.path for variable in held.trainable_weights]
    assert paths == ["a/kernel", "a/bias", "b/kernel", "b/bias"]
    assert [v.path for v in held.non_trainable_weights] == ["h/kernel", "h/bias"]
    held.get_layer("h").trainable = True
    assert len(held.trainable_weights) == 4  # until it is compiled again
    held.compile("sgd", "mse")
    assert len(held.trainable_weights) == 6
    assert all(np.array_equal(*pair) for pair in zip(after, held.get_weights(), strict=True))


def test_a_whole_model_is_frozen_and_says_so():
    model, (x, a, b) = two_outputs(), two_targets()
    model.trainable = False
    model.compile("adam", "mse")
    before = model.get_weights()
    model.fit(x, [a, b], verbose=0)
    assert all(np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))
    lines = []
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert "Trainable params: 0 (0.00 B)" in text and "Non-trainable params: 55 (220" in text
    assert Sequential([Dense(2, input_dim=3)], trainable=False).trainable is False
    assert Dense(2, trainable=False).trainable is False


def test_a_frozen_batch_normalization_works_as_when_predicting():
    x = RNG(0).normal(2, 3, (40, 3))
    model = Sequential([Dense(4, "tanh", input_dim=3), BatchNormalization(name="n"), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], epochs=3, verbose=0)
    model.get_layer("n").trainable = False
    model.compile("sgd", "mse")
    before = model.get_layer("n").get_weights()
    loss, gradients = model.loss_and_gradients(x, x[:, :1])
    assert loss == pytest.approx(model.evaluate(x, x[:, :1]), rel=1e-6)
    kernel, step = model.get_weights(), 1e-2
    slopes = []
    for sign in (1, -1):
        moved = [w.copy() for w in kernel]
        moved[0][1, 2] += sign * step
        model.set_weights(moved)
        slopes.append(model.evaluate(x, x[:, :1]))
    assert gradients[0][1, 2] == pytest.approx((slopes[0] - slopes[1]) / (2 * step), rel=0.02)
    model.fit(x, x[:, :1], verbose=0)
    after = model.get_layer("n").get_weights()
    assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))


def test_penalties_of_frozen_layers_count_in_the_loss():
    x = RNG(0).normal(size=(10, 3))
    made = []
    for trainable in (True, False):
        model = Sequential([Dense(2, input_dim=3, kernel_regularizer="l2", trainable=trainable)])
        seed_weights(model)
        model.compile("sgd", "mse")
        made.append((model.evaluate(x, x[:, :2]), model.train_on_batch(x, x[:, :2])))
    kernel = seed_weights(model)[0]
    bare = np.mean((x @ kernel + model.get_weights()[1] - x[:, :2]) ** 2)
    assert made[0] == pytest.approx(made[1], rel=1e-6)
    assert made[1][0] == pytest.approx(bare + 0.01 * (kernel**2).sum(), rel=1e-5)


# --- metrics --------------------------------------------------------------------------------

Y = np.array([[0.0, 1.0, 0.0], [0.2, 0.3, 0.5]])
P = np.array([[0.1, 0.7, 0.2], [0.5, 0.25, 0.25]])
W = np.array([1.0, 3.0])
# Keras 3.15.1, weights W
MEASURED = {
    ("Precision", True): 1.0,
    ("Recall", True): 0.25,
    ("AUC", True): 0.578125,
    ("CosineSimilarity", False): 0.8341844,
    ("KLDivergence", False): 0.252677,
    ("Poisson", False): 0.67497236,
    ("LogCoshError", False): 0.02489672,
    ("R2Score", False): -2.6039908,
    ("RootMeanSquaredError", False): 0.22453657,
    ("MeanSquaredLogarithmicError", False): 0.026871236,
    ("CategoricalHinge", False): 0.95,
}


@pytest.mark.parametrize("name,binary", MEASURED)
def test_metrics_are_those_of_keras(name, binary):
    metric = getattr(metrics, name)()
    y = (Y > 0.4) * 1.0 if binary else Y
    for row in range(2):
        metric.update_state(y[row : row + 1], P[row : row + 1], W[row : row + 1])
    assert metric.result() == pytest.approx(MEASURED[name, binary], rel=1e-5)
    assert metrics.get(metric.name).name == metric.name


@pytest.mark.parametrize("metric", ["Precision", "R2Score", "AUC", "KLDivergence", "mse"])
def test_metrics_of_a_masked_output_do_not_see_what_is_hidden(metric):
    x, y, counts = masked_rows()
    model = masked(GRU)
    one_hot = np.eye(3)[y]
    model.compile(SGD(0.0), "categorical_crossentropy", metrics=[metric])
    want = metrics.get(metric)
    want.update_state(one_hot[counts], model.predict(x)[counts].astype(np.float64))
    assert model.evaluate(x, one_hot)[1] == pytest.approx(want.result(), rel=1e-4)
    history = model.fit(x, one_hot, batch_size=7, verbose=0).history
    assert list(history.values())[1] == pytest.approx([want.result()], rel=1e-4)


def test_functions_of_users_are_metrics():
    def far(y_true, y_pred):
        return np.abs(y_true - y_pred).max(-1) > 1

    model, (x, a, b) = two_outputs(), two_targets()
    wrapped = metrics.MeanMetricWrapper(far, name="away")
    model.compile("sgd", "mse", metrics={"b": [far, wrapped]})
    judged = model.evaluate(x, [a, b], return_dict=True)
    want = (np.abs(model.predict(x)[1] - b).max(-1) > 1).mean()
    assert judged["b_far"] == judged["b_away"] == pytest.approx(want) and 0 < want < 1
