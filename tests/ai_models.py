"""Models, tensors and requests for the tests of AI.*."""

from functools import cache

import numpy as np
import redis

from respnet.engine import Model, ModelSpec, storage

WRONGTYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"


def network(*units, seed=1, dtype="float32"):
    return Model(ModelSpec.dense(units or (3, 4, 2), role="regressor", hidden="tanh", seed=seed,
                                 dtype=dtype))


@cache  # its metadata has no order of its own: bytes of one call are the same bytes
def blob_of(model):
    weights = {"weights": model.weights.vector}
    return storage.to_bytes(storage.Saved(model.spec, weights))


def said(client, *words):
    """The text of the error a request is answered with, code word first."""
    try:
        reply = client.execute_command(*words)
    except redis.ResponseError as error:
        # redis-py takes the word ERR off.
        text = str(error)
        return text if text.startswith("WRONGTYPE") else f"ERR {text}"
    raise AssertionError(f"{words[:6]} was answered {reply!r}")


def store(client, key, model, *options, device="CPU"):
    words = ("RESPNET", device, *options, "BLOB", blob_of(model))
    assert client.execute_command("AI.MODELSTORE", key, *words) == b"OK"


def put(client, key, array):
    name = {"f4": "FLOAT", "f8": "DOUBLE", "i8": "INT64", "i4": "INT32"}[array.dtype.str[1:]]
    client.execute_command("AI.TENSORSET", key, name, *array.shape, "BLOB", array.tobytes())


def got(client, key):
    """A tensor as (type, array)."""
    reply = client.execute_command("AI.TENSORGET", key, "META", "BLOB")
    fields = dict(zip(reply[::2], reply[1::2], strict=True))
    dtype = {b"FLOAT": "f4", b"DOUBLE": "f8", b"INT64": "i8", b"BOOL": "?"}[fields[b"dtype"]]
    return np.frombuffer(fields[b"blob"], dtype).reshape(fields[b"shape"])


def execute(client, key, inputs, outputs, *options):
    return client.execute_command("AI.MODELEXECUTE", key, "INPUTS", len(inputs), *inputs,
                                  "OUTPUTS", len(outputs), *outputs, *options)


def figures(client, key):
    """AI.INFO as a dict."""
    reply = client.execute_command("AI.INFO", key)
    return {name.decode(): value for name, value in zip(reply[::2], reply[1::2], strict=True)}
