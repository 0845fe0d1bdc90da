"""Models as Keras describes them in ``config.json``, both ways.

Our description of a model (``saving.describe``: layers, calls, inputs, outputs) is the middle: what
Keras 3 or 2 wrote becomes one, and a model of ours is written as Keras 3 would. Objects of Keras
are ``{"class_name": ..., "config": ...}``.
"""

from . import initializers, regularizers
from .arguments import unknown
from .keras_order import ordered
from .layers.base import REQUIRED, Layer
from .layers.core import InputLayer
from .layers.recurrent import Remembering
from .saving import layer_classes

# What Keras writes down and nothing here reads. Values other than this or None are refused.
WITHOUT_EFFECT = {
    "zero_output_for_mask": False,
    "sparse": False,
    "ragged": False,
    "optional": False,
    "synchronized": False,
    "renorm": False,
    "rms_scaling": False,
    "time_major": False,
    "data_format": "channels_last",
}
DROPPED = ("name", "dtype", "trainable", "implementation")
OURS_ONLY = {"peephole": False, "use_cudnn": "auto", "input_length": None}
_INITIALIZERS = {c.kind: c for c in initializers.Initializer.__subclasses__()}


# --- writing --------------------------------------------------------------------------------


def written(model) -> dict:
    """The object Keras makes the model of."""
    layers = ordered(model)
    for layer in layers:
        if not isinstance(layer, Layer):
            raise ValueError(f"model {model.name}: a model within it cannot be written for Keras")
    if hasattr(model, "_stack"):
        config = {"name": model.name, "trainable": True, "dtype": _dtype(model.dtype)}
        begin = [model._begin] if model._begin else []
        config["layers"] = [_layer(layer, model.dtype) for layer in (*begin, *model.layers)]
        return _object("keras", "Sequential", config)
    places = {}
    for layer in layers:
        own = [call for call in model._calls if call.layer is layer]
        places.update({call: (layer.name, number) for number, call in enumerate(own)})
    config = {
        "name": model.name,
        "trainable": True,
        "layers": [_functional(layer, places, model.dtype) for layer in layers],
        "input_layers": [[*places[s.call], s.index] for s in model.inputs],
        "output_layers": [[*places[s.call], s.index] for s in model.outputs],
    }
    return _object("keras.src.models.functional", "Functional", config) | {
        "registered_name": "Functional"
    }


def _object(module: str, name: str, config: dict) -> dict:
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


def _dtype(name: str) -> dict:
    return _object("keras", "DTypePolicy", {"name": name})


def _functional(layer: Layer, places: dict, dtype: str) -> dict:
    calls = [call for call in places if call.layer is layer]
    return _layer(layer, dtype) | {
        "name": layer.name,
        "inbound_nodes": [_inbound(call, places, dtype) for call in calls if call.inputs],
    }


def _inbound(call, places: dict, dtype: str) -> dict:
    tensors = [
        {
            "class_name": "__keras_tensor__",
            "config": {
                "shape": list(s.shape),
                "dtype": dtype,
                "keras_history": [*places[s.call], s.index],
            },
        }
        for s in call.inputs
    ]
    if isinstance(call.layer, Remembering) and len(tensors) > 1:
        return {"args": tensors[:1], "kwargs": {"initial_state": tensors[1:]}}
    return {"args": [tensors] if len(tensors) > 1 else tensors, "kwargs": {}}


def _layer(layer: Layer, dtype: str) -> dict:
    """A layer with its arguments as Keras writes them."""
    name = type(layer).__name__
    if isinstance(layer, InputLayer):
        shape = [layer.batch_size, *layer.input_shape_given]
        config = {"batch_shape": shape, "dtype": dtype, "name": layer.name}
        return _object("keras.layers", name, config)
    if type(layer).__module__.partition(".")[0] != "respnet":
        raise ValueError(f"layer {layer.name} of class {name} cannot be written for Keras")
    config = {"name": layer.name, "trainable": layer.trainable, "dtype": _dtype(dtype)}
    for key, value in layer.get_config().items():
        if key in OURS_ONLY:
            if value != OURS_ONLY[key] and key == "peephole":
                raise ValueError(f"layer {layer.name}: Keras has no LSTM with peepholes")
            continue
        config[key] = _argument(key, getattr(layer, key), value, dtype)
    return _object("keras.layers", name, config)


def _argument(key: str, value, plain, dtype: str):
    if isinstance(value, Layer):
        return _layer(value, dtype)
    if isinstance(value, (list, tuple)):
        return [_argument(key, v, v, dtype) for v in value]
    if key.endswith("_initializer"):
        made = initializers.get(plain)
        return _object("keras.initializers", type(made).__name__, made.get_config())
    if key.endswith("_regularizer") and plain is not None:
        made = regularizers.get(plain)
        return _object("keras.regularizers", type(made).__name__, made.get_config())
    return plain


# --- reading --------------------------------------------------------------------------------


