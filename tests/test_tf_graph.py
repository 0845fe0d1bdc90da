"""Frozen graphs of TensorFlow: every operator against NumPy, loops, refusals; real ones if asked.

Where RESPNET_KERAS_PYTHON names a Python with TensorFlow, it freezes Keras models and their
predictions are compared.
"""

import math
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import tf_models
from tf_models import const, function, graph, node, placeholder

from respnet.engine import Model
from respnet.engine.errors import FileError, LimitError, ShapeError
from respnet.engine.onnx import Limits
from respnet.engine.onnx.translate import NotPlain
from respnet.engine.tf import Graph, control, translate
from respnet.engine.tf.proto import encode

KERAS = os.environ.get("RESPNET_KERAS_PYTHON")
RNG = np.random.default_rng(4)
X = RNG.normal(size=(2, 3, 4)).astype(np.float32)
Y = RNG.normal(size=(3, 1)).astype(np.float32)
IMAGE = RNG.normal(size=(2, 5, 6, 3)).astype(np.float32)
WHOLE = np.array([[7, -7, 5], [-5, 0, 9]], np.int32)
YES = np.array([[True, False, True]])
ROWS = RNG.normal(size=(4, 3)).astype(np.float32)
I32 = lambda *n: np.array(n, np.int32)  # noqa: E731
F32, F64, INT, LONG = (np.dtype(n) for n in ("float32", "float64", "int32", "int64"))


def run(kind, inputs, outputs=1, **attributes):
    """Results of a graph of one node; its inputs are constants but for the first."""
    names = [f"x{n}" for n in range(len(inputs))]
    nodes = [placeholder(names[0], inputs[0].dtype.name)]
    nodes += [const(name, value) for name, value in zip(names[1:], inputs[1:], strict=True)]
    made = graph(*nodes, node("it", kind, *names, **attributes))
    wanted = [f"it:{n}" for n in range(outputs)]
    results = Graph.load(made, ["x0"], wanted).run({"x0": inputs[0]})
    return [results[name] for name in wanted]


def softmax(x):
    e = np.exp(x)
    return e / e.sum(-1, keepdims=True)


def normalized(x):
    return (x - 0.5) / np.sqrt(2 + 1e-3) * 3 + 0.25


