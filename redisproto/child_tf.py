"""Frozen graphs by TensorFlow, inside a child.

What TensorFlow is given is checked as it reads it: operators against ``engine.tf.allowed``, names
of functions against those of the file. Hints in a graph (devices, shapes, compilers) are taken out.
"""

import os

os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3",
               "TF_ENABLE_ONEDNN_OPTS": "0"}

import numpy as np
import tensorflow as tf

from respnet.engine.tf import allowed

from .ai_tensor import NAMES

VERSION = tf.__version__
NO_INPUT = 'Input node named "{}" not found in TF graph.'
NO_OUTPUT = 'Output node named "{}" not found in TF graph'


class Model:
    """One session, on one thread. inputs, outputs: (name, type, shape)."""

    def __init__(self, blob, inputs, outputs):
        self.graph = tf.Graph()
        with self.graph.as_default():
            tf.graph_util.import_graph_def(checked(blob), name="")
        self.feeds = [self.tensor(name, NO_INPUT) for name in inputs]
        fetches = [self.tensor(name, NO_OUTPUT) for name in outputs]
        self.kinds = list(map(kind_of, self.feeds))
        self.inputs = list(zip(inputs, self.kinds, [None] * len(inputs), strict=True))
        self.outputs = [(name, kind_of(one), None)
                        for name, one in zip(outputs, fetches, strict=True)]
        self.session = session(self.graph)
        self.call = self.session.make_callable(fetches, feed_list=self.feeds)

    def tensor(self, name, missing):
        """``node`` or ``node:number`` of the graph."""
        node, _, number = name.partition(":")
        try:
            return self.graph.get_tensor_by_name(f"{node}:{number or 0}")
        except (KeyError, ValueError):
            raise ValueError(missing.format(name)) from None

    def run(self, arrays):
        for (name, kind, _), array in zip(self.inputs, arrays, strict=True):
            given = NAMES.get(array.dtype, "STRING")
            if given != kind:  # TensorFlow would make numbers of another type of them
                raise ValueError(f"input {name!r} wants {kind}, got {given}")
        try:
            return [np.asarray(one) for one in self.call(*arrays)]
        except tf.errors.ResourceExhaustedError:
            raise MemoryError from None
        except tf.errors.OpError as error:
            raise ValueError(problem(error.message or "")) from None


def problem(message):
    """What TensorFlow says is wrong and with which node, without the rest."""
    _, found, rest = message.rpartition("\nNode: ")
    text = rest.partition("\n\t [[")[0]
    if found:
        return "node " + text.replace("\n", ": ", 1)
    return text.removeprefix("Graph execution error:")


def checked(blob):
    """The GraphDef of a blob with nothing in it but what may run."""
    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(blob)
    except Exception:  # of protobuf, which has a class of its own for it
        raise ValueError("this is no GraphDef") from None
    functions = {one.signature.name for one in graph.library.function}
    for nodes in [graph.node, *(one.node_def for one in graph.library.function)]:
        allowed.check(nodes)
        for node in nodes:
            plain(node, functions)
    for function in graph.library.function:
        function.attr.clear()
        function.arg_attr.clear()
    return graph


def plain(node, functions):
    """Take the hints out of a node; ValueError if it names a function that is not in the file:
    TensorFlow would take an operator of that name instead."""
    node.device = ""
    for name in [one for one in node.attr if one.startswith("_")]:
        del node.attr[name]
    if node.op.startswith("Placeholder") and "shape" in node.attr:
        del node.attr["shape"]
    unknown = {one for value in node.attr.values() for one in called(value)} - functions
    if unknown:
        raise ValueError(f"there is no function {min(unknown)!r}")


def called(value):
    """Names of the functions in an attribute."""
    for function in [value.func, *value.list.func]:
        if function.name:
            yield function.name
        for inner in function.attr.values():
            yield from called(inner)


def kind_of(tensor):
    """The type of tensors, or "" if there is none."""
    if tensor.dtype == tf.string:
        return "STRING"
    try:
        return NAMES.get(np.dtype(tensor.dtype.as_numpy_dtype), "")
    except TypeError:
        return ""


def session(graph):
    """One that changes nothing in a graph before it runs it."""
    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    config.graph_options.optimizer_options.opt_level = -1
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return tf.compat.v1.Session(graph=graph, config=config)


def warm_up():
    """What TensorFlow looks up in files at its first work it sees now: later it may open none."""
    a, b = (tf.compat.v1.NodeDef(name=name, op="Placeholder") for name in "ab")
    product = tf.compat.v1.NodeDef(name="c", op="MatMul", input=["a", "b"])
    for node, kind in ((a, "dtype"), (b, "dtype"), (product, "T")):
        node.attr[kind].type = tf.float32.as_datatype_enum
    blob = tf.compat.v1.GraphDef(node=[a, b, product]).SerializeToString()
    one = np.ones((1, 1), np.float32)
    Model(blob, ["a", "b"], ["c"]).run([one, one])


warm_up()
