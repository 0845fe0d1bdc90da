"""respnet in process, through its public API."""

import importlib.util

from ..harness import Skipped, Timed

if importlib.util.find_spec("respnet.engine.model") is None:
    raise Skipped("respnet.engine.model is not there")

from respnet.engine.model import Model
from respnet.engine.spec import ModelSpec


def model(net, **options):
    """A Model with the weights of ``net``."""
    spec = ModelSpec.dense(net.sizes, role="model", hidden=net.hidden, output=net.output, **options)
    made = Model(spec)
    vector = made.weights.vector.copy()
    for k, layer in enumerate(net.layers):
        for name, value in zip(("kernel", "bias"), layer, strict=True):
            made.layout.view(vector, f"dense_{k}/{name}")[...] = value
    made.swap(vector)
    return made


def inference(net, x):
    return Timed(model(net).predict, x)


def rprop(net, x, y):
    raise Skipped("the trainer is not there yet")


def adam(net, x, y):
    raise Skipped("the trainer is not there yet")
