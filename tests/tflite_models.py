"""Models of TFLITE for the tests, written operator by operator, and a program that converts one.

``python tflite_models.py FOLDER`` writes digits_quant.tflite (an image network with weights and
numbers in 8 bits) and digits_quant.npz (an input x, the output y). It needs tensorflow and keras;
the rest needs ai-edge-litert.
"""

import sys
from pathlib import Path

import numpy as np


def tensor(name, shape=(1,), kind="FLOAT32", buffer=0):
    """shape: -1 for a length that may change."""
    from ai_edge_litert import schema_py_generated as schema

    made = schema.TensorT()
    made.name, made.shape, made.buffer = name, [abs(n) for n in shape], buffer
    made.type = getattr(schema.TensorType, kind)
    if -1 in shape:
        made.shapeSignature = list(shape)
    return made


def graph(tensors, operators, inputs, outputs):
    """operators: (code, numbers of inputs, of outputs, options of its own or None)."""
    from ai_edge_litert import schema_py_generated as schema

    made = schema.SubGraphT()
    made.tensors, made.inputs, made.outputs, made.operators = tensors, inputs, outputs, []
    for code, taken, given, options in operators:
        one = schema.OperatorT()
        one.opcodeIndex, one.inputs, one.outputs = code, taken, given
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            one.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            one.builtinOptions = options
        made.operators.append(one)
    return made


def blob(names, graphs, constants=()):
    """names: of the operators, by code; a small letter begins the name of an operator that is none
    of the runtime's. constants: arrays, from buffer 1 on."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    made = schema.ModelT()
    made.version, made.subgraphs, made.operatorCodes = 3, graphs, []
    made.buffers = [schema.BufferT()]
    for array in constants:
        made.buffers.append(schema.BufferT())
        made.buffers[-1].data = np.frombuffer(array.tobytes(), np.uint8)
    for name in names:
        code = schema.OperatorCodeT()
        own = name[0].islower()
        code.builtinCode = getattr(schema.BuiltinOperator, "CUSTOM" if own else name)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
        code.customCode = name if own else None
        made.operatorCodes.append(code)
    builder = flatbuffers.Builder(1024)
    builder.Finish(made.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def one_step(name, shape=(-1,)):
    """x -> y of the same shape, by one operator"""
    tensors = [tensor("x", shape), tensor("y", shape)]
    return blob([name], [graph(tensors, [(0, [0], [1], None)], [0], [1])])


def negative():
    """x (N) -> y (N)"""
    return one_step("NEG")


def outer():
    """x (N) -> y (N,N), each number with each"""
    from ai_edge_litert import schema_py_generated as schema

    tensors = [tensor("x", (-1,)), tensor("row", (1, -1)), tensor("column", (-1, 1)),
               tensor("y", (-1, -1)), tensor("r", (2,), "INT32", 1), tensor("c", (2,), "INT32", 2)]
    steps = [(0, [0, 4], [1], schema.ReshapeOptionsT()), (0, [0, 5], [2], schema.ReshapeOptionsT()),
             (1, [1, 2], [3], schema.MulOptionsT())]
    shapes = [np.array([1, -1], "<i4"), np.array([-1, 1], "<i4")]
    return blob(["RESHAPE", "MUL"], [graph(tensors, steps, [0], [3])], shapes)


def endless():
    """x (1) -> y (1): x = -x while true"""
    from ai_edge_litert import schema_py_generated as schema

    loop = schema.WhileOptionsT()
    loop.condSubgraphIndex, loop.bodySubgraphIndex = 1, 2
    true = schema.LessEqualOptionsT()
    outside = graph([tensor("x"), tensor("y")], [(0, [0], [1], loop)], [0], [1])
    condition = graph([tensor("a"), tensor("go", (1,), "BOOL")], [(1, [0, 0], [1], true)], [0], [1])
    body = graph([tensor("b"), tensor("c")], [(2, [0], [1], None)], [0], [1])
    return blob(["WHILE", "LESS_EQUAL", "NEG"], [outside, condition, body])


# --- with TensorFlow --------------------------------------------------------------------------


def main(folder):
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(3)
    layers, rng = keras.layers, np.random.default_rng(3)
    model = keras.Sequential([
        keras.Input((8, 8, 1)), layers.Conv2D(6, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Flatten(), layers.Dense(10, activation="softmax")])
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    pictures = rng.random((40, 1, 8, 8, 1)).astype("float32")
    converter.representative_dataset = lambda: ([one] for one in pictures)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    made = converter.convert()
    (folder / "digits_quant.tflite").write_bytes(made)
    x = rng.integers(0, 256, (5, 8, 8, 1)).astype("uint8")
    y = model.predict(x / np.float32(255), verbose=0)
    np.savez(folder / "digits_quant.npz", x=x, y=y)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
