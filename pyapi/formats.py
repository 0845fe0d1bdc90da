"""Which file format a path means: one place for saving, loading and exporting.

``*.respnet`` (and any other name) is our own; ``*.keras``, ``*.h5`` and ``*.weights.h5`` are those
of Keras and need h5py; ``*.onnx`` is read and written without a package.
"""

import importlib
import os
from pathlib import Path

# ending -> module with save_model, load_model, save_weights, load_weights
MODULES = {".keras": "keras_zip", ".weights.h5": "keras_h5", ".h5": "keras_h5", ".hdf5": "keras_h5"}


def module_of(path):
    """The module that reads and writes files of this name."""
    name = Path(os.fspath(path)).name.lower()
    found = [module for ending, module in MODULES.items() if name.endswith(ending)]
    return importlib.import_module(f"respnet.{found[0] if found else 'saving'}")


def refuse_overwriting(path, overwrite: bool) -> None:
    if not overwrite and Path(path).exists():
        raise FileExistsError(f"{path} is there already; overwrite=True replaces it")


class Savable:
    """The part of a model that writes and reads files."""

    def save(self, path, overwrite: bool = True, include_optimizer: bool = True) -> None:
        """Write model, weights, and how it was compiled and trained so far.

        ``*.keras`` and ``*.h5`` for Keras, without the optimizer's state; else ``*.respnet``.
        """
        refuse_overwriting(path, overwrite)
        module_of(path).save_model(self, path, include_optimizer)

    def export(self, path, format: str = "onnx") -> None:
        """Write for other programs: ONNX."""
        from .onnx import export

        export(self, path, format)

    def save_weights(self, path, overwrite: bool = True) -> None:
        """Write the weights: ``*.weights.h5`` for Keras, else ``*.respnet``."""
        refuse_overwriting(path, overwrite)
        module_of(path).save_weights(self, path)

    def load_weights(self, path) -> None:
        """Weights of a file whose model has the same shapes."""
        module_of(path).load_weights(self, path)


def load_model(path, custom_objects=None, compile: bool = True):
    """The model that ``save`` wrote, or Keras; of an ``*.onnx`` file what ``load_onnx`` gives."""
    if os.fspath(path).lower().endswith(".onnx"):
        from .onnx import load_onnx

        return load_onnx(path)
    return module_of(path).load_model(path, custom_objects or {}, compile)
