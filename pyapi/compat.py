"""Old names, so that programs of 2016 and 2017 run with their import lines changed.

    from respnet.compat import keras        # then keras.layers.core.Dense(output_dim=1) ...

Everything here is an alias: a name of Keras 1 or 2, or of TensorFlow's copy of it, for what has
another one now. Importing this module makes ``respnet.compat.keras.layers.core`` and its like
importable too.
"""

import sys
import types

import numpy as np

from . import (
    activations,
    callbacks,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    onnx,
    optimizers,
    preprocessing,
    regularizers,
    schedules,
    utils,
)
from .fit import Trainable
from .layers.base import Layer
from .layers.core import Embedding
from .loop import FIT

# argument of Keras 1 -> of Keras 3
ARGUMENTS = {
    "output_dim": "units",
    "init": "kernel_initializer",
    "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation",
    "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer",
    "b_regularizer": "bias_regularizer",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
    "bias": "use_bias",
    "p": "rate",
    "nb_filter": "filters",
    "border_mode": "padding",
    "subsample": "strides",
    "filter_length": "kernel_size",
    "subsample_length": "strides",
    "pool_length": "pool_size",
}
FIT_ARGUMENTS = {
    "nb_epoch": "epochs",
    "samples_per_epoch": "steps_per_epoch",
    "nb_val_samples": "validation_steps",
    "class_weights": "class_weight",
}
IGNORED = ("workers", "use_multiprocessing", "max_queue_size", "max_q_size", "pickle_safe")


def modern(options: dict, table: dict, known) -> dict:
    """Options under their names of today; those the target knows itself stay."""
    return {(n if n in known else table.get(n, n)): value for n, value in options.items()}


def old_layer(cls: type[Layer]) -> type[Layer]:
    """A layer class that also takes the arguments of Keras 1."""

    def __init__(self, *values, **options):
        cls.__init__(self, *values, **modern(options, ARGUMENTS, cls.arguments))

    return type(cls.__name__, (cls,), {"__init__": __init__, "__module__": __name__})


class Convolution2D(old_layer(layers.Conv2D)):
    """Conv2D as Keras 1 wrote it, ``Convolution2D(32, 3, 3)``; (32, (3, 3)) is understood too."""

    def __init__(self, *values, **options):
        rows, columns = options.pop("nb_row", None), options.pop("nb_col", None)
        if len(values) > 2 and all(isinstance(n, int) for n in values[1:3]):
            (filters, rows, columns), values = values[:3], values[3:]
            values = (filters, (rows, columns), *values)
        elif rows is not None:
            options["kernel_size"] = (rows, columns)
        super().__init__(*values, **options)


class OldTraining:
    """The methods that went, and ``nb_epoch``."""

    def fit(self, x=None, y=None, *values, **options):
        return Trainable.fit(self, x, y, *values, **modern(options, FIT_ARGUMENTS, FIT))

    def fit_generator(self, generator, steps_per_epoch=None, epochs=1, **options):
        kept = {n: v for n, v in options.items() if n not in IGNORED}
        return self.fit(generator, steps_per_epoch=steps_per_epoch, epochs=epochs, **kept)

    def evaluate_generator(self, generator, steps=None, **options):
        return self.evaluate(generator, steps=steps)

    def predict_generator(self, generator, steps=None, **options):
        return self.predict(generator, steps=steps)

    def predict_proba(self, x, batch_size=None, verbose=0):
        return self.predict(x)

    def predict_classes(self, x, batch_size=None, verbose=0) -> np.ndarray:
        """The class of the largest output; of a single one, whether it is above a half."""
        outputs = self.predict(x)
        if outputs.shape[-1] > 1:
            return outputs.argmax(axis=-1)
        return (outputs > 0.5).astype("int32")


class Sequential(OldTraining, models.Sequential):
    """Sequential with the methods of Keras 2."""


class Model(OldTraining, models.Model):
    """Model with the methods of Keras 2; also takes ``input=`` and ``output=``."""

    def __init__(self, inputs=None, outputs=None, name=None, **options):
        inputs, outputs = options.pop("input", inputs), options.pop("output", outputs)
        super().__init__(inputs, outputs, name, **options)


# --- the tree of modules --------------------------------------------------------------------


def _module(name: str, *parents, **names) -> types.ModuleType:
    made = types.ModuleType(f"{__name__}.keras{name}")
    for parent in parents:
        public = getattr(parent, "__all__", None) or dir(parent)
        vars(made).update({n: getattr(parent, n) for n in public if not n.startswith("_")})
    vars(made).update(names)
    sys.modules[made.__name__] = made
    return made


_OLD_LAYERS = {
    name: old_layer(value)
    for name, value in vars(layers).items()
    if isinstance(value, type) and issubclass(value, Layer) and value not in (Layer, Embedding)
}
_OLD_LAYERS["Convolution2D"] = Convolution2D
_layers = _module(".layers", layers, **_OLD_LAYERS)
for _name in ("core", "recurrent", "convolutional", "embeddings", "wrappers", "normalization"):
    setattr(_layers, _name, _module(f".layers.{_name}", layers, **_OLD_LAYERS))

_optimizers = _module(
    ".optimizers",
    **optimizers.CLASSES,
    **{name.lower(): made for name, made in optimizers.CLASSES.items()},
    get=optimizers.get,
    schedules=_module(".optimizers.schedules", schedules),
)
_preprocessing = _module(
    ".preprocessing",
    text=_module(".preprocessing.text", preprocessing.text),
    sequence=_module(".preprocessing.sequence", preprocessing.sequence),
    image=_module(".preprocessing.image", preprocessing.image),
)
_models = _module(".models", models, Sequential=Sequential, Model=Model)
_utils = _module(".utils", utils)
_utils.np_utils = _module(".utils.np_utils", utils)
_cifar = _module(".datasets.cifar10", load_data=datasets.load_cifar10)
keras = _module(
    "",
    Sequential=Sequential,
    Model=Model,
    Input=layers.Input,
    activations=_module(".activations", activations),
    backend=_module(".backend", clear_session=utils.clear_session),
    callbacks=_module(".callbacks", callbacks),
    datasets=_module(".datasets", cifar10=_cifar),
    initializers=_module(".initializers", initializers),
    layers=_layers,
    losses=_module(".losses", losses, **{n: getattr(losses, n) for n in dir(losses)}),
    metrics=_module(".metrics", metrics),
    models=_models,
    optimizers=_optimizers,
    preprocessing=_preprocessing,
    regularizers=_module(".regularizers", regularizers),
    utils=_utils,
)
keras2onnx = onnx  # convert_keras, save_model
