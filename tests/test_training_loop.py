"""The training loop: limits, progress, what is kept, going on, cancelling, bad input."""

import threading

import numpy as np
import pytest

from respnet.engine.errors import ShapeError, SpecError
from respnet.engine.model import Model
from respnet.engine.spec import ModelSpec
from respnet.engine.staging import rprop_constants
from respnet.engine.training import SLICE, Progress, Training, TrainOptions, run, train

NO_CLOCK = {"max_seconds": 0}


def rows(count=200, seed=0, noise=0.0):
    """Two inputs of quite different size, and a smooth target far from 0."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (count, 2))
    y = 1000 + 50 * x[:, :1] * x[:, 1:] + noise * rng.normal(size=(count, 1))
    return (x * [1, 300] + [0, 5000]).astype(np.float32), y.astype(np.float32)


def regressor(seed=0, **options):
    return Model(ModelSpec.dense((2, 8, 1), role="regressor", scaling=True, seed=seed, **options))


def classifier(seed=0, **options):
    spec = ModelSpec.dense((2, 6, 2), role="classifier", scaling=True, seed=seed, **options)
    return Model(spec)


def classes(count=200, seed=0):
    x, y = rows(count, seed)
    return x, (y > 1000).astype(np.float32)


@pytest.mark.parametrize("autostop", [False, True])
@pytest.mark.parametrize("epochs", [1, 7, 300])
def test_epochs_are_counted_exactly(epochs, autostop):
    options = TrainOptions(max_epochs=epochs, autostop=autostop, **NO_CLOCK)
    result = run(regressor(), rows(), rows(50, 1), options)
    assert result.reason == "epochs"
    assert (result.progress.epoch, result.progress.steps) == (epochs, 200 * epochs)


def test_the_time_limit_ends_it():
    result = run(regressor(), rows(), options=TrainOptions(max_seconds=0.05))
    assert result.reason == "time" and 0.05 <= result.progress.seconds < 5


def test_a_negative_time_limit_still_does_an_epoch():
    result = run(regressor(), rows(), options=TrainOptions(max_seconds=-5))
    assert (result.reason, result.progress.epoch) == ("time", 1)


def test_equal_calls_give_equal_bits():
    options = TrainOptions(autostop=True, max_epochs=3000, **NO_CLOCK)
    first, second = (run(regressor(), rows(), rows(50, 1), options) for _ in range(2))
    assert np.array_equal(first.weights.vector, second.weights.vector)
    assert first.progress.epoch == second.progress.epoch


def test_the_result_predicts_in_the_units_of_the_user():
    model, held_out = regressor(), rows(100, 9)
    start = model.weights
    result = run(model, rows(), rows(50, 1), TrainOptions(autostop=True))
    assert model.weights is start
    model.swap(result.weights)
    assert np.abs(model.predict(held_out[0]) - held_out[1]).mean() < 1.0


def test_the_last_progress_belongs_to_the_weights_kept():
    model, test = classifier(), classes(50, 1)
    result = run(model, classes(), test, TrainOptions(autostop=True, max_epochs=400, **NO_CLOCK))
    model.swap(result.weights)
    wrong = np.mean(model.predict(test[0]).argmax(axis=1) != test[1][:, 0])
    assert result.progress.metric == pytest.approx(wrong)


def test_overfitting_is_seen_and_undone():
    # pure noise: whatever is learned of it makes the test rows worse
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(30, 2)), rng.normal(size=(30, 1))
    options = TrainOptions(autostop=True, max_epochs=20_000, **NO_CLOCK)
    result = run(regressor(), (x[:20], y[:20]), (x[20:], y[20:]), options)
    assert result.reason == "overfitting" and result.progress.overfitting
    assert result.progress.epoch < 20_000 and result.progress.test_loss < 2


def test_progress_comes_in_slices_and_rises():
    options = TrainOptions(max_seconds=6 * SLICE)
    seen = list(train(regressor(), rows(), options=options))
    assert all(isinstance(progress, Progress) for progress in seen)
    assert 2 <= len(seen) <= 8  # not one for each of thousands of epochs
    assert [p.epoch for p in seen] == sorted({p.epoch for p in seen}) and seen[-1].epoch > 100
    assert seen[-1].loss < seen[0].loss


def test_closing_the_generator_ends_the_training():
    steps = train(regressor(), rows(), options=TrainOptions(**NO_CLOCK))
    assert next(steps).epoch > 0
    steps.close()
    assert list(steps) == []


def test_cancel_from_another_thread():
    training = Training(regressor(), rows(), options=TrainOptions(**NO_CLOCK))
    timer = threading.Timer(0.05, training.cancel)
    timer.start()
    epochs = [progress.epoch for progress in training]
    assert training.result().reason == "cancelled" and epochs[-1] > 0


def test_going_on_from_a_snapshot_equals_one_training():
    half, whole = (TrainOptions(max_epochs=n, **NO_CLOCK) for n in (40, 80))
    first = run(regressor(), rows(), options=half)
    second = run(regressor(), rows(), options=half, resume=first.snapshot)
    assert np.array_equal(
        second.weights.vector, run(regressor(), rows(), options=whole).weights.vector
    )


@pytest.mark.parametrize("batch_size", [16, 200])
def test_minibatches_of_another_optimizer(batch_size):
    options = TrainOptions(
        "adam", {"learning_rate": 0.01}, max_epochs=60, batch_size=batch_size, **NO_CLOCK
    )
    result = run(regressor(initializer="glorot_uniform"), rows(), options=options)
    assert result.progress.loss < 0.9 and result.progress.epoch == 60


def test_a_diverging_training_gives_the_weights_back_finite():
    options = TrainOptions("sgd", {"learning_rate": 1e30}, max_epochs=50, **NO_CLOCK)
    result = run(regressor(), rows(), options=options)
    assert result.reason == "diverged" and np.isfinite(result.weights.vector).all()


def test_one_hot_targets_where_the_loss_wants_them():
    options = TrainOptions(max_epochs=200, **NO_CLOCK)
    numbers = run(classifier(), classes(), options=options)
    one_hot = run(classifier(loss="categorical_crossentropy"), classes(), options=options)
    assert one_hot.progress.loss == pytest.approx(numbers.progress.loss, rel=0.2)
    assert one_hot.progress.loss < 0.2


@pytest.mark.parametrize("bad", [-1, 2, 0.5])
def test_classes_must_be_classes(bad):
    x, y = classes(10)
    y[3] = bad
    with pytest.raises(ShapeError, match="whole numbers from 0 to 1"):
        run(classifier(), (x, y))


def test_rows_must_be_there():
    empty = np.empty((0, 2)), np.empty((0, 1))
    with pytest.raises(ShapeError, match="at least one row, got 0"):
        run(regressor(), empty)
    with pytest.raises(ShapeError, match="autostop needs at least one test row"):
        run(regressor(), rows(), empty, TrainOptions(autostop=True))
    with pytest.raises(ShapeError, match="column 1"):
        run(regressor(), (np.array([[1, np.inf]]), np.ones((1, 1))))
    with pytest.raises(SpecError, match="batch_size"):
        TrainOptions(exact_original=True, batch_size=10)


def test_constants_follow_the_sizes():
    scarce = rprop_constants("classifier", 4, 123, 67)
    plenty = rprop_constants("classifier", 4, 123, 10_000)
    wide = rprop_constants("classifier", 3000, 150_152, 1000)
    assert scarce == {"step_start": 0.1, "weight_decay": 1 / 67}
    assert plenty["weight_decay"] < 1e-6 / 10
    assert wide["step_start"] == pytest.approx(0.1 / 300) and wide["weight_decay"] == 0.03
    assert rprop_constants("regressor", 4, 123, 67)["weight_decay"] == 0


@pytest.mark.parametrize("scaling,want", [(True, 0.1 * 10 / 40), (False, 0.1)])
def test_the_first_step_is_for_standardised_inputs(scaling, want):
    model = Model(ModelSpec.dense((40, 3, 2), role="classifier", scaling=scaling))
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(30, 40)), rng.integers(2, size=(30, 1))
    training = Training(model, rows, options=TrainOptions(max_epochs=1))
    assert training.trainer.state[0] == pytest.approx(want)
