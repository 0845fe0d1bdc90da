"""ONNX graphs run node by node: every operator against onnxruntime, whole models against torch."""

import io
import warnings

import numpy as np
import pytest

from respnet.engine.errors import EngineError, LimitError, ShapeError
from respnet.engine.onnx import Graph, Limits, classic
from respnet.engine.onnx.graph import OPS

onnx = pytest.importorskip("onnx", reason="onnx is in the test extra")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is in the test extra")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

RNG = np.random.default_rng(3)
X = RNG.normal(size=(2, 3, 4)).astype(np.float32)
Y = RNG.normal(size=(3, 1)).astype(np.float32)
IMAGE = RNG.normal(size=(2, 4, 9, 8)).astype(np.float32)
WHOLE = np.array([[7, -7, 5], [-5, 0, 9]], np.int64)
BY = np.array([[2, 2, -3], [3, 4, -4]], np.int64)
YES = np.array([True, False, True])
I64 = lambda *n: np.array(n, np.int64)  # noqa: E731
F32 = lambda *shape: RNG.normal(size=shape).astype(np.float32)  # noqa: E731


def serialized(graph, opset=17):
    imports = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8).SerializeToString()


def model(kind, inputs, outputs=1, opset=17, **attributes):
    """A model of one node; its inputs are those of the node."""
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    made = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(kind, names, made, name="it", **attributes)
    slots = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for n, x in zip(names, inputs, strict=True) if x is not None
    ]
    ends = [helper.make_empty_tensor_value_info(n) for n in made]
    graph = helper.make_graph([node], "g", slots, ends)
    data = serialized(graph, opset)
    return data, {n: x for n, x in zip(names, inputs, strict=True) if x is not None}


