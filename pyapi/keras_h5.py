"""HDF5 files of Keras, through the optional h5py: ``*.weights.h5`` and the older ``*.h5``.

``*.weights.h5`` (and the weights inside ``*.keras``) name groups by class and number. ``*.h5``
keeps the description in attributes and the weights by the layers' names. Nothing is read before
its shape fits, and no file may lead to another one.
"""

import json

import numpy as np

from respnet.engine.errors import FileError

from . import __version__, keras_config
from .extras import need
from .keras_compile import compile_from, compiled
from .keras_order import groups, ordered, parts
from .saving import restore_model

MOST_TEXT = 64 << 20  # bytes of a description


def _h5py():
    return need("h5py", "keras")


def opened(source):
    """An HDF5 file for reading: of a path or a file of bytes."""
    try:
        return _h5py().File(source, "r")
    except OSError as problem:
        raise FileError(f"{source}: not an HDF5 file ({problem})") from None


def _item(group, path: str):
    """What lies at ``path`` in this very file; None if nothing does."""
    h5py = _h5py()
    for name in path.split("/"):
        if not isinstance(group, h5py.Group) or name not in group:
            return None
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise FileError(f"{group.name}/{name} is a link; that is refused")
        group = group[name]
    return group


def _array(dataset, shape: tuple, what: str) -> np.ndarray:
    """The numbers of a dataset, if they lie in this file and have this shape."""
    h5py = _h5py()
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiu":
        raise FileError(f"{what}: no numbers are there")
    if dataset.external or dataset.is_virtual:
        raise FileError(f"{what} keeps its numbers in another file; that is refused")
    if dataset.shape != shape:
        raise FileError(f"{what} has shape {dataset.shape}, the model wants {shape}")
    return dataset[()]


def _shape(model, name: str) -> tuple:
    return model.network.layout.places[name].shape


# --- weights by class and number: Keras 3 ---------------------------------------------------


def write_groups(model, file) -> None:
    """Into an open file."""
    for layer, group in _groups(model).items():
        for path, leaf in parts(layer):
            made = file.create_group(f"layers/{group}/{path}")
            made.attrs["name"] = leaf.name
            arrays = model.weights_of(model.parameter_names(leaf))
            for number, array in enumerate(arrays):
                made.create_dataset(str(number), data=array)
    file.create_group("vars").attrs["name"] = model.name


def _groups(model) -> dict:
    model._need_built()
    layers = ordered(model)
    for layer in layers:
        if hasattr(layer, "layers"):
            raise ValueError(f"model {model.name}: a model within it has no place in Keras' files")
    return groups(layers)


def read_groups(model, file) -> None:
    """From an open file, into a built model."""
    found = {}
    for layer, group in _groups(model).items():
        for path, leaf in parts(layer):
            names = model.parameter_names(leaf)
            for number, name in enumerate(names):
                what = f"layers/{group}/{path}/{number}"
                found[name] = _array(_item(file, what), _shape(model, name), what)
            if _item(file, f"layers/{group}/{path}/{len(names)}") is not None and names:
                raise FileError(f"layers/{group}/{path} has more than {len(names)} weights")
    if not found and model.weights:
        raise FileError("the file has no weights")
    model.put_weights(list(found), found.values(), f"model {model.name}")


# --- weights by the names of layers: Keras 2 and *.h5 ---------------------------------------


def _owners(model) -> list[tuple]:
    """(layer, names of its weights) of the layers that have some, in Keras' order."""
    named = []
    for layer in _groups(model):
        names = [n for _, leaf in parts(layer) for n in model.parameter_names(leaf)]
        named += [(layer, names)] if names else []
    return named


def _write_named(model, group) -> None:
    owners = _owners(model)
    group.attrs["layer_names"] = np.array([layer.name.encode() for layer, _ in owners])
    group.attrs["backend"], group.attrs["keras_version"] = "respnet", "3.0.0"
    for layer, names in owners:
        own = group.create_group(layer.name)
        shown = [f"{layer.name}/{name}" for name in names]
        own.attrs["weight_names"] = np.array([name.encode() for name in shown])
        for name, array in zip(shown, model.weights_of(names), strict=True):
            own.create_dataset(name, data=array)


