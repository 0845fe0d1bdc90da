"""Callbacks: when they are called, when they stop, what they change."""

import importlib.util
import io
import math

import numpy as np
import pytest

from respnet import callbacks
from respnet.callbacks import EarlyStopping, LearningRateScheduler, ReduceLROnPlateau
from respnet.callbacks.progress import ProgressBar, ProgressLines, shown
from respnet.layers import Dense
from respnet.models import Sequential
from respnet.optimizers import SGD


def rows(n=40):
    x = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    return x, x.sum(1, keepdims=True)


def regressor(rate=0.05):
    model = Sequential([Dense(1, input_dim=3)])
    model.compile(SGD(rate), "mse")
    return model


class Diary(callbacks.Callback):
    def __init__(self, batches=True):
        self.lines = []
        if not batches:
            self.on_batch_begin = None

    def on_train_begin(self, logs=None):
        self.lines.append("begin")

    def on_train_end(self, logs=None):
        self.lines.append("end")

    def on_epoch_begin(self, epoch, logs=None):
        self.lines.append(f"epoch {epoch}")

    def on_epoch_end(self, epoch, logs=None):
        self.lines.append(f"done {epoch} {sorted(logs)}")

    def on_train_batch_begin(self, batch, logs=None):
        self.lines.append(f"batch {batch}")


def test_hooks_come_in_order():
    x, y = rows(20)
    diary = Diary()
    regressor().fit(x, y, batch_size=10, epochs=2, verbose=0, callbacks=[diary])
    epoch = ["epoch {0}", "batch 0", "batch 1", "done {0} ['loss']"]
    want = ["begin", *(line.format(e) for e in range(2) for line in epoch), "end"]
    assert diary.lines == want
    assert diary.params["epochs"] == 2 and diary.params["steps"] == 2


def follow(callback, values, name="val_loss"):
    """The epochs a callback lets happen when a number takes these values."""
    model = regressor()
    model.build()
    callback.set_model(model)
    callback.on_train_begin()
    model.stop_training = False
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"loss": 1.0, name: value})
        if model.stop_training:
            break
    callback.on_train_end()
    return epoch, model


@pytest.mark.parametrize(
    "options,values,want",
    [
        ({"patience": 2}, [3, 2, 2.5, 2.4, 2.3], 3),
        ({"patience": 0}, [3, 2, 2, 1], 2),
        ({"patience": 1, "min_delta": 0.5}, [3, 2.8, 2.7], 1),
        ({"patience": 2, "start_from_epoch": 2}, [1, 1, 5, 6, 7, 8], 4),
        ({"patience": 9}, [3, 4, 5], 2),
        ({"patience": 1, "baseline": 1.0}, [3, 2, 2], 2),
    ],
)
def test_early_stopping_waits_for_a_better_loss(options, values, want):
    assert follow(EarlyStopping(**options), values)[0] == want


def test_early_stopping_knows_that_accuracy_rises():
    stopping = EarlyStopping("val_accuracy", patience=1)
    assert follow(stopping, [0.1, 0.2, 0.3, 0.3, 0.9], "val_accuracy")[0] == 3


def test_early_stopping_brings_the_best_weights_back():
    model = regressor()
    stopping = EarlyStopping(patience=1, restore_best_weights=True)
    stopping.set_model(model)
    stopping.on_train_begin()
    seen = []
    for epoch, value in enumerate([2.0, 1.0, 3.0]):
        model.set_weights([np.full((3, 1), epoch), np.zeros(1)])
        stopping.on_epoch_end(epoch, {"val_loss": value})
        seen.append(model.stop_training)
    stopping.on_train_end()
    assert seen == [False, False, True] and model.get_weights()[0][0, 0] == 1


def test_a_number_nobody_reports_is_an_error_with_names():
    with pytest.raises(ValueError, match="watches 'accuracy'; the logs have loss"):
        x, y = rows()
        regressor().fit(x, y, verbose=0, callbacks=[EarlyStopping("accuracy")])


def test_the_rate_falls_on_a_plateau():
    reducing = ReduceLROnPlateau(patience=2, factor=0.1, min_lr=0.001)
    _, model = follow(reducing, [1, 1, 1, 1, 1, 1, 1])
    assert model.optimizer.learning_rate == pytest.approx(0.001)
    _, model = follow(ReduceLROnPlateau(patience=2), [5, 4, 3, 2, 1])
    assert model.optimizer.learning_rate == 0.05


def test_the_scheduler_sets_the_rate_of_each_epoch():
    x, y = rows()
    scheduled, by_hand = regressor(), regressor()
    by_hand.set_weights(scheduled.get_weights())
    halving = LearningRateScheduler(lambda epoch, rate: rate / 2)
    history = scheduled.fit(x, y, epochs=3, shuffle=False, verbose=0, callbacks=[halving]).history
    for rate in (0.025, 0.0125, 0.00625):
        by_hand.optimizer.lr = rate
        by_hand.fit(x, y, shuffle=False, verbose=0)
    assert history["learning_rate"] == [0.025, 0.0125, 0.00625]
    assert np.array_equal(scheduled.get_weights()[0], by_hand.get_weights()[0])