CASES = [
    *[(k, [X, Y], 1, {}) for k in ("Add", "Sub", "Mul", "Div", "Min", "Max", "Sum", "Mean")],
    *[(k, [X, Y], 1, {}) for k in ("Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal")],
    *[(k, [YES, np.array([True])], 1, {}) for k in ("And", "Or", "Xor")],
    ("Div", [WHOLE, BY], 1, {}), ("Mod", [WHOLE, BY], 1, {}), ("Mod", [WHOLE, BY], 1, {"fmod": 1}),
    ("Pow", [abs(X), np.array(2.5, np.float32)], 1, {}), ("Not", [YES], 1, {}),
    ("Where", [YES[:, None], X, Y], 1, {}), ("PRelu", [X, Y], 1, {}),
    *[(k, [X], 1, {}) for k in (
        "Abs", "Neg", "Exp", "Sin", "Cos", "Floor", "Ceil", "Round", "Sign", "Reciprocal", "Erf",
        "Tanh", "Sigmoid", "Softplus", "Softsign", "Relu", "Identity", "LeakyRelu", "Elu", "Selu",
        "HardSigmoid", "HardSwish", "ThresholdedRelu", "IsNaN", "Shape", "Size", "Transpose",
        "Flatten", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSumSquare",
        "ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceSum", "ArgMax", "ArgMin", "Softmax",
        "LogSoftmax", "GlobalAveragePool", "GlobalMaxPool", "Dropout")],
    ("Sqrt", [abs(X)], 1, {}), ("Log", [abs(X)], 1, {}),
    ("Gelu", [X], 1, {"opset": 20}), ("Gelu", [X], 1, {"opset": 20, "approximate": "tanh"}),
    ("Clip", [X, np.array(-0.5, np.float32), None], 1, {}),
    ("Clip", [X], 1, {"opset": 9, "min": -0.1, "max": 0.3}),
    ("Cast", [X * 9], 1, {"to": TensorProto.INT32}), ("Cast", [WHOLE], 1, {"to": 1}),
    ("ReduceSum", [X, I64(1)], 1, {"keepdims": 0}), ("ReduceMean", [X], 1, {"axes": [0, -1]}),
    ("ReduceMax", [X, I64(-1)], 1, {"opset": 18}),
    ("ArgMax", [X.round()], 1, {"axis": -1, "keepdims": 0, "select_last_index": 1}),
    ("Softmax", [X], 1, {"opset": 11}), ("Softmax", [X], 1, {"axis": 1}),
    ("CumSum", [X, np.array(1, np.int64)], 1, {"exclusive": 1, "reverse": 1}),
    ("CumSum", [X, np.array(-1, np.int64)], 1, {}),
    ("TopK", [X, I64(2)], 2, {"axis": 1}), ("TopK", [WHOLE, I64(2)], 2, {"largest": 0}),
    ("Reshape", [X, I64(0, -1)], 1, {}), ("Flatten", [X], 1, {"axis": -1}),
    ("Transpose", [X], 1, {"perm": [2, 0, 1]}), ("Squeeze", [Y, I64(1)], 1, {}),
    ("Squeeze", [Y], 1, {"opset": 11, "axes": [1]}), ("Unsqueeze", [X, I64(0, -1)], 1, {}),
    ("Concat", [X, X[:, :1]], 1, {"axis": 1}), ("Split", [X, I64(1, 3)], 2, {"axis": 2}),
    ("Split", [X], 2, {"axis": -1}), ("Split", [X], 3, {"opset": 18, "axis": 2, "num_outputs": 3}),
    ("Slice", [X, I64(1, -1), I64(2, -9), I64(1, 2), I64(1, -2)], 1, {}),
    ("Slice", [X], 1, {"opset": 9, "starts": [1], "ends": [99], "axes": [2]}),
    ("Gather", [X, I64(1, -1)], 1, {"axis": 2}), ("Gather", [X, np.array(0)], 1, {"axis": -2}),
    ("GatherElements", [X, I64(2, 0).reshape(2, 1, 1)], 1, {"axis": 1}),
    ("GatherND", [X, I64(1, 0, 2, 1).reshape(2, 2, 1)], 1, {"batch_dims": 1}),
    ("GatherND", [X, I64(1, 0, 0, 2).reshape(2, 2)], 1, {}),
    ("Expand", [Y, I64(2, 1, 4)], 1, {}), ("Tile", [Y, I64(2, 3)], 1, {}),
    ("ConstantOfShape", [I64(2, 3)], 1, {"value": helper.make_tensor("v", 7, [1], [5])}),
    ("Range", [*(np.array(v, np.float32) for v in (1, -2, -0.5))], 1, {}),
    ("OneHot", [WHOLE % 4, np.array(4), np.array([0.5, 2], np.float32)], 1, {"axis": 1}),
    ("Pad", [X, I64(0, 1, 2, 1, 0, -1), np.array(3, np.float32)], 1, {}),
    ("Pad", [X, I64(0, 1, 1, 0, 0, 2)], 1, {"mode": "reflect"}),
    ("MatMul", [X, F32(4, 5)], 1, {}), ("MatMul", [X, F32(4)], 1, {}),
    ("Gemm", [F32(3, 2), F32(5, 3), F32(5)], 1,
     {"transA": 1, "transB": 1, "alpha": 0.5, "beta": 2.0}),
    ("Conv", [IMAGE, F32(6, 4, 3, 2), F32(6)], 1, {"strides": [2, 1], "pads": [1, 0, 2, 1]}),
    ("Conv", [IMAGE, F32(8, 2, 3, 3)], 1, {"group": 2, "dilations": [2, 1]}),
    ("Conv", [IMAGE, F32(5, 4, 3, 4)], 1, {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    ("Conv", [IMAGE[..., 0], F32(5, 4, 3)], 1, {"auto_pad": "SAME_LOWER"}),
    ("MaxPool", [IMAGE], 1, {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 0]}),
    ("MaxPool", [IMAGE], 1, {"kernel_shape": [2, 3], "strides": [2, 2], "ceil_mode": 1}),
    ("AveragePool", [IMAGE], 1, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    ("AveragePool", [IMAGE], 1,
     {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
    ("BatchNormalization", [IMAGE, F32(4), F32(4), F32(4), abs(F32(4))], 1, {"epsilon": 1e-3}),
    ("LayerNormalization", [X, F32(4), F32(4)], 1, {}),
    ("LayerNormalization", [X, F32(3, 4)], 1, {"axis": 1}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]}-{'-'.join(c[3])}")
def test_an_operator_gives_what_onnxruntime_gives(case):
    kind, inputs, outputs, attributes = case
    data, feed = model(kind, inputs, outputs, **attributes)
    want = onnxruntime.InferenceSession(data).run(None, feed)
    got = list(Graph.load(data).run(feed).values())
    for g, w in zip(got, want, strict=True):
        assert (g.dtype, g.shape) == (w.dtype, w.shape)
        np.testing.assert_allclose(g, w, rtol=2e-5, atol=2e-6)


# --- recurrent ------------------------------------------------------------------------------

T, B, I, H = 5, 3, 4, 6  # noqa: E741
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def recurrent(kind, directions=1, lengths=None, states=False, peephole=False):
    """Inputs of a node, none of them zero."""
    g = GATES[kind]
    x, w, r = F32(T, B, I), F32(directions, g * H, I), F32(directions, g * H, H) * 0.4
    inputs = [x, w, r, F32(directions, 2 * g * H), lengths]
    inputs += [F32(directions, B, H) for _ in range(1 + (kind == "LSTM"))] if states else []
    return inputs + ([F32(directions, 3 * H)] if peephole else [])


RECURRENT = [
    *[(k, recurrent(k, 1, None, True), {}) for k in GATES],
    *[(k, recurrent(k, 2), {"direction": "bidirectional"}) for k in GATES],
    *[(k, recurrent(k, 1, np.array([5, 2, 3], np.int32), True), {"direction": "reverse"})
      for k in GATES],
    *[(k, recurrent(k, 1, np.array([1, 5, 2], np.int32)), {}) for k in GATES],
    ("GRU", recurrent("GRU"), {"linear_before_reset": 1}),
    ("LSTM", recurrent("LSTM", states=True, peephole=True), {}),
    ("RNN", recurrent("RNN"), {"activations": ["LeakyRelu"], "activation_alpha": [0.3]}),
    ("RNN", recurrent("RNN"), {
        "activations": ["Affine"], "activation_alpha": [0.5], "activation_beta": [0.1]}),
    ("GRU", recurrent("GRU"), {"activations": ["HardSigmoid", "Softsign"]}),
]  # fmt: skip


@pytest.mark.parametrize("case", RECURRENT, ids=lambda c: f"{c[0]}-{'-'.join(c[2])}")
def test_a_recurrent_operator_gives_what_onnxruntime_gives(case):
    kind, inputs, attributes = case
    data, feed = model(kind, inputs, 2 + (kind == "LSTM"), hidden_size=H, **attributes)
    want = onnxruntime.InferenceSession(data).run(None, feed)
    for g, w in zip(Graph.load(data).run(feed).values(), want, strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-4, atol=2e-6)


# --- graphs inside graphs -------------------------------------------------------------------


def loop(times=4):
    """s = s + number * k, times over; collects every s. k is of the graph around."""
    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Cast", ["i"], ["n"], to=1),
            helper.make_node("Mul", ["n", "k"], ["p"]),
            helper.make_node("Add", ["s", "p"], ["t"]),
            helper.make_node("Identity", ["going"], ["on"]),
            helper.make_node("Identity", ["t"], ["row"]),
        ],
        "body",
        [info("i", 7, []), info("going", 9, []), info("s", 1, [2])],
        [info("on", 9, []), info("t", 1, [2]), info("row", 1, [2])],
    )
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["x", "two"], ["k"]),
            helper.make_node("Loop", ["times", "", "x"], ["end", "rows"], body=body),
        ],
        "g",
        [info("x", 1, [2])],
        [info("end", 1, [2]), info("rows", 1, [None, 2])],
        [numpy_helper.from_array(np.array(times), "times"),
         numpy_helper.from_array(np.float32([2, 3]), "two")],
    )  # fmt: skip
    return serialized(graph)


