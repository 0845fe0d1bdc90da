"""The examples of the Keras-like API run as a user runs them, at a size of seconds."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from respnet.models import load_model
from respnet.preprocessing import pad_sequences

FOLDER = Path(__file__).resolve().parents[1] / "examples"
DATA = FOLDER.parent / "../shared/data"
NAMES = {
    "addition_seq2seq",
    "iris_keras",
    "own_layer",
    "price_lstm",
    "text_generator",
    "tiny_images",
    "who_said_that",
}


def run(name, *words):
    """Output of an example."""
    words = [str(word) for word in words]
    command = [sys.executable, FOLDER / f"{name}.py", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def figure(pattern, output):
    found = re.search(pattern, output)
    assert found, output
    return float(found[1].replace(",", ""))


def data(*parts):
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{'/'.join(parts)} is not here (../shared/data)")
    return path


def test_the_page_lists_them_all():
    page = (FOLDER.parent / "docs/keras.md").read_text()
    assert set(re.findall(r"^\| `(\w+)\.py` \|", page, re.M)) == NAMES


# --- who said that --------------------------------------------------------------------------


def test_who_said_that(tmp_path):
    output = run("who_said_that", "--out", tmp_path)
    assert "Total params: 322,245" in output and "1688 lines" in output
    assert figure(r"accuracy (\d\.\d+) on 338", output) > 0.8
    assert re.search(r"'beep unknown object ahead' \[[\d, ]+\] is Gadget 7\n  0\.\d{5} G", output)


def test_who_said_that_leaves_what_a_service_needs(tmp_path):
    run("who_said_that", "--out", tmp_path, "--rows", 100, "--epochs", 1)
    classes = json.loads((tmp_path / "classes.json").read_text())
    index = json.loads((tmp_path / "word_index.json").read_text())
    assert classes == sorted(classes) and min(index.values()) == 1
    row = pad_sequences([[index["beep"]]], maxlen=150)
    scores = load_model(tmp_path / "model.respnet").predict(row)
    assert scores.shape == (1, len(classes))
    runtime = pytest.importorskip("onnxruntime").InferenceSession(tmp_path / "model.onnx")
    (place,) = runtime.get_inputs()
    (told,) = runtime.run(None, {place.name: row.astype(np.float32)})
    assert np.allclose(told, scores, atol=1e-5)


def test_who_said_that_on_the_lines_of_the_talk(tmp_path):
    path = data("scooby", "scooby-doo-lines.csv")
    output = run("who_said_that", "--data", path, "--out", tmp_path)
    assert "1688 lines, 2172 words, 5 speakers" in output
    assert figure(r"accuracy (\d\.\d+) on 338", output) > 0.3  # the largest class has 0.296
    assert "is Scooby-Doo" in output


# --- prices ---------------------------------------------------------------------------------


def test_price_lstm():
    output = run("price_lstm", "--days", 300, "--epochs", 3)
    assert "Total params: 70,901" in output
    assert figure(r"error (\d\.\d+) on 13 windows", output) < 0.1
    (line,) = re.findall(r"ten ahead (.*)", output)
    assert len(line.split()) == 10


def test_price_lstm_on_a_coin():
    output = run("price_lstm", "--data", data("crypto", "Bitcoin.csv"), "--epochs", 1)
    assert "on 78 windows" in output and "error 0.00617 of who says" in output


# --- text -----------------------------------------------------------------------------------

SMALL = ["--units", 24, "--layers", 2, "--batch", 20, "--sequence", 10, "--length", 60]
OFTEN = ["--sample-every", 10, "--save-every", 5, "--keep", 2]


def test_text_generator_learns_keeps_and_plays(tmp_path):
    output = run(
        "text_generator", *SMALL, *OFTEN,
        "--characters", 1000, "--epochs", 3, "--out", tmp_path,
    )  # fmt: skip
    losses = [float(loss) for loss in re.findall(r" - loss: (\d\.\d+)", output)]
    assert len(losses) == 3 and losses[-1] < losses[0] and "val_loss" in output
    assert len(re.findall(r"--- after \d+ batches", output)) == 7
    names = sorted(path.name for path in tmp_path.glob("rnn-*"))
    assert names == ["rnn-70.respnet", "rnn-75.respnet"]
    curves = [path.parent.name for path in tmp_path.glob("logs/*/events.out.tfevents.*")]
    assert sorted(curves) == ["train", "validation"]

    play = ["--play", tmp_path / "last.respnet", "--length", 60, "--begin", "The "]
    written = run("text_generator", *play)
    assert written.startswith("The ") and figure(r"([\d,]+) characters a second", written) > 0
    assert run("text_generator", *play, "--seed", 2) != written
    greedy = [run("text_generator", *play, "--top", 1, "--seed", seed)[:60] for seed in (1, 2)]
    assert greedy[0] == greedy[1]


def test_text_generator_reads_a_folder(tmp_path):
    (tmp_path / "a.txt").write_text("to be or not to be\n" * 40)
    output = run("text_generator", *SMALL, "--data", tmp_path, "--epochs", 1, "--out", tmp_path)
    assert output.startswith("760 characters to learn from, 3 batches")


# --- addition, iris -------------------------------------------------------------------------


def test_addition_seq2seq():
    small = ["--digits", 1, "--questions", 50, "--epochs", 150, "--batch-size", 15]
    output = run("addition_seq2seq", *small)
    assert "Total params: 205,324" in output and "☑" in output and "☒" in output
    assert np.isfinite(figure(r"accuracy (\d\.\d+) on 5 whole answers", output))
    losses = re.findall(r" - loss: (\S+)", output)
    assert float(losses[-1]) < 0.5 < float(losses[0])


def test_addition_seq2seq_has_so_many_questions():
    with pytest.raises(AssertionError, match="fewer than 60 questions of 1 digits"):
        run("addition_seq2seq", "--digits", 1, "--questions", 60)


def test_iris_keras():
    pytest.importorskip("sklearn")
    assert figure(r"accuracy (\d\.\d+) on 30", run("iris_keras")) >= 0.9


# --- pictures -------------------------------------------------------------------------------

TINY = ["--filters", 4, "--dense", 32]


def test_tiny_images():
    pytest.importorskip("sklearn")
    output = run("tiny_images", *TINY, "--epochs", 6)
    assert output.startswith("1400 pictures to learn from, 397 held out")
    losses = [float(loss) for loss in re.findall(r" - loss: (\S+)", output)]
    assert losses[-1] < losses[0] and figure(r"accuracy (\d\.\d+) on 397", output) > 0.15


def test_tiny_images_of_cifar10(tmp_path):
    for name in ("data_batch_1", "test_batch"):
        rows = np.random.default_rng(0).integers(0, 256, (40, 3073), np.uint8)
        rows[:, 0] %= 10
        rows.tofile(tmp_path / f"{name}.bin")
    output = run("tiny_images", *TINY, "--epochs", 1, "--data", tmp_path)
    assert output.startswith("40 pictures") and "Total params" in output


def test_own_layer():
    assert figure(r"accuracy (\d\.\d+) on 500", run("own_layer")) > 0.97
