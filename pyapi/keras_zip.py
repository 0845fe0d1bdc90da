"""``*.keras``: a zip of metadata.json, config.json and model.weights.h5, as Keras 3 has it.

Nothing of it is code: classes are looked up by name among the layers there are. What a member
unpacks to is bounded before it is unpacked.
"""

import datetime
import io
import json
import zipfile

from respnet.engine.errors import FileError

from . import keras_config, keras_h5
from .extras import need
from .keras_compile import compile_from, compiled

MOST = {"metadata.json": 1 << 20, "config.json": 64 << 20, "model.weights.h5": 1 << 30}
KERAS = "3.0.0"  # the version of Keras whose format this is


def save_model(model, path, include_optimizer: bool = True) -> None:
    """Description and weights; how it was compiled, without the optimizer's state."""
    about = keras_config.written(model)
    how = compiled(model) if include_optimizer else None
    if how:
        about["compile_config"] = how
    date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d@%H:%M:%S")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("metadata.json", json.dumps({"keras_version": KERAS, "date_saved": date}))
        file.writestr("config.json", json.dumps(about))
        file.writestr("model.weights.h5", _weights(model))


def _weights(model) -> bytes:
    memory = io.BytesIO()
    with need("h5py", "keras").File(memory, "w") as file:
        keras_h5.write_groups(model, file)
    return memory.getvalue()


def save_weights(model, path) -> None:
    raise ValueError(f"{path}: weights alone go to *.weights.h5 or *.respnet")


def _member(file: zipfile.ZipFile, name: str) -> bytes:
    """A member, refused if it is larger unpacked than such a member may be."""
    if name not in file.namelist():
        raise FileError(f"{file.filename} has no {name}")
    if file.getinfo(name).file_size > MOST[name]:
        raise FileError(f"{file.filename}: {name} is larger than {MOST[name]:,} bytes")
    with file.open(name) as member:
        data = member.read(MOST[name] + 1)
    if len(data) > MOST[name]:
        raise FileError(f"{file.filename}: {name} is larger than it says")
    return data


def load_model(path, custom: dict, compile: bool = True):
    """The model of a ``*.keras`` file."""
    try:
        with zipfile.ZipFile(path) as file:
            text = _member(file, "config.json").decode()
            model = keras_h5.rebuilt(path, text, custom)
            _read_weights(model, file)
    except (zipfile.BadZipFile, UnicodeDecodeError, EOFError) as problem:
        raise FileError(f"{path}: not a file of Keras ({problem})") from None
    if compile and json.loads(text).get("compile_config"):
        compile_from(model, json.loads(text)["compile_config"])
    return model


def _read_weights(model, file: zipfile.ZipFile) -> None:
    with keras_h5.opened(io.BytesIO(_member(file, "model.weights.h5"))) as weights:
        keras_h5.read_groups(model, weights)


def load_weights(model, path) -> None:
    try:
        with zipfile.ZipFile(path) as file:
            _read_weights(model, file)
    except zipfile.BadZipFile as problem:
        raise FileError(f"{path}: not a file of Keras ({problem})") from None
