"""A small writer of GraphDefs for the tests, and a program that writes real ones.

``python tf_models.py FOLDER`` freezes models with TensorFlow: NAME.pb, and NAME.npz with an input
x and the output y. It needs tensorflow, keras and numpy, not respnet.
"""

import sys
from pathlib import Path

import numpy as np

DTYPES = {"float32": 1, "float64": 2, "int32": 3, "object": 7, "int64": 9, "bool": 10}


def attribute(value):
    """Attr bytes of a plain value; a str is the name of a function, a dtype itself is a type."""
    from respnet.engine.onnx import wire
    from respnet.engine.tf.proto import encode

    if isinstance(value, np.ndarray):
        return encode("Attr", tensor=tensor(value))
    if isinstance(value, np.dtype):
        return encode("Attr", type=DTYPES[value.name])
    if isinstance(value, str):
        return encode("Attr", func=encode("Call", name=value))
    if isinstance(value, list) and value and isinstance(value[0], str):
        calls = [wire.block(9, encode("Call", name=one)) for one in value]
        return wire.block(1, b"".join(calls))  # the program never reads such a list
    if isinstance(value, list):
        kind = "type" if value and isinstance(value[0], np.dtype) else "i"
        items = [DTYPES[v.name] for v in value] if kind == "type" else value
        return encode("Attr", list=encode("List", **{kind: items}))
    name = {bytes: "s", bool: "b", int: "i", float: "f"}[type(value)]
    return encode("Attr", **{name: value})


def tensor(array):
    from respnet.engine.tf.proto import encode

    shape = encode("Shape", dim=[encode("Dim", size=n) for n in array.shape])
    if array.dtype == object:
        return encode("Tensor", dtype=7, shape=shape, string_val=array.ravel().tolist())
    return encode("Tensor", dtype=DTYPES[array.dtype.name], shape=shape, content=array.tobytes())


def node(name, kind, *inputs, **attributes):
    """Node bytes. Inputs are names; arrays become attributes of Const only."""
    from respnet.engine.tf.proto import encode

    attr = [
        encode("NamedAttr", key=key, value=attribute(value)) for key, value in attributes.items()
    ]
    return encode("Node", name=name, op=kind, input=inputs, attr=attr)


def const(name, value, dtype=None):
    value = np.asarray(value, dtype)
    return node(name, "Const", value=value, dtype=value.dtype)


def placeholder(name, dtype="float32"):
    return node(name, "Placeholder", dtype=np.dtype(dtype))


def graph(*nodes, functions=()):
    from respnet.engine.tf.proto import encode

    library = {"library": encode("Library", function=functions)} if functions else {}
    return encode("Graph", node=nodes, **library)


def function(name, inputs, returned, *nodes):
    """returned: name of a result -> the value inside (``node:result:0``)."""
    from respnet.engine.tf.proto import encode

    signature = encode(
        "Signature",
        name=name,
        input_arg=[encode("Argument", name=one) for one in inputs],
        output_arg=[encode("Argument", name=one) for one in returned],
    )
    ret = [encode("Return", key=key, value=value) for key, value in returned.items()]
    return encode("Function", signature=signature, node_def=nodes, ret=ret)


# --- with TensorFlow --------------------------------------------------------------------------


def models(keras):
    """name -> (layers, input)"""
    layers, rng = keras.layers, np.random.default_rng(0)
    words = rng.integers(0, 9, (3, 6)).astype("int32")
    rows = lambda *shape: rng.normal(size=shape).astype("float32")  # noqa: E731
    found = {
        "dense": ([layers.Dense(3, "relu"), layers.BatchNormalization(),
                   layers.Dense(2, "softmax")], rows(5, 4)),
        "fraud": ([layers.Dense(18, "sigmoid"), layers.Dense(27, "sigmoid"), layers.Dropout(0.2),
                   layers.Dense(40, "sigmoid"), layers.Dense(2, "softmax")], rows(5, 30)),
        "picture": ([layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
                     layers.MaxPooling2D(2, padding="same"), layers.BatchNormalization(),
                     layers.DepthwiseConv2D(2, depth_multiplier=2),
                     layers.AveragePooling2D(2, 1, padding="same"), layers.Flatten(),
                     layers.Dense(2)], rows(2, 9, 8, 3)),
        "masked": ([layers.Embedding(9, 4, mask_zero=True), layers.GRU(5, return_sequences=True),
                    layers.LSTM(3), layers.Dense(2)], words),
    }  # fmt: skip
    for kind in ("SimpleRNN", "LSTM", "GRU"):
        made = [layers.Embedding(9, 4), getattr(layers, kind)(5), layers.Dense(2)]
        found[kind] = (made, words)
    return found


def freeze(folder, name, model, x, frames):
    """frames: loops as Enter, Merge, Switch ..., as graphs of TensorFlow 1 have them."""
    import tensorflow as tf
    from tensorflow.python.framework import convert_to_constants as convert

    spec = tf.TensorSpec((None, *x.shape[1:]), x.dtype, name="x")
    made = tf.function(lambda x: model(x)).get_concrete_function(spec)
    frozen = convert.convert_variables_to_constants_v2(made, lower_control_flow=frames)
    (folder / f"{name}.pb").write_bytes(frozen.graph.as_graph_def().SerializeToString())
    np.savez(folder / f"{name}.npz", x=x, y=made(tf.constant(x)).numpy())


def main(folder):
    import keras
    import tensorflow as tf

    for name, (layers, x) in models(keras).items():
        model = keras.Sequential([keras.Input(x.shape[1:], dtype=x.dtype), *layers])
        freeze(folder, name, model, x, frames=True)
        freeze(folder, name + "-functions", model, x, frames=False)
    with tf.Graph().as_default() as made:
        a, b = (tf.compat.v1.placeholder(tf.float32, name=n) for n in "ab")
        tf.multiply(a, b, name="mul")
    (folder / "mul.pb").write_bytes(made.as_graph_def().SerializeToString())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
