"""onnxruntime on a model of ONNX' own operators, input and output buffers bound once."""

import importlib.util

import numpy as np
import onnxruntime

from ..harness import Skipped, Timed

OPERATORS = {"sigmoid": "Sigmoid", "relu": "Relu", "softmax": "Softmax"}


def inference(net, x):
    session = _session(_model(net, len(x)))
    y = np.empty((len(x), net.sizes[-1]), np.float32)
    binding = session.io_binding()
    for bind, name, array in ((binding.bind_input, "x", x), (binding.bind_output, "y", y)):
        bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
    run = session.run_with_iobinding

    def answer():
        run(binding)
        return y

    return Timed(run, binding, answer=answer)


def _session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _model(net, count):
    """The net as ONNX bytes: Gemm and activation per layer, the batch size fixed."""
    if importlib.util.find_spec("onnx") is None:
        raise Skipped("onnx, which writes the model, is not installed")
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants, name = [], [], "x"
    for k, ((kernel, bias), activation) in enumerate(
        zip(net.layers, net.activations, strict=True)
    ):
        constants += [numpy_helper.from_array(kernel, f"kernel{k}"),
                      numpy_helper.from_array(bias, f"bias{k}")]
        out = "y" if k == len(net.layers) - 1 else f"a{k}"
        nodes += [helper.make_node("Gemm", [name, f"kernel{k}", f"bias{k}"], [f"z{k}"]),
                  helper.make_node(OPERATORS[activation], [f"z{k}"], [out])]
        name = out
    ends = [
        [helper.make_tensor_value_info(end, TensorProto.FLOAT, [count, width])]
        for end, width in (("x", net.sizes[0]), ("y", net.sizes[-1]))
    ]
    graph = helper.make_graph(nodes, "net", *ends, constants)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
