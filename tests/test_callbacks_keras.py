"""Callbacks as in Keras 3: every hook, its order, and the decisions of Keras' own classes."""

import io

import numpy as np
import pytest

from respnet import callbacks
from respnet.callbacks import Callback, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from respnet.callbacks.progress import ProgressBar
from respnet.layers import Dense
from respnet.models import Sequential
from respnet.optimizers import SGD


def rows(n=20):
    x = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    return x, x.sum(1, keepdims=True)


def regressor(rate=0.05):
    model = Sequential([Dense(1, input_dim=3)])
    model.compile(SGD(rate), "mse", metrics=["mae"])
    return model


class Diary(Callback):
    """Notes every hook that is called, and the names in its logs."""

    def __init__(self):
        self.lines = []


def _noting(name):
    def hook(self, *values):
        logs = values[-1] if values and isinstance(values[-1], dict) else {}
        self.lines.append((name, *sorted(logs)))

    return hook


for _name in [name for name in dir(Callback) if name.startswith("on_") and "progress" not in name]:
    if _name not in ("on_batch_begin", "on_batch_end"):
        setattr(Diary, _name, _noting(_name))


# --- hooks ----------------------------------------------------------------------------------


def test_fit_calls_the_hooks_of_training_and_of_validation():
    x, y = rows()
    diary = Diary()
    regressor().fit(x, y, validation_split=0.5, verbose=0, callbacks=[diary])
    batch = [("on_train_batch_begin",), ("on_train_batch_end", "loss", "mae")]
    test = [
        ("on_test_begin",),
        ("on_test_batch_begin",),
        ("on_test_batch_end", "loss", "mae"),
        ("on_test_end", "loss", "mae"),
    ]
    logs = ("loss", "mae", "val_loss", "val_mae")
    begin, end = [("on_train_begin",), ("on_epoch_begin",)], [("on_epoch_end", *logs)]
    assert diary.lines == [*begin, *batch, *test, *end, ("on_train_end", *logs)]


def test_evaluate_and_predict_call_theirs_for_each_batch():
    x, y = rows(20)
    diary, model = Diary(), regressor()
    alone = model.evaluate(x, y), model.predict(x)
    loss = model.evaluate(x, y, batch_size=8, callbacks=[diary])
    names = [line[0] for line in diary.lines]
    between = ["on_test_batch_begin", "on_test_batch_end"] * 3
    assert names == ["on_test_begin", *between, "on_test_end"]
    assert loss == pytest.approx(alone[0])

    diary.lines.clear()
    outputs = model.predict(x, batch_size=8, callbacks=diary)
    between = [("on_predict_batch_begin",), ("on_predict_batch_end", "outputs")] * 3
    assert diary.lines == [("on_predict_begin",), *between, ("on_predict_end",)]
    assert np.array_equal(outputs, alone[1])


def test_on_batch_end_is_the_old_name_of_on_train_batch_end():
    seen = []

    class Old(Callback):
        def on_batch_end(self, batch, logs=None):
            seen.append((batch, sorted(logs)))

    regressor().fit(*rows(), batch_size=10, verbose=0, callbacks=[Old()])
    assert seen == [(0, ["loss", "mae"]), (1, ["loss", "mae"])]


def test_callbacks_come_in_lists_of_lists_and_nothing_else():
    first, second = Diary(), Diary()
    regressor().fit(*rows(), verbose=0, callbacks=[first, [[second], None]])
    assert first.lines == second.lines and first.lines
    with pytest.raises(TypeError, match="must be Callback objects, got function"):
        regressor().fit(*rows(), verbose=0, callbacks=[lambda: None])


def test_a_history_or_a_bar_of_ones_own_is_the_only_one(capsys):
    history = callbacks.History()
    lines = callbacks.ProgressLines(io.StringIO())
    returned = regressor().fit(*rows(), verbose=2, callbacks=[history, lines])
    assert returned is history and history.epoch == [0]
    assert capsys.readouterr().out == "" and "loss" in lines.stream.getvalue()


def test_an_error_in_a_training_leaves_no_file_open_and_the_terminal_usable(tmp_path):
    from rich.console import Console

    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    bar, table = ProgressBar(console), callbacks.CSVLogger(tmp_path / "log.csv")

    def fail(epoch, logs):
        raise KeyboardInterrupt

    model = regressor()
    ends = [bar, table, callbacks.LambdaCallback(on_epoch_end=fail)]
    with pytest.raises(KeyboardInterrupt):
        model.fit(*rows(), verbose=0, callbacks=ends)
    assert table._file.closed and console.file.getvalue().endswith("\x1b[?25h")
    assert np.isfinite(model.predict(rows()[0])).all()