def _read_named(model, group) -> None:
    """By name where all names are there, else in order."""
    theirs = [n for n in _texts(group, "layer_names") if _texts(_item(group, n), "weight_names")]
    owners = _owners(model)
    if len(theirs) != len(owners):
        raise FileError(f"{len(theirs)} layers with weights, the model has {len(owners)}")
    if {layer.name for layer, _ in owners} == set(theirs):
        theirs = [layer.name for layer, _ in owners]
    found = {}
    for (layer, names), group_name in zip(owners, theirs, strict=True):
        own = _item(group, group_name)
        places = _texts(own, "weight_names")
        if len(places) != len(names):
            raise FileError(f"{group_name}: {len(places)} weights, {layer.name} has {len(names)}")
        for name, place in zip(names, places, strict=True):
            what = f"{group_name}/{place}"
            found[name] = _array(_item(own, place), _shape(model, name), what)
    model.put_weights(list(found), found.values(), f"model {model.name}")


def _texts(group, name: str) -> list[str]:
    """Names in an attribute; very long lists are cut into name0, name1 ..."""
    if group is None:
        raise FileError("a layer is listed that is not there")
    keys = [name] if name in group.attrs else []
    while f"{name}{len(keys)}" in group.attrs:
        keys.append(f"{name}{len(keys)}")
    texts = [text for key in keys for text in np.atleast_1d(group.attrs[key]).tolist()]
    return [text.decode() if isinstance(text, bytes) else text for text in texts]


# --- files ----------------------------------------------------------------------------------


def _is_weights(path) -> bool:
    return str(path).lower().endswith(".weights.h5")


def save_model(model, path, include_optimizer: bool = True) -> None:
    """``*.h5`` with description and weights, as Keras 2 and 3 read it."""
    if _is_weights(path):
        raise ValueError(f"{path} is a name for weights alone: save_weights writes it")
    about = keras_config.written(model)
    with _h5py().File(path, "w") as file:
        file.attrs["backend"], file.attrs["keras_version"] = "respnet", "3.0.0"
        file.attrs["respnet_version"] = __version__
        file.attrs["model_config"] = json.dumps(about)
        _write_named(model, file.create_group("model_weights"))
        if include_optimizer and (how := compiled(model)):
            file.attrs["training_config"] = json.dumps(_training_config(how))


def _training_config(how: dict) -> dict:
    """The optimizer under the name the older format has for it."""
    return {"optimizer_config" if k == "optimizer" else k: v for k, v in how.items()}


def load_model(path, custom: dict, compile: bool = True):
    """The model of ``*.h5``."""
    with opened(path) as file:
        texts = {n: _texts(file, n) for n in ("model_config", "training_config")}
        if not texts["model_config"]:
            raise FileError(f"{path} has no description of a model; load_weights reads weights")
        if sum(len(t) for each in texts.values() for t in each) > MOST_TEXT:
            raise FileError(f"{path}: a description of more than {MOST_TEXT:,} bytes")
        model = rebuilt(path, texts["model_config"][0], custom)
        _read_named(model, _item(file, "model_weights"))
    if compile and texts["training_config"]:
        how = json.loads(texts["training_config"][0])
        compile_from(model, {"optimizer": how.get("optimizer_config"), **how})
    return model


def rebuilt(path, text: str, custom: dict):
    """A model with new weights of what Keras wrote about it."""
    try:
        about, dtype = keras_config.read(json.loads(text), custom)
        return restore_model(about, custom, dtype)
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as problem:
        raise FileError(f"{path}: no model of layers there are here ({problem})") from problem


def save_weights(model, path) -> None:
    """``*.weights.h5`` as Keras 3 has it; any other ``*.h5`` by the names of layers."""
    with _h5py().File(path, "w") as file:
        (write_groups if _is_weights(path) else _write_named)(model, file)


def load_weights(model, path) -> None:
    """The weights of any ``*.h5`` of Keras, with or without a description."""
    with opened(path) as file:
        if "layer_names" in file.attrs or "layer_names0" in file.attrs:
            _read_named(model, file)
        elif "model_weights" in file:
            _read_named(model, _item(file, "model_weights"))
        else:
            read_groups(model, file)