def test_a_loop_reads_the_graph_around_it_and_collects_rows():
    feed = {"x": np.float32([1, 5])}
    want = onnxruntime.InferenceSession(loop()).run(None, feed)
    got = Graph.load(loop()).run(feed)
    assert all((g == w).all() for g, w in zip(got.values(), want, strict=True))
    assert got["rows"].shape == (4, 2)


def test_a_loop_without_end_meets_the_budget_of_steps():
    graph = Graph.load(loop(1 << 60), Limits(steps=500))
    with pytest.raises(LimitError, match="more than 500 steps"):
        graph.run({"x": np.float32([1, 5])})


def test_a_branch_is_chosen_by_its_condition():
    info = helper.make_tensor_value_info
    branches = {
        f"{name}_branch": helper.make_graph(
            [helper.make_node(kind, ["x"], ["y"])], name, [], [info("y", 1, [3])]
        )
        for name, kind in (("then", "Neg"), ("else", "Abs"))
    }
    node = helper.make_node("If", ["c"], ["z"], **branches)
    graph = helper.make_graph(
        [node], "g", [info("c", 9, []), info("x", 1, [3])], [info("z", 1, [3])]
    )
    graph = Graph.load(serialized(graph))
    x = np.float32([1, -2, 3])
    assert list(graph.run({"c": np.array(True), "x": x})["z"]) == [-1, 2, -3]
    assert list(graph.run({"c": np.array(False), "x": x})["z"]) == [1, 2, 3]


# --- what a run may not do ------------------------------------------------------------------

