"""respnet: small neural networks, trained and served over the Redis protocol.

    net = respnet.Network(9, 15, 2, role="classifier", train_rows=400, test_rows=200)
    net = respnet.connect("redis://127.0.0.1:6390").create("net", 9, 15, 2)

Public names are loaded on first use, so that ``import respnet`` costs next to nothing.
"""

if __name__ != "respnet":
    raise ImportError("this folder is the package respnet; run: import respnet")

import importlib

__version__ = "0.1.0"

_HOMES = {
    "Network": "network",
    "TrainingError": "network",
    "Client": "client",
    "RemoteNetwork": "client",
    "connect": "client",
    "Sequential": "models",
    "Model": "models",
    "load_model": "models",
    "load_onnx": "onnx",
    "Input": "layers",
    "Dense": "layers",
    "set_random_seed": "utils",
    "GradientTape": "ops",
    "Tensor": "ops",
    "RespnetClassifier": "estimators",
    "RespnetRegressor": "estimators",
}
_MODULES = (  # of the Keras-like API
    "activations",
    "callbacks",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "onnx",
    "ops",
    "optimizers",
    "preprocessing",
    "regularizers",
    "schedules",
    "torch",
    "utils",
)
__all__ = ["__version__", *_HOMES, *_MODULES]


def __getattr__(name: str):
    if name in _MODULES:
        return importlib.import_module(f"respnet.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'respnet' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"respnet.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_MODULES})
