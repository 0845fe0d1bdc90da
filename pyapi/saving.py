"""Models in ``*.respnet`` files, through ``engine/storage.py``.

Beside spec and weights: the layers by class and arguments, how the model was compiled, and the
optimizer's state, so that training goes on to the same bits. Files of networks without layers (of
a server, say) are read too: each node becomes a layer.
"""

from collections import Counter
from dataclasses import replace

import numpy as np

from respnet.engine import storage
from respnet.engine.errors import FileError
from respnet.engine.spec import ModelSpec
from respnet.engine.trainer import Snapshot

from . import __version__
from .arguments import Configured, plain, unknown
from .connecting import Connectable
from .graph import Symbol
from .layers.base import Layer
from .layers.core import InputLayer
from .layers.own import check_plain, learn
from .nodes import of_spec
from .per_output import weights_of


def save_model(model, path, include_optimizer: bool = True) -> None:
    """Write a built model."""
    tensors, extra = contents(model, include_optimizer)
    storage.save(path, storage.Saved(model.spec, tensors, extra, __version__))


def save_weights(model, path) -> None:
    save_model(model, path, include_optimizer=False)


def contents(model, include_optimizer: bool = True) -> tuple[dict, dict]:
    """(tensors, plain data) of a built model."""
    tensors = {"weights": model.current_vector()}
    extra = {"model": describe(model)}
    if include_optimizer and model.optimizer is not None:
        extra["training"] = _training(model)
        snapshot = model._session.snapshot() if model._session else model._resume
        if snapshot is not None:
            tensors["optimizer"] = snapshot.state
            extra["training"]["clock"] = [float(number) for number in snapshot.clock]
            extra["training"]["order"] = model.rng.bit_generator.state
    return tensors, extra


def describe(model) -> dict:
    """Class, layers and calls of a model as plain data."""
    calls = [call for call in model._calls if not getattr(call.layer, "hidden", False)]
    numbers = {call: number for number, call in enumerate(calls)}

    def places(symbols: list[Symbol]) -> list:
        return [[numbers[s.call], s.index] for s in symbols if s.call in numbers]

    _check_apart(model)
    layers = model._all_layers()
    return {
        "class": "Sequential" if hasattr(model, "_stack") else "Model",
        "name": model.name,
        "layers": [describe_layer(layer) for layer in layers],
        "frozen": _frozen(model),
        "calls": [[layers.index(call.layer), places(call.inputs)] for call in calls],
        "inputs": places(model.inputs),
        "outputs": places(model.outputs),
    }


def _frozen(model) -> list[int]:
    """Numbers of the leaves that are not trained, as the weights lie: it may have changed since."""
    nodes = {node.name: node.trainable for node in model.spec.nodes}
    leaves = enumerate(model.leaves())
    return [i for i, leaf in leaves if not all(nodes[n] for n in model._owned.get(leaf, ()))]


def describe_layer(layer) -> dict:
    """A layer, or a model that is used as one."""
    if not isinstance(layer, Layer):
        return describe(layer)
    config = layer.get_config()
    if layer.kind == "python":
        check_plain(layer)
    for name, value in config.items():
        if isinstance(getattr(layer, name, None), Connectable):
            config[name] = describe_layer(getattr(layer, name))
        elif isinstance(value, (list, tuple)):
            config[name] = [describe_layer(v) if isinstance(v, Connectable) else v for v in value]
    if isinstance(layer, InputLayer):
        config = {"batch_shape": [layer.batch_size, *layer.input_shape_given]}
    return {"class": type(layer).__name__, "name": layer.name, "config": config}


def _check_apart(model) -> None:
    """A file cannot tell that a model has a layer twice: by itself, and in another it holds."""
    owners = Counter(leaf for layer in model.layers for leaf in set(layer.leaves()))
    twice = [leaf.name for leaf, count in owners.items() if count > 1]
    if twice:
        raise ValueError(
            f"model {model.name}: layer {twice[0]} is used alone and within another; "
            "such a model cannot be saved, but get_weights gives its weights"
        )


def _training(model) -> dict:
    optimizer = model.optimizer
    return {
        "optimizer": {"class": type(optimizer).__name__, **_numbers(optimizer)},
        "iterations": optimizer.iterations,
        "loss": [loss and plain(loss) for loss in model.losses],
        "loss_weights": weights_of(model._wanted["loss_weights"], model.output_names),
        **{name: _metrics(model._wanted[name]) for name in ("metrics", "weighted_metrics")},
    }


def _metrics(wanted):
    """Metrics as plain data, in the lists and dicts they came in, without those of functions."""
    if isinstance(wanted, dict) and "class" not in wanted:
        return {name: _metrics(each) for name, each in wanted.items()}
    if isinstance(wanted, (list, tuple)):
        return [_metrics(each) for each in wanted if _is_plain(each)]
    return plain(wanted) if _is_plain(wanted) else None


def _is_plain(metric) -> bool:
    values = metric.get_config().values() if isinstance(metric, Configured) else [metric]
    return not any(map(callable, values))