CASES = [
    ("Add", [X, Y], {}, X + Y), ("AddV2", [X, Y], {}, X + Y), ("Sub", [X, Y], {}, X - Y),
    ("Mul", [X, Y], {}, X * Y), ("RealDiv", [X, Y], {}, X / Y),
    ("AddN", [X, X, X], {}, X + X + X), ("SquaredDifference", [X, Y], {}, (X - Y) ** 2),
    ("Pow", [abs(X), Y], {}, abs(X) ** Y), ("Maximum", [X, Y], {}, np.maximum(X, Y)),
    ("Minimum", [X, Y], {}, np.minimum(X, Y)), ("FloorDiv", [WHOLE, I32(2)], {}, WHOLE // 2),
    ("FloorMod", [WHOLE, I32(3)], {}, WHOLE % 3), ("Less", [X, Y], {}, X < Y),
    ("DivNoNan", [X, X * 0], {}, X * 0),
    ("Greater", [X, Y], {}, X > Y), ("Equal", [WHOLE, I32(5)], {}, WHOLE == 5),
    ("NotEqual", [WHOLE, I32(5)], {}, WHOLE != 5), ("LessEqual", [X, Y], {}, X <= Y),
    ("GreaterEqual", [X, Y], {}, X >= Y), ("LogicalAnd", [YES, YES[:, ::-1]], {}, YES),
    ("LogicalOr", [YES, ~YES], {}, YES | True), ("LogicalNot", [YES], {}, ~YES),
    ("Select", [YES[0], ROWS[:3], ROWS[1:]], {}, np.where(YES.T, ROWS[:3], ROWS[1:])),
    ("SelectV2", [YES, ROWS, ROWS * 2], {}, np.where(YES, ROWS, ROWS * 2)),
    ("Relu", [X], {}, np.maximum(X, 0)), ("Relu6", [X * 9], {}, np.clip(X * 9, 0, 6)),
    ("LeakyRelu", [X], {"alpha": 0.5}, np.where(X < 0, X / 2, X)),
    ("Sigmoid", [X], {}, 1 / (1 + np.exp(-X))), ("Tanh", [X], {}, np.tanh(X)),
    ("Softmax", [X], {}, softmax(X)), ("LogSoftmax", [X], {}, np.log(softmax(X))),
    ("Exp", [X], {}, np.exp(X)), ("Log", [abs(X)], {}, np.log(abs(X))),
    ("Sqrt", [abs(X)], {}, np.sqrt(abs(X))), ("Rsqrt", [abs(X)], {}, 1 / np.sqrt(abs(X))),
    ("Square", [X], {}, X * X), ("Neg", [X], {}, -X), ("Abs", [X], {}, abs(X)),
    ("Floor", [X], {}, np.floor(X)), ("Round", [X * 4], {}, np.rint(X * 4)),
    ("ClipByValue", [X, np.float32(-0.1), np.float32(0.2)], {}, np.clip(X, -0.1, 0.2)),
    ("Identity", [X], {}, X), ("ZerosLike", [X], {}, X * 0), ("Cast", [X], {"DstT": F64}, X),
    ("Cast", [X * 9], {"DstT": INT}, (X * 9).astype(np.int32)),
    ("StringToNumber", [np.array([b"1.5", b"-2"], object)], {}, np.float32([1.5, -2])),
    ("BiasAdd", [X, X[0, 0]], {}, X + X[0, 0]),
    ("BiasAdd", [X, Y[:, 0]], {"data_format": b"NCHW"}, X + Y),
    ("MatMul", [ROWS, X[0]], {}, ROWS @ X[0]),
    ("MatMul", [ROWS, ROWS], {"transpose_a": True}, ROWS.T @ ROWS),
    ("MatMul", [ROWS, ROWS], {"transpose_b": True}, ROWS @ ROWS.T),
    ("BatchMatMulV2", [X, X], {"adj_y": True}, X @ X.transpose(0, 2, 1)),
    ("Shape", [X], {}, I32(2, 3, 4)), ("Shape", [X], {"out_type": LONG}, np.array([2, 3, 4])),
    ("Size", [X], {}, np.int32(24)), ("Rank", [X], {}, np.int32(3)),
    ("Reshape", [X, I32(4, -1)], {}, X.reshape(4, -1)),
    ("ExpandDims", [X, np.int32(-1)], {}, X[..., None]),
    ("Squeeze", [Y], {"squeeze_dims": [-1]}, Y[:, 0]), ("Squeeze", [Y[:1]], {}, Y[0, 0]),
    ("Transpose", [X, I32(2, 0, 1)], {}, X.transpose(2, 0, 1)),
    ("ConcatV2", [X, X, np.int32(1)], {}, np.concatenate([X, X], 1)),
    ("Pack", [X, X], {"axis": 1}, np.stack([X, X], 1)),
    ("Slice", [X, I32(0, 1, 0), I32(-1, 1, 2)], {}, X[:, 1:2, :2]),
    ("StridedSlice", [X, I32(0, 2, 1), I32(0, -9, 9), I32(1, -1, 2)],
     {"shrink_axis_mask": 1}, X[0, 2::-1, 1::2]),
    ("StridedSlice", [X, I32(0, 0, 1), I32(0, 0, 3), I32(1, 1, 1)],
     {"ellipsis_mask": 1, "new_axis_mask": 2}, X[..., None, 1:3]),
    ("StridedSlice", [X, I32(1, 1), I32(9, 1), I32(1, 1)],
     {"begin_mask": 1, "end_mask": 2}, X[:, 1:]),
    ("GatherV2", [X, WHOLE[:1, ::-1] % 3, np.int32(1)], {}, X[:, [[2, 2, 1]]]),
    ("Fill", [I32(2, 3), np.float32(1.5)], {}, np.full((2, 3), 1.5)),
    ("Range", [np.int32(1), np.int32(9), np.int32(3)], {}, I32(1, 4, 7)),
    ("Tile", [Y, I32(1, 3)], {}, np.tile(Y, (1, 3))),
    ("Pad", [Y, WHOLE[:, :2] * 0 + 1], {}, np.pad(Y, 1)),
    ("PadV2", [Y, WHOLE[:, :2] * 0 + 1, np.float32(7)], {}, np.pad(Y, 1, constant_values=7)),
    ("ReverseV2", [X, I32(1)], {}, X[:, ::-1]), ("BroadcastTo", [Y, I32(3, 2)], {}, Y * [1, 1]),
    ("Mean", [X, I32(0, 2)], {}, X.mean((0, 2))), ("Max", [X, I32(-1)], {}, X.max(-1)),
    ("Sum", [X, I32(1)], {"keep_dims": True}, X.sum(1, keepdims=True)),
    ("Min", [X, np.int32(0)], {}, X.min(0)), ("Prod", [X, I32(1)], {}, X.prod(1)),
    ("All", [YES, I32(1)], {}, np.array([False])), ("Any", [YES, I32(1)], {}, np.array([True])),
    ("ArgMax", [X, np.int32(1)], {}, X.argmax(1)),
    ("ArgMax", [X, np.int32(1)], {"output_type": INT}, X.argmax(1).astype(np.int32)),
    *[(k, [X], {}, X) for k in ("Snapshot", "StopGradient", "PreventGradient", "CheckNumerics",
                                "EnsureShape", "IdentityN")],
    ("Ceil", [X], {}, np.ceil(X)), ("Sign", [X], {}, np.sign(X)), ("Sin", [X], {}, np.sin(X)),
    ("Cos", [X], {}, np.cos(X)), ("Reciprocal", [X], {}, 1 / X), ("Rint", [X], {}, np.rint(X)),
    ("Log1p", [abs(X)], {}, np.log1p(abs(X))), ("Expm1", [X], {}, np.expm1(X)),
    ("Softplus", [X], {}, np.log1p(np.exp(X))), ("Softsign", [X], {}, X / (1 + abs(X))),
    ("Elu", [X], {}, np.where(X < 0, np.expm1(X), X)), ("OnesLike", [X], {}, X * 0 + 1),
    ("Selu", [X], {}, 1.0507010 * np.where(X < 0, 1.6732632 * np.expm1(X), X)),
    ("Erf", [X], {}, np.vectorize(math.erf)(X)),
    ("Div", [WHOLE, I32(2)], {}, [[3, -3, 2], [-2, 0, 4]]),
    ("IsNan", [Y * np.nan], {}, Y == Y), ("ArgMin", [X, np.int32(1)], {}, X.argmin(1)),
    ("Concat", [np.int32(1), X, X], {}, np.concatenate([X, X], 1)),
    ("Gather", [X, I32(1, 0)], {}, X[::-1]), ("BatchMatMul", [X, X], {"adj_x": True},
     X.transpose(0, 2, 1) @ X),
    *[(k, [IMAGE, *(np.full(3, v, np.float32) for v in (3, 0.25, 0.5, 2))],
       {"is_training": False, "epsilon": 1e-3}, normalized(IMAGE))
      for k in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")],
]  # fmt: skip


@pytest.mark.parametrize("kind, inputs, attributes, wanted", CASES, ids=lambda c: str(c)[:20])
def test_an_operator_gives_what_numpy_gives(kind, inputs, attributes, wanted):
    more = {"T": [F32]} if kind == "IdentityN" else {}
    (got,) = run(kind, [np.asarray(x) for x in inputs], **attributes, **more)
    assert got.shape == np.shape(wanted)
    if kind != "Cast":
        assert got.dtype.kind == np.asarray(wanted).dtype.kind
    np.testing.assert_allclose(got.astype(float), wanted, rtol=1e-5, atol=1e-6)


def test_every_operator_is_tested():
    alone = {kind for kind, *_ in CASES}
    # Those of several results, of pictures and in graphs are below.
    apart = {"Unpack", "Split", "SplitV", "Conv2D", "DepthwiseConv2dNative", "MaxPool", "AvgPool",
             "Constant", "PlaceholderWithDefault", "RandomUniform"}
    assert set(Graph.ops) - alone - apart == set(control.OPS)


def test_operators_of_several_results():
    parts = run("Unpack", [X], 3, num=3, axis=1)
    assert [p.tolist() for p in parts] == [X[:, n].tolist() for n in range(3)]
    nodes = [placeholder("x"), const("axis", 2, np.int32), const("sizes", [1, -1], np.int32)]
    nodes += [node("s", "Split", "axis", "x", num_split=2)]
    nodes += [node("v", "SplitV", "x", "sizes", "axis", num_split=2)]
    got = Graph.load(graph(*nodes), ["x"], ["s", "s:1", "v", "v:1"]).run({"x": X})
    assert [got[n].shape[2] for n in ("s", "s:1", "v", "v:1")] == [2, 2, 1, 3]
    assert (got["s:1"] == X[:, :, 2:]).all() and (got["v:1"] == X[:, :, 1:]).all()


def windows(x, size, stride):
    """(B, places, places, size, size, C) of x without padding."""
    seen = np.lib.stride_tricks.sliding_window_view(x, (size, size), (1, 2))
    return np.moveaxis(seen[:, ::stride, ::stride], 3, -1)


def test_convolutions_and_pooling():
    kernel = RNG.normal(size=(2, 2, 3, 4)).astype(np.float32)
    shape = {"strides": [1, 2, 2, 1], "padding": b"VALID", "data_format": b"NHWC"}
    seen = windows(IMAGE, 2, 2)
    (y,) = run("Conv2D", [IMAGE, kernel], dilations=[1, 1, 1, 1], **shape)
    wanted = np.einsum("nhwijc,ijco->nhwo", seen, kernel)
    np.testing.assert_allclose(y, wanted, rtol=1e-4, atol=1e-5)
    (y,) = run("DepthwiseConv2dNative", [IMAGE, kernel], **shape)
    wanted = np.einsum("nhwijc,ijcm->nhwcm", seen, kernel).reshape(*seen.shape[:3], 12)
    np.testing.assert_allclose(y, wanted, rtol=1e-4, atol=1e-5)
    (y,) = run("MaxPool", [IMAGE], ksize=[1, 2, 2, 1], **shape)
    assert (y == seen.max((3, 4))).all()
    first = {**shape, "strides": [1, 1, 2, 2], "data_format": b"NCHW"}
    (y,) = run("AvgPool", [IMAGE.transpose(0, 3, 1, 2)], ksize=[1, 1, 2, 2], **first)
    np.testing.assert_allclose(y.transpose(0, 2, 3, 1), seen.mean((3, 4)), rtol=1e-5, atol=1e-6)
    # SAME adds zeros behind first; what is added does not count in a mean.
    same = {**shape, "padding": b"SAME"}
    (y,) = run("Conv2D", [IMAGE, kernel], **same)
    wide = np.pad(IMAGE, [(0, 0), (0, 1), (0, 0), (0, 0)])
    wanted = np.einsum("nhwijc,ijco->nhwo", windows(wide, 2, 2), kernel)
    np.testing.assert_allclose(y, wanted, rtol=1e-4, atol=1e-5)
    (y,) = run("AvgPool", [IMAGE], ksize=[1, 2, 2, 1], **same)
    np.testing.assert_allclose(y[:, -1, 0], IMAGE[:, 4, :2].mean(1), rtol=1e-5, atol=1e-6)


def test_names_of_inputs_and_outputs():
    made = graph(placeholder("a"), placeholder("b"), node("mul", "Mul", "a:0", "b", "^a"))
    loaded = Graph.load(made, ["a", "b:0"], ["mul:0", "a"])
    assert [slot.name for slot in loaded.inputs] == ["a", "b:0"]
    got = loaded.run({"a": np.float32([2, 3]), "b:0": np.float32(3)})  # a scalar
    assert got["mul:0"].tolist() == [6, 9] and got["a"].tolist() == [2, 3]


def test_a_default_is_used_unless_it_is_given():
    made = graph(const("seven", 7, np.float32), node("x", "PlaceholderWithDefault", "seven",
                 dtype=F32), node("y", "Neg", "x"))
    assert Graph.load(made, [], ["y"]).run({})["y"] == -7
    assert Graph.load(made, ["x"], ["y"]).run({"x": np.float32(2)})["y"] == -2


def test_chance_is_drawn_at_every_run():
    made = graph(const("shape", [50], np.int32), node("y", "RandomUniform", "shape", dtype=F32))
    loaded = Graph.load(made, [], ["y"])
    first, second = (loaded.run({})["y"] for _ in range(2))
    assert first.min() >= 0 and first.max() < 1 and (first != second).any()


def frames():
    """i, x = 0, x; while i < 3: i, x = i + 1, x * c, with c from outside the loop."""
    enter = {"frame_name": b"loop"}
    return graph(
        placeholder("x"), placeholder("c"), const("zero", 0, np.int32), const("three", 3, np.int32),
        const("one", 1, np.int32),
        node("ei", "Enter", "zero", **enter), node("ex", "Enter", "x", **enter),
        node("twice", "Abs", "c"), node("ec", "Enter", "twice", is_constant=True, **enter),
        node("mi", "Merge", "ei", "ni"), node("mx", "Merge", "ex", "nx"),
        node("less", "Less", "mi", "three"), node("end", "LoopCond", "less"),
        node("si", "Switch", "mi", "end"), node("sx", "Switch", "mx", "end"),
        node("ii", "Identity", "si:1"), node("i", "AddV2", "ii", "one"),
        node("xx", "Mul", "sx:1", "ec"),
        node("ni", "NextIteration", "i"), node("nx", "NextIteration", "xx"),
        node("oi", "Exit", "si"), node("ox", "Exit", "sx:0"),
    )  # fmt: skip


def functions(body="body"):
    inside = function(
        "body", ["i", "x", "c"], {"a": "i2:z:0", "b": "x2:z:0", "d": "c"},
        const("one", 1, np.int32),
        node("i2", "AddV2", "i", "one:output:0"), node("x2", "Mul", "x", "c"),
    )  # fmt: skip
    until = function(
        "cond", ["i", "x", "c"], {"r": "less:z:0"}, const("three", 3, np.int32),
        node("less", "Less", "i", "three:output:0"),
    )  # fmt: skip
    again = function("again", ["x"], {"y": "it:output:0"},
                     node("it", "PartitionedCall", "x", Tout=[F32], f="again"))
    nodes = [placeholder("x"), placeholder("c"), const("zero", 0, np.int32)]
    loop = node("w", "StatelessWhile", "zero", "x", "c", T=[INT, F32, F32], cond="cond", body=body)
    call = node("f", "PartitionedCall", "x", Tout=[F32], f="again")
    made = [node("oi", "Identity", "w"), node("ox", "Identity", "w:1"), loop, call]
    return graph(*nodes, *made, functions=[inside, until, again])


@pytest.mark.parametrize("made", [frames(), functions()], ids=["frames", "functions"])
def test_a_loop(made):
    loaded = Graph.load(made, ["x", "c"], ["oi", "ox"])
    got = loaded.run({"x": np.float32([1, 5]), "c": np.float32(2)})
    assert got["oi"] == 3 and got["ox"].tolist() == [8, 40]
    (alone,) = Graph.load(made, ["x", "c"], ["ox"]).run({"x": X, "c": np.float32(2)}).values()
    assert (alone == X * 8).all()


def test_lists_of_tensors():
    nodes = [
        placeholder("x"), const("four", 4, np.int32), const("two", 2, np.int32),
        const("any", -1, np.int32),
        node("list", "TensorListFromTensor", "x", "any", element_dtype=F32),
        node("row", "TensorListGetItem", "list", "two", "any", element_dtype=F32),
        node("empty", "TensorListReserve", "any", "four", element_dtype=F32),
        node("set", "TensorListSetItem", "empty", "two", "row", element_dtype=F32),
        node("all", "TensorListStack", "set", "any", element_dtype=F32),
        node("none", "TensorListStack", "empty", "any", element_dtype=F32),
        node("far", "TensorListGetItem", "list", "four", "any", element_dtype=F32),
    ]  # fmt: skip
    got = Graph.load(graph(*nodes), ["x"], ["all"]).run({"x": ROWS[:3]})["all"]
    assert got.tolist() == [[0] * 3, [0] * 3, ROWS[2].tolist(), [0] * 3]
    with pytest.raises(ShapeError, match=r"node 'none' \(TensorListStack\): item 0 was never put"):
        Graph.load(graph(*nodes), ["x"], ["none"]).run({"x": ROWS})
    with pytest.raises(ShapeError, match=r"node 'far' \(TensorListGetItem\): item 4 of a list"):
        Graph.load(graph(*nodes), ["x"], ["far"]).run({"x": ROWS})
    with pytest.raises(ShapeError, match="output 'list' is a list of tensors"):
        Graph.load(graph(*nodes), ["x"], ["list"]).run({"x": ROWS})


def test_constants_that_say_a_number_once():
    shape = encode("Shape", dim=[encode("Dim", size=2), encode("Dim", size=2)])
    value = encode("Tensor", dtype=3, shape=shape, int_val=[4, 5])
    many = encode("Shape", dim=[encode("Dim", size=10_000_000)] * 2)
    huge = encode("Tensor", dtype=6, shape=many)
    made = lambda t: graph(encode("Node", name="c", op="Const", attr=[  # noqa: E731
        encode("NamedAttr", key="value", value=encode("Attr", tensor=t))]))
    assert Graph.load(made(value), [], ["c"]).run({})["c"].tolist() == [[4, 5], [5, 5]]
    with pytest.raises(LimitError, match="needs 100,000,000,000,000 bytes"):
        Graph.load(made(huge), [], ["c"])


NEGATIVE = graph(placeholder("x"), node("y", "Neg", "x"))
REFUSED = [
    (graph(placeholder("x")), ["y"], ["x"], 'Input node named "y" not found in TF graph.'),
    (graph(placeholder("x")), ["x"], ["y"], 'Output node named "y" not found in TF graph'),
    (NEGATIVE, ["y"], ["x"], 'Input node named "y" not found in TF graph.'),
    (NEGATIVE, [], ["y"], r"node 'x' \(Placeholder\) is read, and is none of the inputs \[\]"),
    (graph(placeholder("x")), ["x", "x:0"], ["x"], "an input is named twice: x, x:0"),
    (graph(placeholder("x"), node("y", "Odd", "x")), ["x"], ["y"],
     r"node 'y' \(Odd\): this operator is not supported"),
    (graph(placeholder("x"), node("y", "Neg", "z")), ["x"], ["y"], "nothing is named 'z'"),
    (NEGATIVE, ["x"], ["y:1"],
     r"node 'y' \(Neg\) has no result 'y:1', only y"),
    (graph(node("y", "Neg", "z"), node("z", "Neg", "y")), [], ["y"], r"\(Neg\) reads what it"),
    (graph(placeholder("x"), placeholder("x")), ["x"], ["x"], "two nodes are named 'x'"),
    (graph(placeholder("x"), node("y", "Switch", "x", "x")), ["x"], ["y"],
     r"node 'y' \(Switch\) outside a loop"),
    (graph(placeholder("x"), node("y", "Merge", "x", "x")), ["x"], ["y"],
     r"node 'y' \(Merge\) outside a loop"),
    (graph(placeholder("x"), node("y", "Exit", "x")), ["x"], ["y"], "leaves no loop"),
    (frames(), ["x", "c"], ["xx"], r"node 'ec' \(Enter\) is entered from another"),
    (functions(), ["x"], ["f"], "function 'again' calls itself"),
    (functions("other"), ["x", "c"], ["ox"], "there is no function 'other'"),
    (b"", ["x"], ["x"], "this is no GraphDef"),
    (b"\xff\xff", ["x"], ["x"], "ends inside a number"),
]  # fmt: skip


@pytest.mark.parametrize("made, inputs, outputs, text", REFUSED, ids=lambda c: str(c)[:9])
def test_what_cannot_run_is_refused_by_name(made, inputs, outputs, text):
    with pytest.raises(FileError, match=text):
        Graph.load(made, inputs, outputs)


def test_shapes_that_do_not_fit_name_the_node():
    made = graph(placeholder("x"), const("w", ROWS), node("y", "MatMul", "x", "w"))
    loaded = Graph.load(made, ["x"], ["y"])
    with pytest.raises(ShapeError, match=r"node 'y' \(MatMul\) on shapes \[\(4, 3\), \(4, 3\)\]"):
        loaded.run({"x": ROWS})
    with pytest.raises(ShapeError, match="input 'x' wants float32, got <U1"):
        loaded.run({"x": np.array(["a"])})


COLUMN, LINE = np.ones((1000, 1), np.float32), np.ones((1, 1000), np.float32)


@pytest.mark.parametrize("kind, inputs", [
    ("Select", [COLUMN, LINE > 0, COLUMN]), ("SelectV2", [COLUMN, LINE > 0, COLUMN]),
    ("ClipByValue", [COLUMN, LINE, LINE]), ("BiasAdd", [COLUMN, LINE[0]]), ("Mul", [COLUMN, LINE]),
])
def test_broadcasting_is_counted_before_it_is_done(kind, inputs):
    names = [f"x{n}" for n in range(len(inputs))]
    order = [1, 0, 2] if kind.startswith("Select") else range(len(inputs))
    made = graph(placeholder("x0"), *[const(f"x{n}", inputs[n]) for n in range(1, len(inputs))],
                 node("y", kind, *[names[n] for n in order]))
    loaded = Graph.load(made, ["x0"], ["y"], Limits(bytes=1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(LimitError, match="bytes"):
            loaded.run({"x0": COLUMN})
        assert tracemalloc.get_traced_memory()[1] < 1 << 20  # the result would have 4 MB
    finally:
        tracemalloc.stop()


def test_a_loop_without_end_is_stopped():
    limits = Limits(steps=1000)
    loaded = Graph.load(frames(), ["x", "c"], ["ox"], limits)
    endless = graph(
        placeholder("x"), node("e", "Enter", "x", frame_name=b"f"), node("m", "Merge", "e", "n"),
        const("yes", True), node("end", "LoopCond", "yes"), node("s", "Switch", "m", "end"),
        node("n", "NextIteration", "s:1"), node("y", "Exit", "s"),
    )  # fmt: skip
    assert loaded.run({"x": X, "c": Y})["ox"].shape == X.shape
    with pytest.raises(LimitError, match="more than 1,000 steps"):
        Graph.load(endless, ["x"], ["y"], limits).run({"x": X})


def test_damaged_bytes_are_refused():
    rng, made, refused = np.random.default_rng(1), functions(), 0
    for _ in range(400):
        data = bytearray(made)
        for place in rng.integers(0, len(data), 3):
            data[place] = rng.integers(256)
        try:
            limits = Limits(steps=2000, bytes=1 << 20)
            Graph.load(bytes(data), ["x", "c"], ["ox"], limits).run({"x": Y, "c": Y})
        except (FileError, LimitError, ShapeError):
            refused += 1
    assert refused > 100


def dense(*more, w=ROWS.T, **product):
    """x (B,3) or (B,4) times w, a bias, softmax."""
    bias = np.arange(w.shape[0 if product.get("transpose_b") else 1], dtype=np.float32)
    return graph(
        placeholder("x"), const("kernel", w), node("w", "Identity", "kernel"), const("b", bias),
        node("product", "MatMul", "x", "w", **product), node("sum", "BiasAdd", "product", "b"),
        node("hidden", "Sigmoid", "sum"), const("w2", bias[:, None] - 1),
        node("product2", "MatMul", "hidden", "w2"), const("b2", np.float32([[0.5]])),
        node("sum2", "AddV2", "b2", "product2"), node("y", "Softmax", "sum2"),
        node("z", "Tanh", "sum2"), *more)  # fmt: skip


@pytest.mark.parametrize("made", [dense(), dense(w=ROWS, transpose_b=True)], ids=["", "turned"])
def test_dense_layers_become_a_network(made):
    loaded = Graph.load(made, ["x:0"], ["z"])
    spec, vector, (slot,) = translate.to_spec(loaded)
    assert [node.kind for node in spec.nodes] == ["dense", "dense"]
    assert [node.config["activation"] for node in spec.nodes] == ["sigmoid", "tanh"]
    assert slot.shape == (None, 3)
    x = RNG.normal(size=(5, 3)).astype(np.float32)
    got = Model(spec, vector=vector).predict(x)
    np.testing.assert_allclose(got, loaded.run({"x:0": x})["z"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("made, text", [
    (frames(), "is no layer"),
    (graph(placeholder("x"), node("ox", "Tanh", "x")), "goes into no product"),
    (graph(placeholder("x"), const("w", ROWS), node("ox", "MatMul", "x", "w", transpose_a=True)),
     "factors"),
    (graph(placeholder("x"), const("w", ROWS), node("ox", "MatMul", "w", "x")), "into no product"),
])  # fmt: skip
def test_other_graphs_are_no_networks(made, text):
    inputs = ["x", "c"] if made == frames() else ["x"]
    with pytest.raises(NotPlain, match=text):
        translate.to_spec(Graph.load(made, inputs, ["ox"]))


@pytest.mark.skipif(not KERAS, reason="RESPNET_KERAS_PYTHON names no Python with TensorFlow")
def test_graphs_that_tensorflow_froze(tmp_path):
    program = Path(tf_models.__file__)
    quiet = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([KERAS, program, tmp_path], check=True, env=quiet, stdout=sys.stderr)
    found = sorted(tmp_path.glob("*.npz"))
    assert len(found) == 14
    for path in found:
        known = np.load(path)
        got = Graph.load(path.with_suffix(".pb"), ["x"], ["Identity"]).run({"x": known["x"]})
        np.testing.assert_allclose(got["Identity"], known["y"], rtol=1e-4, atol=1e-6, err_msg=path)
    spec, vector, _ = translate.to_spec(Graph.load(tmp_path / "fraud.pb", ["x"], ["Identity"]))
    known = np.load(tmp_path / "fraud.npz")
    got = Model(spec, vector=vector).predict(known["x"])
    np.testing.assert_allclose(got, known["y"], rtol=1e-4, atol=1e-6)
    product = Graph.load(tmp_path / "mul.pb", ["a", "b"], ["mul"])
    assert product.run({"a": np.float32(2), "b": np.float32(4)})["mul"] == 8
