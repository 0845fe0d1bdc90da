"""The sides: one module each, imported only when asked for.

A net peer has ``inference(net, x)`` -> Timed whose answer is y (B,O); ``rprop(net, x, y)`` and
``adam(net, x, y)`` -> Timed of one epoch, whose answer is the losses of the first epochs. Whatever
of these it lacks, it does not take part in.
"""

import importlib
import importlib.util

from ..harness import Skipped, Timed

# Side -> (module, the package it needs)
NETS = {
    "respnet": ("bench.peers.respnet_net", "respnet"),
    "numpy": ("bench.peers.numpy_net", "numpy"),
    "numpy, feature-major": ("bench.peers.numpy_feature_major", "numpy"),
    "torch": ("bench.peers.torch_net", "torch"),
    "onnxruntime": ("bench.peers.onnxruntime_net", "onnxruntime"),
}
# The same for nets with recurrent layers; ``inference(model, x)`` and ``adam(model, x, y)``.
RECURRENT = {
    "respnet": ("bench.peers.respnet_rnn", "respnet"),
    "torch": ("bench.peers.torch_rnn", "torch"),
    "onnxruntime": ("bench.peers.onnxruntime_rnn", "onnxruntime"),
    "keras-tensorflow": ("bench.peers.keras_rnn", "tensorflow"),
}
# The same for nets with convolutions; ``inference(model, x)`` and ``rmsprop(model, x, y)``.
IMAGES = {
    "respnet": ("bench.peers.respnet_cnn", "respnet"),
    "torch": ("bench.peers.torch_cnn", "torch"),
    "torch, channels last": ("bench.peers.torch_cnn_last", "torch"),
}


def sides(work: str, names: tuple[str, ...], *arguments, modules=NETS) -> tuple[dict, dict]:
    """(side -> Timed of ``work``, side -> why it was skipped)"""
    found: dict[str, Timed] = {}
    skipped: dict[str, str] = {}
    for name in names:
        try:
            found[name] = getattr(_module(*modules[name]), work)(*arguments)
        except Skipped as reason:
            skipped[name] = str(reason)
    return found, skipped


def _module(module, package):
    if importlib.util.find_spec(package) is None:
        raise Skipped(f"{package} is not installed")
    return importlib.import_module(module)
