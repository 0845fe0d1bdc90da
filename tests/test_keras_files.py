"""Files of Keras: ours and theirs are read by both; hostile ones are refused.

Where RESPNET_KERAS_PYTHON names a Python with Keras, it writes and reads the files itself; a small
model it once wrote (tests/golden/graph.*) is read in any case.
"""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from keras_models import ENDINGS, MODELS, predictions, shaken, write

import respnet
from respnet.engine.errors import FileError

h5py = pytest.importorskip("h5py", reason="h5py is in the test extra")
KERAS = os.environ.get("RESPNET_KERAS_PYTHON")
with_keras = pytest.mark.skipif(not KERAS, reason="RESPNET_KERAS_PYTHON names no Python with Keras")
GOLDEN = Path(__file__).parent / "golden"


def run_keras(folder, what):
    program = Path(__file__).parent / "keras_models.py"
    done = subprocess.run([KERAS, str(program), str(folder), what], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def check(folder, name, ending):
    """Loaded by respnet, the model predicts what was recorded."""
    new, inputs = MODELS[name](respnet)
    if ending == ".weights.h5":
        new.load_weights(folder / f"{name}{ending}")
    else:
        new = respnet.load_model(folder / f"{name}{ending}")
        assert new.name == name and type(new).__name__ in ("Sequential", "Model")
        assert type(new.optimizer).__name__ == "Adam"
        if len(new.outputs) == 1:
            assert new.metrics_names == ["loss", "mae"]
    want = list(np.load(folder / f"{name}.npz").values())
    for got, wanted in zip(predictions(new, inputs), want, strict=True):
        assert np.ptp(wanted) > 1e-3
        np.testing.assert_allclose(got, wanted, atol=1e-5)


@with_keras
def test_what_keras_writes_is_read(tmp_path):
    run_keras(tmp_path, "write")
    for name in MODELS:
        for ending in ENDINGS:
            check(tmp_path, name, ending)


@with_keras
def test_what_is_written_keras_reads(tmp_path):
    write(tmp_path, respnet)
    run_keras(tmp_path, "read")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", MODELS)
def test_there_and_back(tmp_path, name, ending):
    write(tmp_path, respnet, [ending])
    check(tmp_path, name, ending)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_keras_wrote_long_ago_is_read(ending):
    check(GOLDEN, "graph", ending)


def test_a_model_that_is_not_compiled_stays_so(tmp_path):
    model, _ = MODELS["chain"](respnet)
    for ending in (".keras", ".h5"):
        model.save(tmp_path / f"net{ending}")
        assert respnet.load_model(tmp_path / f"net{ending}").optimizer is None


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_losses_of_several_outputs_and_frozen_layers_are_kept(tmp_path, ending):
    model, inputs = MODELS["graph"](respnet)
    model.get_layer("shared").trainable = False
    names = model.output_names
    losses = dict(zip(names, ["mse", "mae", None], strict=False))
    model.compile("sgd", {n: o for n, o in losses.items() if o}, metrics={names[0]: ["mae"]})
    model.save(tmp_path / f"net{ending}")
    again = respnet.load_model(tmp_path / f"net{ending}")
    assert {n: type(o).__name__ for n, o in again.loss.items()} == {
        n: type(o).__name__ for n, o in model.loss.items()
    }
    assert not again.get_layer("shared").trainable
    assert again.metrics_names == model.metrics_names


def test_a_loaded_model_goes_on_learning(tmp_path):
    model, (x,) = MODELS["picture"](respnet)
    shaken(model)
    model.save(tmp_path / "net.keras")
    again = respnet.load_model(tmp_path / "net.keras")
    losses = again.fit(x, np.eye(3)[:2], epochs=3, verbose=0).history["loss"]
    assert losses[2] < losses[0]


# --- what is refused ------------------------------------------------------------------------


def test_names_that_do_not_fit_are_refused(tmp_path):
    model, _ = MODELS["chain"](respnet)
    with pytest.raises(ValueError, match="name for weights alone: save_weights writes it"):
        model.save(tmp_path / "net.weights.h5")
    with pytest.raises(ValueError, match=r"weights alone go to \*.weights.h5 or \*.respnet"):
        model.save_weights(tmp_path / "net.keras")
    model.save(tmp_path / "net.keras")
    with pytest.raises(FileExistsError, match="is there already"):
        model.save(tmp_path / "net.keras", overwrite=False)


def test_what_keras_does_not_have_is_refused(tmp_path):
    layers = respnet.layers
    model = respnet.Sequential([layers.Input((4, 2)), layers.LSTM(3, peephole=True, name="peep")])
    with pytest.raises(ValueError, match="layer peep: Keras has no LSTM with peepholes"):
        model.save(tmp_path / "net.keras")


def test_without_h5py_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    model, _ = MODELS["chain"](respnet)
    with pytest.raises(ImportError, match=r"pip install \"respnet\[keras\]\""):
        model.save(tmp_path / "net.keras")


def changed(path, **members):
    """The zip with members replaced; None takes one away."""
    with zipfile.ZipFile(path) as file:
        data = {n: file.read(n) for n in file.namelist()} | members
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, value in data.items():
            if value is not None:
                file.writestr(name, value)
    return path


def weights_file(edit):
    """model.weights.h5 of the golden graph, edited."""
    memory = io.BytesIO((GOLDEN / "graph.weights.h5").read_bytes())
    with h5py.File(memory, "r+") as file:
        edit(file)
    return memory.getvalue()


def replaced(path, **options):
    def edit(file):
        del file[path]
        file.create_dataset(path, **options)

    return edit


def linked(link):
    def edit(file):
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = link

    return edit


def config(**changes):
    data = json.loads(zipfile.ZipFile(GOLDEN / "graph.keras").read("config.json"))
    return json.dumps({**data, **changes}).encode()


CODE = {"class_name": "__lambda__", "config": {"code": "4wAAAA=="}}
LAMBDA = {"class_name": "Lambda", "config": {"name": "x", "function": CODE}}
DENSE = {"class_name": "Dense", "config": {"name": "d", "units": 2, "quantized": "int8"}}
WEIGHTS = {
    "huge": (replaced("layers/dense/vars/0", shape=(1 << 40, 4), dtype="f4", chunks=(64, 4)),
             "wants"),
    "text": (replaced("layers/dense/vars/0", data=b"x" * 12), "no numbers are there"),
    "external file": (replaced("layers/dense/vars/0", shape=(3, 4), dtype="f4",
                               external=[("/etc/passwd", 0, 48)]), "in another file"),
    "external link": (linked(h5py.ExternalLink("/etc/passwd", "/x")), "is a link"),
    "soft link": (linked(h5py.SoftLink("/layers/dense_1/vars/0")), "is a link"),
    "missing": (lambda f: f["layers"].__delitem__("dense"), "no numbers are there"),
    "one more": (lambda f: f.create_dataset("layers/dense/vars/2", data=1.0), "more than 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", WEIGHTS)
def test_hostile_weights_are_refused(tmp_path, name):
    edit, said = WEIGHTS[name]
    path = tmp_path / "net.keras"
    path.write_bytes((GOLDEN / "graph.keras").read_bytes())
    with pytest.raises(FileError, match=said):
        respnet.load_model(changed(path, **{"model.weights.h5": weights_file(edit)}))


BAD = {
    "no config": ({"config.json": None}, "has no config.json"),
    "no weights": ({"model.weights.h5": None}, "has no model.weights.h5"),
    "no HDF5": ({"model.weights.h5": b"nothing"}, "not an HDF5 file"),
    "no JSON": ({"config.json": b"{"}, "no model of layers"),
    "a list": ({"config.json": b"[]"}, "no model of layers"),
    "deep": ({"config.json": b"[" * 100_000}, "no model of layers"),
    "unknown model": ({"config.json": config(class_name="Evil")}, "unknown model class 'Evil'"),
    "code": (
        {"config.json": config(class_name="Sequential", config={"layers": [LAMBDA]})},
        "unknown layer class '__lambda__'",
    ),
    "unknown argument": (
        {"config.json": config(class_name="Sequential", config={"layers": [DENSE]})},
        "quantized='int8' is not known",
    ),
    "a bomb": ({"config.json": b" " * (65 << 20)}, "config.json is larger than"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_hostile_file_is_refused(tmp_path, name):
    members, said = BAD[name]
    path = tmp_path / "net.keras"
    path.write_bytes((GOLDEN / "graph.keras").read_bytes())
    with pytest.raises(FileError, match=said):
        respnet.load_model(changed(path, **members))


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_cut_and_foreign_files_are_refused(tmp_path, ending):
    whole = (GOLDEN / f"graph{ending}").read_bytes()
    path = tmp_path / f"net{ending}"
    for data in (b"", b"nothing", whole[:100], whole[: len(whole) // 2], whole[:-30]):
        path.write_bytes(data)
        with pytest.raises(FileError):
            respnet.load_model(path)


def test_weights_of_another_model_are_refused(tmp_path):
    model, _ = MODELS["chain"](respnet)
    with pytest.raises(FileError, match="no numbers are there|has shape"):
        model.load_weights(GOLDEN / "graph.weights.h5")
    with pytest.raises(FileError, match="left: 2 weights, embedding.* has 1"):
        model.load_weights(GOLDEN / "graph.h5")
    with pytest.raises(FileError, match="no description of a model; load_weights reads weights"):
        respnet.load_model(GOLDEN / "graph.weights.h5")


def test_a_file_of_keras_2_is_read(tmp_path):
    """Its words: a shape in the first layer, inbound nodes as lists, weights named kernel:0."""
    dense = {"name": "d", "units": 2, "activation": "relu", "trainable": True, "dtype": "float32"}
    begin = {"name": "x", "batch_input_shape": [None, 3], "sparse": False}
    about = {
        "class_name": "Model",
        "config": {
            "name": "old",
            "layers": [
                {"class_name": "InputLayer", "config": begin, "name": "x", "inbound_nodes": []},
                {"class_name": "Dense", "config": dense, "name": "d",
                 "inbound_nodes": [[["x", 0, 0, {}]]]},
            ],
            "input_layers": [["x", 0, 0]],
            "output_layers": [["d", 0, 0]],
        },
    }  # fmt: skip
    kernel = np.float32([[1, 2], [3, 4], [5, 6]])
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(about).encode()
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [b"x", b"d"]
        group.create_group("x").attrs["weight_names"] = []
        group.create_group("d").attrs["weight_names"] = [b"d/kernel:0", b"d/bias:0"]
        group["d/d/kernel:0"], group["d/d/bias:0"] = kernel, np.float32([0, -99])
    model = respnet.load_model(tmp_path / "old.h5")
    assert model.predict(np.float32([[1, 1, 1]])).tolist() == [[9, 0]]