# --- what Keras 3.15 decided on these numbers -----------------------------------------------


def follow(callback, values):
    """(epochs that ran, rates after each of them)"""
    model, rates = regressor(1.0), []
    model.build()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"loss": 1.0, "val_loss": value})
        rates.append(model.optimizer.learning_rate)
        if model.stop_training:
            break
    return epoch, rates


STOPS = [
    ([0.42, 0.42, 0.73, 0.53], dict(patience=3, start_from_epoch=1, baseline=0.39), (3, 1)),
    (
        [0.46, 0.27, 0.2, 0.42, 0.36, 0.28],
        dict(patience=3, min_delta=0.1, start_from_epoch=2, mode="max", baseline=0.8),
        (4, 3),
    ),
    (
        [0.51, 0.65, 0.29, 0.32, 0.28, 0.42, 0.32],
        dict(patience=3, min_delta=0.1, start_from_epoch=1, mode="min", baseline=0.43),
        (5, 2),
    ),
    # becoming better goes on, even if it stays behind the baseline for longer than the patience
    ([3.0, 2.0, 1.5, 1.4, 1.6], dict(patience=1, baseline=1.0), (4, 3)),
]


@pytest.mark.parametrize("values,options,want", STOPS)
def test_early_stopping_stops_where_keras_does(values, options, want):
    stopping = EarlyStopping(**options)
    assert (follow(stopping, values)[0], stopping.best_epoch) == want


RATES = [
    (
        [0.61, 0.36, 0.2, 0.49, 0.3, 0.14, 0.27, 0.55, 0.25, 0.15, 0.08, 0.31],
        dict(patience=1, mode="min"),
        [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625, 0.05],
    ),
    (
        [0.47, 0.41, 0.44, 0.48, 0.68, 0.41, 0.22, 0.04, 0.07, 0.16, 0.23, 0.12],
        dict(patience=2, mode="max"),
        [1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125],
    ),
]


@pytest.mark.parametrize("values,options,want", RATES)
def test_the_rate_falls_where_it_does_in_keras(values, options, want):
    same = dict(factor=0.5, min_delta=0.1, cooldown=2, min_lr=0.05)
    assert follow(ReduceLROnPlateau(**same, **options), values)[1] == pytest.approx(want)


# --- what cannot work is refused ------------------------------------------------------------


def test_better_must_be_known():
    with pytest.raises(ValueError, match="is val_mine better when larger or smaller"):
        EarlyStopping("val_mine")
    assert EarlyStopping("val_mine", mode="max").better(2, 1, 0)
    assert EarlyStopping("val_top_k_categorical_accuracy").better(2, 1, 0)
    assert EarlyStopping("val_root_mean_squared_error").better(1, 2, 0)


def test_watching_a_validation_that_there_is_not_is_an_error():
    with pytest.raises(ValueError, match="watches 'val_loss'; the logs have loss, mae"):
        regressor().fit(*rows(), verbose=0, callbacks=[EarlyStopping()])
    stopping = EarlyStopping(patience=9)
    often = dict(validation_split=0.5, validation_freq=2, epochs=4)
    assert len(regressor().fit(*rows(), verbose=0, callbacks=stopping, **often).epoch) == 4


def test_refused_at_once(tmp_path):
    with pytest.raises(ValueError, match="factor must be between 0 and 1, got 1"):
        ReduceLROnPlateau(factor=1)
    with pytest.raises(ValueError, match="val_loss is known after epochs only"):
        ModelCheckpoint(tmp_path / "net", save_freq=5, save_best_only=True)
    with pytest.raises(ValueError, match="scalars only; histogram_freq is not supported"):
        callbacks.TensorBoard(tmp_path, histogram_freq=1)
    with pytest.raises(TypeError, match="did you mean log_dir"):
        callbacks.TensorBoard(logdir=tmp_path)


def test_a_loss_that_is_no_number_can_be_an_error():
    ends = callbacks.TerminateOnNaN(raise_error=True)
    with pytest.raises(RuntimeError, match="loss is (inf|nan)"):
        regressor(1e30).fit(*rows(), epochs=50, verbose=0, callbacks=[ends])


def test_a_table_has_columns_for_validations_that_come_later(tmp_path):
    path = tmp_path / "log.csv"
    often = dict(validation_split=0.5, validation_freq=2, epochs=2)
    regressor().fit(*rows(), verbose=0, callbacks=[callbacks.CSVLogger(path)], **often)
    lines = [line.split(",") for line in path.read_text().splitlines()]
    assert lines[0] == ["epoch", "loss", "mae", "val_loss", "val_mae"]
    assert lines[1][3:] == ["NA", "NA"] and float(lines[2][3]) > 0