def _numbers(optimizer) -> dict:
    """The optimizer's arguments; a schedule becomes the rate it has reached."""
    config = optimizer.get_config()
    if optimizer.scheduled:
        config["learning_rate"] = optimizer.rate(optimizer.iterations)
    return config


# --- reading --------------------------------------------------------------------------------


def load_model(path, custom_objects: dict, compile: bool = True):
    """The model of a file, compiled and ready to go on if it was."""
    learn(custom_objects)
    saved = storage.load(path)
    try:
        return restored(saved, custom_objects, compile)
    except (KeyError, IndexError, TypeError, ValueError) as problem:
        raise FileError(f"{path}: damaged description of layers ({problem})") from problem


def unpickled(spec: dict, tensors: dict, extra: dict):
    """The model whose ``__reduce__`` this is part of."""
    return restored(storage.Saved(ModelSpec.from_dict(spec), tensors, extra), {})


def restored(saved: storage.Saved, custom_objects: dict, compile: bool = True):
    """A model of what a file holds."""
    if saved.extra.get("model") is None:
        return of_spec(saved.spec, saved.tensors["weights"])
    model = _rebuilt(saved, custom_objects)
    _take_over(model, saved)
    training = saved.extra.get("training")
    if compile and training:
        _compile(model, training, saved.tensors.get("optimizer"))
    return model


def _take_over(model, saved: storage.Saved) -> None:
    """Weights and seed of the file; from the seed dropout goes on to the same bits."""
    model._seed = saved.spec.seed
    spec = replace(model.spec, seed=saved.spec.seed)
    model.network = model.placed(spec, model.current_vector())
    model.put_vector(saved.tensors["weights"])


def _rebuilt(saved: storage.Saved, custom: dict):
    return restore_model(saved.extra["model"], custom, saved.spec.dtype)


def restore_model(about: dict, custom: dict, dtype: str = "float32"):
    """The model that ``describe`` described, with new weights."""
    from .models import Model, Sequential

    layers = [restore_layer(each, custom) for each in about["layers"]]
    leaves = list(dict.fromkeys(leaf for layer in layers for leaf in layer.leaves()))
    for number in about.get("frozen", ()):
        leaves[number].learns = False
    if about["class"] == "Sequential":
        return Sequential(layers, name=about["name"], dtype=dtype)
    outputs = []
    for number, inputs in about["calls"]:
        layer, symbols = layers[number], [outputs[c][i] for c, i in inputs]
        if symbols:
            layer(symbols)
        outputs.append(layer.calls[-1].outputs)
    ends = [[outputs[c][i] for c, i in about[key]] for key in ("inputs", "outputs")]
    return Model(*ends, name=about["name"], dtype=dtype)


def layer_classes() -> dict[str, type]:
    """All layer classes by name."""
    from . import layers  # noqa: F401  (so that all of them are known)

    found, todo = {}, [Layer]
    while todo:
        made = todo.pop()
        found[made.__name__] = made
        todo += made.__subclasses__()
    return found


def restore_layer(about: dict, custom: dict | None = None) -> Layer:
    """The layer that ``describe_layer`` described; ``custom`` adds classes by name."""
    if "layers" in about:
        return restore_model(about, custom or {})
    classes = {**layer_classes(), **(custom or {})}
    if about["class"] not in classes:
        raise ValueError(unknown("layer class", about["class"], classes))
    config = {name: _restored(value, custom) for name, value in about["config"].items()}
    made = classes[about["class"]]
    if made.kind != "python":
        return made(**config, name=about["name"])
    layer = made.from_config(config)
    layer.name = about["name"]
    return layer


def _restored(value, custom):
    if isinstance(value, dict) and {"class", "name"} < set(value):
        return restore_layer(value, custom)
    if isinstance(value, list):
        return [_restored(each, custom) for each in value]
    return value


def _compile(model, training: dict, state) -> None:
    model.compile(
        optimizer=training["optimizer"],
        loss=training["loss"],
        loss_weights=training["loss_weights"],
        metrics=training["metrics"],
        weighted_metrics=training["weighted_metrics"],
    )
    model.optimizer.iterations = training["iterations"]
    if state is not None:
        trainable = model.network.layout.trainable
        wanted = model.optimizer.update().state(trainable, model.network.dtype)
        if (state.shape, state.dtype) != (wanted.shape, wanted.dtype):
            raise ValueError(
                f"state of the optimizer must be {wanted.dtype} {wanted.shape}, "
                f"got {state.dtype} {state.shape}"
            )
        steps, loss = training["clock"]
        model._resume = Snapshot(model.current_vector(), state, (int(steps), loss))
        model.rng = np.random.default_rng()
        model.rng.bit_generator.state = training["order"]


def load_weights(model, path) -> None:
    """Weights of a file into a built model whose parameters have the same shapes in order."""
    saved = storage.load(path)
    other = storage.Layout(saved.spec)
    mine = model._need_built().layout
    shapes = [[place.shape for place in layout.places.values()] for layout in (mine, other)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"{path} has weights {shapes[1]}, model {model.name} has {shapes[0]}")
    model.put_vector(np.asarray(saved.tensors["weights"]))
