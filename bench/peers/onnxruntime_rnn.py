"""onnxruntime on one LSTM or GRU node, input and output buffers bound once."""

import importlib.util

import numpy as np

from ..harness import Skipped, Timed
from .onnxruntime_net import _session


def inference(model, x):
    session = _session(_model(model, x.shape))
    given = np.ascontiguousarray(x.transpose(1, 0, 2))
    units = model.spec.nodes[0].config["units"]
    y = np.empty((x.shape[1], 1, x.shape[0], units), np.float32)
    binding = session.io_binding()
    for bind, name, array in ((binding.bind_input, "x", given), (binding.bind_output, "y", y)):
        bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
    run = session.run_with_iobinding

    def answer():
        given[...] = x.transpose(1, 0, 2)  # and so what is bound stays alive
        run(binding)
        return y[:, 0].transpose(1, 0, 2)

    return Timed(run, binding, answer=answer)


def _model(model, shape):
    if importlib.util.find_spec("onnx") is None:
        raise Skipped("onnx, which writes the model, is not installed")
    from onnx import TensorProto, helper, numpy_helper

    node = model.spec.nodes[0]
    units, (rows, times, inputs) = node.config["units"], shape
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [times, rows, inputs])
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, [times, 1, rows, units])
    further = {"linear_before_reset": 1} if node.kind == "gru" else {}
    names = ["x", "w", "r", "b"]
    cell = helper.make_node(node.kind.upper(), names, ["y"], hidden_size=units, **further)
    weights = [numpy_helper.from_array(a, n) for a, n in zip(_weights(model), "wrb", strict=True)]
    graph = helper.make_graph([cell], "net", [given], [made], weights)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def _weights(model):
    """Transposed; the gates of ONNX' LSTM are i, o, f, c."""
    node = model.spec.nodes[0]
    kernel, recurrent, bias = (model.view(f"{node.name}/{n}") for n in model.layout.of(node.name))
    order = np.arange(kernel.shape[1])
    biases = list(bias) if node.kind == "gru" else [bias, np.zeros_like(bias)]
    if node.kind == "lstm":
        i, f, c, o = np.split(order, 4)
        order = np.r_[i, o, f, c]
    b = np.concatenate([value[order] for value in biases])
    return [np.ascontiguousarray(a[None]) for a in (kernel.T[order], recurrent.T[order], b)]