BOMBS = [
    ("ConstantOfShape", [I64(1 << 40)], {}),
    ("ConstantOfShape", [I64(-5)], {}),
    ("Expand", [Y, I64(1 << 20, 3, 1 << 20)], {}),
    ("Tile", [Y, I64(1 << 30, 1 << 30)], {}),
    ("Range", [*(np.array(v, np.int64) for v in (0, 1 << 40, 1))], {}),
    ("OneHot", [WHOLE, np.array(1 << 40), np.float32([0, 1])], {}),
    ("Pad", [X, I64(0, 0, 1 << 40, 0, 0, 0)], {}),
    ("Add", [np.zeros((1 << 16, 1), np.float32), np.zeros((1, 1 << 16), np.float32)], {}),
    ("MatMul", [np.zeros((1 << 16, 1), np.float32), np.zeros((1, 1 << 16), np.float32)], {}),
    ("Conv", [np.zeros((1, 1, 9000, 9000), np.float32), F32(1, 1, 9, 9)], {}),
    ("MaxPool", [X[..., None]], {"kernel_shape": [1, 1], "pads": [1 << 30] * 4}),
    ("Unsqueeze", [X, I64(*range(100))], {}),
]


@pytest.mark.parametrize("case", BOMBS, ids=lambda c: c[0])
def test_an_operator_that_wants_too_much_is_refused_before_it_allocates(case):
    kind, inputs, attributes = case
    data, feed = model(kind, inputs, **attributes)
    with pytest.raises(EngineError, match=rf"node 'it' \({kind}\)"):
        Graph.load(data).run(feed)


def test_values_that_add_up_meet_the_budget_of_bytes():
    info = helper.make_tensor_value_info
    nodes = [helper.make_node("Exp", ["x"], [f"y{i}"]) for i in range(9)]
    ends = [info(f"y{i}", 1, [1000]) for i in range(9)]
    graph = helper.make_graph(nodes, "g", [info("x", 1, [1000])], ends)
    data = serialized(graph)
    feed = {"x": np.ones(1000, np.float32)}
    assert len(Graph.load(data, Limits(bytes=40_000)).run(feed)) == 9
    with pytest.raises(LimitError, match="at most 20,000 bytes of numbers at once"):
        Graph.load(data, Limits(bytes=20_000)).run(feed)


def test_errors_name_the_node_and_what_it_was_given():
    data, _ = model("MatMul", [X, F32(4, 5)])
    graph = Graph.load(data)
    with pytest.raises(ShapeError, match=r"wants shape \(4, 5\), got \(3, 5\)"):
        graph.run({"x0": X, "x1": F32(3, 5)})
    with pytest.raises(ShapeError, match="inputs .'x0', 'x1'., got .'x0'."):
        graph.run({"x0": X})
    with pytest.raises(ShapeError, match="input 'x0' wants float32, got complex"):
        graph.run({"x0": X.astype(complex), "x1": F32(4, 5)})
    data, feed = model("Gather", [X, I64(9)], axis=1)
    with pytest.raises(ShapeError, match=r"node 'it' \(Gather\): indices from 9 to 9, the axis"):
        Graph.load(data).run(feed)
    data, feed = model("Reshape", [X, I64(5, 7)])
    with pytest.raises(ShapeError, match=r"\(Reshape\) on shapes \[\(2, 3, 4\), \(2,\)\]: cannot"):
        Graph.load(data).run(feed)


# --- models of torch ------------------------------------------------------------------------


def torch_models():
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class Words(nn.Module):
        def __init__(self, cell, **options):
            super().__init__()
            self.embedding = nn.Embedding(20, 6)
            self.cell = cell(6, 8, batch_first=True, **options)
            self.dense = nn.Linear(16 if options.get("bidirectional") else 8, 3)

        def forward(self, x):
            y, _ = self.cell(self.embedding(x))
            return torch.softmax(self.dense(y[:, -1]), -1)

    torch.manual_seed(0)
    picture = [nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)]
    end = [nn.Flatten(), nn.Linear(64, 3), nn.GELU(), nn.LayerNorm(3)]
    yield nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)), torch.randn(7, 4)
    yield nn.Sequential(*picture, *end), torch.randn(2, 3, 17, 17)
    for cell in (nn.RNN, nn.LSTM, nn.GRU):
        for options in ({}, {"num_layers": 2, "bidirectional": True}):
            yield Words(cell, **options), torch.randint(0, 20, (2, 7))


def exported(net, x, **options):
    torch, file = pytest.importorskip("torch"), io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net.eval(), (x,), file, dynamo=False, **options)
    return file.getvalue()


def test_models_of_torch_give_torchs_numbers():
    for net, x in torch_models():
        graph = Graph.load(exported(net, x, input_names=["x"], dynamic_axes={"x": {0: "B"}}))
        for part in (x, x[:1]):
            (got,) = graph.run({"x": part.numpy()}).values()
            np.testing.assert_allclose(got, net(part).detach().numpy(), atol=2e-6)


def test_every_operator_is_compared_somewhere():
    alone = {kind for kind, *_ in (*CASES, *RECURRENT)}
    left = set(OPS) - alone - set(classic.OPS)  # of ai.onnx.ml: in test_onnx_classic.py
    assert left == {"Loop", "If", "Constant"}  # in the graphs above
