"""fit, evaluate, predict and the methods for one batch, by the words of Keras."""

import numpy as np
import pytest

from respnet import losses, metrics
from respnet.callbacks import LambdaCallback
from respnet.feeding import PyDataset
from respnet.layers import Dense
from respnet.models import Sequential
from respnet.optimizers import SGD, Adam
from respnet.schedules import ExponentialDecay


def rows(n=120, inputs=4, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, inputs)).astype(np.float32)
    return x, np.eye(classes, dtype=np.float32)[(x[:, :classes]).argmax(1)]


def classifier(optimizer="adam", loss="categorical_crossentropy", seeded=True, **options):
    model = Sequential([Dense(6, "tanh", input_shape=(4,)), Dense(3, activation="softmax")])
    if seeded:
        seed_weights(model)
    model.compile(optimizer, loss, **options)
    return model


def seed_weights(model):
    """Weight i from RandomState(100 + i).uniform(-.08, .08), as the reference numbers were made."""
    model.set_weights(
        [
            np.random.RandomState(100 + i).uniform(-0.08, 0.08, w.shape)
            for i, w in enumerate(model.get_weights())
        ]
    )


def test_iris_learns_as_keras_does():
    datasets = pytest.importorskip("sklearn.datasets")
    from sklearn.model_selection import train_test_split

    iris = datasets.load_iris()
    parts = train_test_split(iris.data, np.eye(3)[iris.target], test_size=0.2, random_state=42)
    x, x_test, y, y_test = parts
    model = Sequential()
    model.add(Dense(5, activation="relu", input_shape=(4,)))
    model.add(Dense(5, activation="relu"))
    model.add(Dense(3, activation="softmax"))
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    seed_weights(model)
    history = model.fit(x, y, batch_size=20, epochs=3, shuffle=False, verbose=0)
    assert history.history["loss"][0] == pytest.approx(1.10082, abs=1e-5)
    assert history.history["loss"][2] == pytest.approx(1.10029, abs=1e-5)
    assert model.evaluate(x_test, y_test, verbose=0)[0] == pytest.approx(1.09733, abs=1e-5)


def test_history_has_scores_of_training_and_validation():
    x, y = rows()
    model = classifier(metrics=["accuracy"])
    history = model.fit(x, y, epochs=25, batch_size=16, validation_split=0.25, verbose=0)
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert history.epoch == list(range(25)) and len(history.history["loss"]) == 25
    assert history.history["accuracy"][-1] > history.history["accuracy"][0]
    assert "loss" in repr(history) and "25 epochs" in repr(history)


def test_validation_split_takes_the_last_rows():
    x, y = rows()
    split, given = classifier(), classifier()
    a = split.fit(x, y, epochs=2, validation_split=0.25, shuffle=False, verbose=0)
    b = given.fit(
        x[:90], y[:90], epochs=2, validation_data=(x[90:], y[90:]), shuffle=False, verbose=0
    )
    assert a.history == b.history


def test_the_loss_is_the_mean_over_rows_each_before_its_update():
    x, y = rows(50)
    model = classifier(SGD(0.5))
    want, weights = [], classifier(SGD(0.5))
    for first in range(0, 50, 20):
        part = slice(first, first + 20)
        want.append(weights.train_on_batch(x[part], y[part]) * len(x[part]))
    loss = model.fit(x, y, batch_size=20, shuffle=False, verbose=0).history["loss"][0]
    assert loss == pytest.approx(sum(want) / 50, rel=1e-6)
    assert np.array_equal(model.get_weights()[0], weights.get_weights()[0])


def test_cuts_between_calls_change_no_bit():
    x, y = rows()
    seen = []
    one, many = classifier(metrics=["accuracy"]), classifier(metrics=["accuracy"])
    watcher = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append((batch, logs)))
    a = one.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    b = many.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0, callbacks=[watcher])
    assert np.allclose(a.history["loss"], b.history["loss"], rtol=1e-12)
    assert np.allclose(a.history["accuracy"], b.history["accuracy"])
    assert np.array_equal(one.get_weights()[0], many.get_weights()[0])
    assert [batch for batch, _ in seen] == [*range(8)] * 3
    assert seen[-1][1]["loss"] == pytest.approx(b.history["loss"][-1])


def test_several_metrics_agree_with_the_one_of_the_kernels():
    x, y = rows()
    one = classifier(metrics=["accuracy"])
    many = classifier(metrics=["accuracy", "mse", metrics.TopKCategoricalAccuracy(k=2)])
    a = one.fit(x, y, epochs=2, shuffle=False, verbose=0, validation_split=0.2)
    b = many.fit(x, y, epochs=2, shuffle=False, verbose=0, validation_split=0.2)
    assert np.allclose(a.history["accuracy"], b.history["accuracy"], atol=1e-7)
    assert np.allclose(a.history["val_accuracy"], b.history["val_accuracy"], atol=1e-7)
    error = many.evaluate(x, y, return_dict=True)["mse"]
    assert error == pytest.approx(np.mean((many.predict(x) - y) ** 2), rel=1e-5)