def read(data: dict, custom: dict) -> tuple[dict, str]:
    """(our description, dtype) of what Keras 3 or 2 wrote."""
    kind, config = data["class_name"], data["config"]
    if isinstance(config, list):  # Sequential of Keras 2.1
        config = {"layers": config}
    dtypes = {_dtype_of(layer["config"]) for layer in config["layers"]} - {None}
    if len(dtypes) > 1 or not dtypes <= {"float32", "float64"}:
        raise ValueError(f"dtypes {sorted(dtypes)} in one model are not supported")
    about = {"name": config.get("name"), "class": "Sequential"}
    if kind == "Sequential":
        about["layers"] = _with_input([_described(each, custom) for each in config["layers"]])
    elif kind in ("Functional", "Model"):
        about |= _graph(config, custom) | {"class": "Model"}
    else:
        raise ValueError(unknown("model class", kind, ("Sequential", "Functional")))
    return about, next(iter(dtypes), "float32")


def _dtype_of(config: dict) -> str | None:
    dtype = config.get("dtype")
    return dtype["config"].get("name") if isinstance(dtype, dict) else dtype


def _with_input(layers: list[dict]) -> list[dict]:
    """Keras 2 keeps the input shape in the first layer."""
    return [layer for each in layers for layer in (*each.pop("before", ()), each)]


def _described(data: dict, custom: dict) -> dict:
    """A layer of Keras in our words; ``before``: the input its config tells of, if any."""
    name, config = data["class_name"], dict(data["config"])
    classes = {**layer_classes(), **custom}
    if name not in classes:
        raise ValueError(unknown("layer class", name, classes))
    shape = config.pop("batch_input_shape", config.pop("batch_shape", None))
    about = {"class": name, "name": config.get("name"), "config": {}}
    if name == "Bidirectional":  # which asks its layers for zeros at masked steps
        _drop_inside(config, "zero_output_for_mask")
    if name == "InputLayer":
        return about | {"config": {"batch_shape": shape}}
    if shape is not None:
        start = {"class": "InputLayer", "name": None, "config": {"batch_shape": shape}}
        about["before"] = [start]
    if config.get("trainable", True) is not True:
        about["config"]["trainable"] = config["trainable"]
    for key, value in config.items():
        if key in DROPPED:
            continue
        if key not in classes[name].arguments:
            if value is not None and value != WITHOUT_EFFECT.get(key, REQUIRED):
                raise ValueError(f"layer {about['name']} ({name}): {key}={value!r} is not known")
            continue
        about["config"][key] = _value(key, value, custom)
    return about


def _drop_inside(config: dict, key: str) -> None:
    for name in ("layer", "backward_layer"):
        if config.get(name):
            inner = {k: v for k, v in config[name]["config"].items() if k != key}
            config[name] = {**config[name], "config": inner}


def _value(key: str, value, custom: dict):
    if isinstance(value, list):
        return [_value(key, each, custom) for each in value]
    if not isinstance(value, dict) or "class_name" not in value:
        return value
    if key.endswith(("_initializer", "_regularizer")):
        table = initializers if key.endswith("_initializer") else regularizers
        made = getattr(table, value["class_name"], None)
        config = value.get("config", {})
        options = {k: v for k, v in config.items() if made and k in made.arguments}
        return {"class": value["class_name"], **options}
    described = _described(value, custom)
    described.pop("before", None)
    return described


def _graph(config: dict, custom: dict) -> dict:
    """Layers and calls of a functional model, each call after those it reads."""
    layers = [_described(layer, custom) for layer in config["layers"]]
    waiting, made, calls = [], {}, []
    for number, layer in enumerate(config["layers"]):
        name = layer.get("name") or layer["config"]["name"]
        nodes = layer.get("inbound_nodes") or [[]]
        waiting += [((name, i), number, _read_tensors(node)) for i, node in enumerate(nodes)]
    while waiting:
        ready = [each for each in waiting if all((n, i) in made for n, i, _ in each[2])]
        if not ready:
            raise ValueError(f"layer {waiting[0][0][0]!r} reads what no layer gives")
        for place, number, tensors in ready:
            made[place] = len(calls)
            calls.append([number, [[made[n, i], index] for n, i, index in tensors]])
        waiting = [each for each in waiting if each[0] not in made]

    def ends(key: str) -> list:
        places = config[key]
        places = [places] if places and isinstance(places[0], str) else places
        return [[made[name, node], index] for name, node, index in places]

    inputs, outputs = ends("input_layers"), ends("output_layers")
    return {"layers": layers, "calls": calls, "inputs": inputs, "outputs": outputs}


def _read_tensors(node) -> list[tuple]:
    """(layer, call, output) of everything a call reads, in order."""
    if isinstance(node, dict) and node.get("class_name") == "__keras_tensor__":
        return [tuple(node["config"]["keras_history"])]
    if isinstance(node, dict):
        if node.get("kwargs", {}).get("mask") is not None:
            raise ValueError("masks given to a call are not supported")
        return [t for part in (node.get("args"), node.get("kwargs")) for t in _inside(part)]
    found = []
    for each in node:  # Keras 2: [[name, call, output, options], ...]
        name, call, index, *options = each
        found.append((name, call, index))
        states = (options[0] if options else {}).get("initial_state", [])
        found += [tuple(state[:3]) for state in states]
    return found


def _inside(part) -> list[tuple]:
    if isinstance(part, dict) and part.get("class_name") != "__keras_tensor__":
        part = list(part.values())
    if isinstance(part, (list, tuple)):
        return [t for each in part for t in _inside(each)]
    return _read_tensors(part) if isinstance(part, dict) else []


__all__ = ["read", "written"]