def test_a_loss_that_is_no_number_ends_the_training(capsys):
    x, y = rows()
    model = regressor(1e30)
    history = model.fit(x, y, epochs=50, verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    assert len(history.epoch) < 50 and not math.isfinite(history.history["loss"][-1])
    assert "training stopped" in capsys.readouterr().out


def test_checkpoints_by_epoch_keep_the_last(tmp_path):
    x, y = rows()
    saving = callbacks.ModelCheckpoint(
        str(tmp_path / "net-{epoch:02d}-{loss:.1f}.respnet"), max_to_keep=2
    )
    model = regressor()
    model.fit(x, y, epochs=4, verbose=0, callbacks=[saving])
    names = sorted(path.name[:6] for path in tmp_path.iterdir())
    assert names == ["net-03", "net-04"]


@pytest.mark.parametrize("ending", [".respnet", ".weights.h5"])
def test_checkpoints_of_weights_alone(tmp_path, ending):
    if ending == ".weights.h5":
        pytest.importorskip("h5py")
    saving = callbacks.ModelCheckpoint(tmp_path / f"net{ending}", save_weights_only=True)
    model, other = regressor(), regressor()
    model.fit(*rows(), verbose=0, callbacks=[saving])
    other.build()
    other.load_weights(tmp_path / f"net{ending}")
    assert all(map(np.array_equal, model.get_weights(), other.get_weights()))


def test_checkpoints_every_n_batches(tmp_path):
    x, y = rows()
    saving = callbacks.ModelCheckpoint(str(tmp_path / "rnn-{step}"), save_freq=3)
    regressor().fit(x, y, batch_size=10, epochs=2, verbose=0, callbacks=[saving])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rnn-3", "rnn-6"]


def test_the_best_checkpoint_only(tmp_path):
    path = tmp_path / "best.respnet"
    saving = callbacks.ModelCheckpoint(path, save_best_only=True)
    model = regressor()
    saving.set_model(model)
    for epoch, value in enumerate([2.0, 1.0, 3.0]):
        model.set_weights([np.full((3, 1), epoch), np.zeros(1)])
        saving.on_epoch_begin(epoch)
        saving.on_epoch_end(epoch, {"val_loss": value})
    from respnet.models import load_model

    assert load_model(path).get_weights()[0][0, 0] == 1


def test_a_table_of_epochs_goes_on_when_appended(tmp_path):
    x, y = rows()
    path = tmp_path / "log.csv"
    for append in (False, True):
        logger = callbacks.CSVLogger(path, append=append)
        regressor().fit(x, y, epochs=2, verbose=0, validation_split=0.5, callbacks=[logger])
    lines = path.read_text().splitlines()
    assert lines[0] == "epoch,loss,val_loss" and len(lines) == 5
    assert [line.split(",")[0] for line in lines[1:]] == ["0", "1", "0", "1"]
    assert float(lines[1].split(",")[1]) > 0


def test_lambda_hooks_and_their_names():
    x, y = rows()
    seen = []
    hook = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    regressor().fit(x, y, epochs=2, verbose=0, callbacks=[hook])
    assert seen == [0, 1]
    with pytest.raises(TypeError, match="no hook 'on_epoch'"):
        callbacks.LambdaCallback(on_epoch=print)


# --- what is shown --------------------------------------------------------------------------


def test_lines_show_speed_and_scores(capsys):
    x, y = rows()
    regressor().fit(x, y, epochs=2, verbose="log", validation_split=0.5)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[0].startswith("Epoch 1/2 - ")
    assert all(word in lines[1] for word in ("samples/s", "loss: ", "val_loss: "))


def test_silence_is_silent(capsys):
    x, y = rows()
    regressor().fit(x, y, verbose=0)
    assert capsys.readouterr().out == "" and shown(0) is None
    assert isinstance(shown("log"), ProgressLines) and isinstance(shown(1), ProgressBar)


def test_the_bar_is_drawn_at_most_ten_times_a_second():
    from rich.console import Console

    class Scores:
        @staticmethod
        def logs():
            return {"loss": 0.5}

    now = [0.0]
    out = io.StringIO()
    bar = ProgressBar(Console(file=out, force_terminal=True, width=100), clock=lambda: now[0])
    bar.set_params({"epochs": 1, "samples": 1000})
    bar.on_train_begin()
    bar.on_epoch_begin(0)
    for done in range(1, 1001):  # a second of 1 ms batches
        now[0] = done / 1000
        bar.on_progress(done, 1000, Scores)
    bar.on_epoch_end(0, {"loss": 0.5})
    bar.on_train_end()
    assert 3 <= bar.redraws <= 10
    assert "1,000 samples/s" in out.getvalue() and "loss: 0.5000" in out.getvalue()


def test_history_draws_curves():
    history = callbacks.History()
    assert "no epochs" in repr(history)
    history.on_train_begin()
    for epoch, loss in enumerate([1.0, 0.5, 0.25]):
        history.on_epoch_end(epoch, {"loss": loss})
    assert "█" in repr(history) and "0.25" in repr(history)


def test_history_plots_its_curves():
    history = callbacks.History()
    history.on_train_begin()
    for epoch in (0, 1):
        history.on_epoch_end(epoch, {"loss": 2.0 - epoch, "val_loss": 3.0 - epoch})
    if importlib.util.find_spec("matplotlib") is None:
        with pytest.raises(ImportError, match=r"respnet\[plot\]"):
            history.plot()
        return
    import matplotlib

    matplotlib.use("Agg")
    axes = history.plot()
    assert [line.get_label() for line in axes.lines] == ["loss", "val_loss"]
    assert axes.lines[1].get_ydata().tolist() == [3.0, 2.0]
    assert len(history.plot(["loss"]).lines) == 1