@pytest.mark.parametrize("from_logits", [False, True])
def test_sparse_and_one_hot_targets_learn_the_same(from_logits):
    x, y = rows()
    made = []
    for loss, targets in (
        (losses.CategoricalCrossentropy(from_logits=from_logits), y),
        (losses.SparseCategoricalCrossentropy(from_logits=from_logits), y.argmax(1)),
    ):
        last = None if from_logits else "softmax"
        model = Sequential([Dense(3, activation=last, input_dim=4)])
        seed_weights(model)
        model.compile("sgd", loss, metrics=["accuracy"])
        made.append(model.fit(x, targets, epochs=2, shuffle=False, verbose=0).history)
    assert np.allclose(made[0]["loss"], made[1]["loss"], atol=1e-6)
    assert np.allclose(made[0]["accuracy"], made[1]["accuracy"])


def test_label_smoothing_is_that_of_keras():
    x, y = rows()
    smooth = losses.CategoricalCrossentropy(label_smoothing=0.1)
    model = classifier(loss=smooth)
    want = -np.sum((y * 0.9 + 0.1 / 3) * np.log(model.predict(x)), axis=1).mean()
    assert model.evaluate(x, y) == pytest.approx(want, rel=1e-5)
    assert smooth(y, model.predict(x)) == pytest.approx(want, rel=1e-5)


def test_sample_weights_scale_each_row():
    x, y = rows()
    weights = np.random.default_rng(1).random(len(x))
    model = classifier()
    each = -np.log((model.predict(x) * y).sum(1))
    assert model.test_on_batch(x, y, weights) == pytest.approx((weights * each).mean(), rel=1e-5)
    class_weight = {0: 3.0, 1: 0.5}
    table = np.array([3.0, 0.5, 1.0])[y.argmax(1)]
    loss = model.train_on_batch(x, y, class_weight=class_weight)
    assert loss == pytest.approx((table * each).mean(), rel=1e-5)


def test_targets_without_a_last_axis_are_matched_not_broadcast():
    x = np.random.default_rng(0).normal(size=(20, 4))
    y = x[:, 0]
    model = Sequential([Dense(1, input_dim=4)])
    model.compile("sgd", "mse")
    want = np.mean((model.predict(x)[:, 0] - y) ** 2)
    assert model.evaluate(x, y) == pytest.approx(want, rel=1e-5)


def test_a_schedule_and_a_changed_rate_reach_the_steps():
    x, y = rows(40)
    scheduled = classifier(SGD(ExponentialDecay(0.5, 1, 0.5)))
    by_hand = classifier(SGD(0.5))
    for step in range(4):
        scheduled.train_on_batch(x, y)
        by_hand.optimizer.learning_rate = 0.5 * 0.5**step
        by_hand.train_on_batch(x, y)
    assert np.array_equal(scheduled.get_weights()[0], by_hand.get_weights()[0])
    fitted = classifier(SGD(ExponentialDecay(0.5, 1, 0.5)))
    fitted.fit(x, y, batch_size=40, epochs=4, shuffle=False, verbose=0)
    assert np.array_equal(fitted.get_weights()[0], by_hand.get_weights()[0])


def test_old_decay_lowers_the_rate_step_by_step():
    optimizer = SGD(lr=0.5, decay=0.1)
    assert [optimizer.rate(step) for step in (0, 1, 10)] == [0.5, 0.5 / 1.1, 0.25]


def test_training_goes_on_where_it_stopped():
    x, y = rows()
    whole, parts = classifier(), classifier()
    whole.fit(x, y, epochs=4, shuffle=False, verbose=0)
    for epoch in range(4):
        history = parts.fit(x, y, epochs=epoch + 1, initial_epoch=epoch, shuffle=False, verbose=0)
    assert history.epoch == [3]
    assert np.array_equal(whole.get_weights()[0], parts.get_weights()[0])


def test_batches_of_other_sizes_share_the_optimizer():
    x, y = rows(30)
    model = classifier(Adam(0.01))
    model.train_on_batch(x, y)
    model.train_on_batch(x[:7], y[:7])
    assert model.optimizer.iterations == 2 and model.session.snapshot().clock[0] == 2


def test_rprop_takes_all_rows():
    x, y = rows()
    model = classifier("rprop")
    loss = model.fit(x, y, epochs=60, verbose=0).history["loss"]
    assert loss[-1] < 0.2 * loss[0] and model.optimizer.iterations == 60
    with pytest.raises(ValueError, match="leave out batch_size"):
        model.fit(x, y, batch_size=10)


def test_an_uncompiled_model_chooses_the_loss_for_its_last_layer():
    x, y = rows()
    model = Sequential([Dense(3, "softmax")])
    model.fit(x, y.argmax(1), optimizer="rprop", epochs=3, verbose=0)
    assert isinstance(model.loss, losses.SparseCategoricalCrossentropy)


# --- streams --------------------------------------------------------------------------------


class Batches(PyDataset):
    def __init__(self, x, y, size):
        super().__init__()
        self.x, self.y, self.size, self.epochs = x, y, size, 0

    def __len__(self):
        return -(-len(self.x) // self.size)

    def __getitem__(self, i):
        part = slice(i * self.size, (i + 1) * self.size)
        return self.x[part], self.y[part]

    def on_epoch_end(self):
        self.epochs += 1


def test_generator_and_sequence_learn_as_arrays_do():
    x, y = rows(50)
    arrays, listed, made = (classifier(metrics=["accuracy"]) for _ in range(3))
    batches = Batches(x, y, 16)

    def forever():
        while True:
            yield from (batches[i] for i in range(len(batches)))

    want = arrays.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    have = listed.fit(batches, epochs=3, shuffle=False, verbose=0)
    other = made.fit(forever(), steps_per_epoch=4, epochs=3, verbose=0)
    for history in (have, other):
        assert np.allclose(want.history["loss"], history.history["loss"], rtol=1e-6)
        assert np.allclose(want.history["accuracy"], history.history["accuracy"])
    assert batches.epochs == 3
    assert np.array_equal(arrays.get_weights()[0], made.get_weights()[0])
    assert listed.evaluate(batches)[0] == pytest.approx(arrays.evaluate(x, y)[0], rel=1e-5)


def test_a_stream_builds_the_model_and_loses_no_batch():
    x, y = rows(32)
    seen = []

    def once():
        for i in range(4):
            seen.append(i)
            yield x[i * 8 : i * 8 + 8], y[i * 8 : i * 8 + 8]

    model = Sequential([Dense(3, "softmax")])
    model.compile("sgd", "categorical_crossentropy")
    model.fit(once(), epochs=1, verbose=0)
    assert seen == [0, 1, 2, 3] and model.optimizer.iterations == 4


def test_a_generator_that_ends_too_early_says_so():
    x, y = rows(8)
    with pytest.raises(ValueError, match="ended after 2 batches, wanted 5"):
        classifier().fit(iter([(x, y), (x, y)]), steps_per_epoch=5, verbose=0)


# --- wrong input ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options,message",
    [
        ({"epoch": 3}, "did you mean epochs"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"validation_split": 1.0}, "validation_split must be"),
        ({"verbose": "loud"}, "verbose must be"),
    ],
)
def test_wrong_arguments_of_fit(options, message):
    x, y = rows(20)
    with pytest.raises((TypeError, ValueError), match=message):
        classifier().fit(x, y, **options)


def test_wrong_rows_say_what_was_wanted():
    x, y = rows(20)
    with pytest.raises(ValueError, match="20 rows of inputs, but 19 of targets"):
        classifier().fit(x, y[:19], verbose=0)
    with pytest.raises(ValueError, match=r"rows of shape \(3,\).*got \(2,\)"):
        classifier().fit(x, y[:, :2], verbose=0)
    wide, model = np.zeros((20, 5)), classifier()
    for learn_or_judge in (model.fit, model.evaluate, model.train_on_batch, model.test_on_batch):
        with pytest.raises(
            ValueError, match=r"the model wants rows of shape \[\(4,\)\], got \[\(5"
        ):
            learn_or_judge(wide, y)
    with pytest.raises(ValueError, match="class numbers go with the sparse loss"):
        model.fit(x, y.argmax(1), verbose=0)
    with pytest.raises(ValueError, match=r"inputs must be numbers, got text \(<U1\)"):
        model.predict([["a", "b", "c", "d"]])
    for learn_or_ask in (model.predict, lambda rows: model.fit(rows, [1, 2])):
        with pytest.raises(ValueError, match="rows must be of equal length; see pad_sequences"):
            learn_or_ask([[1, 2, 3, 4], [1, 2]])
    with pytest.raises(ValueError, match="there are no rows"):
        model.fit(x[:0], y[:0], verbose=0)
    with pytest.raises(ValueError, match="must be compiled"):
        Sequential([Dense(1, input_dim=4)]).evaluate(x, y)
    with pytest.raises(ValueError, match="did you mean categorical_crossentropy"):
        classifier(loss="categorical_crosentropy")


def test_watched_output_of_narrow_and_wide_nets():
    """Narrow nets run rows in vector lanes, wide ones packed: outputs come back in row order."""
    x, y = rows(37)
    for units in (6, 80):
        model = Sequential([Dense(units, "tanh", input_dim=4), Dense(3, activation="softmax")])
        model.compile(SGD(0.0), "categorical_crossentropy", metrics=["mse", "mae"])
        want = [np.mean((model.predict(x) - y) ** 2), np.mean(np.abs(model.predict(x) - y))]
        got = model.fit(x, y, batch_size=37, verbose=0).history
        assert np.allclose([got["mse"][0], got["mae"][0]], want, rtol=1e-4)
