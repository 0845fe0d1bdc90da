"""Hostile models: name -> (words after AI.MODELSTORE's key, tensors of a run)."""

import json
import struct

import numpy as np
from ai_models import blob_of, network
from onnx import TensorProto, helper, numpy_helper
from tf_models import const, node, placeholder
from tf_models import graph as frozen

from respnet.engine.onnx import to_bytes

X = np.ones(3, "f4")
NET = network(3, 4, 2)
PLAIN, FILE = to_bytes(NET.spec, NET.weights.vector, "net", "test"), blob_of(NET)
BOOL, FLOAT, INT64 = TensorProto.BOOL, TensorProto.FLOAT, TensorProto.INT64


# --- ONNX -------------------------------------------------------------------------------------


def made(nodes, outputs=("y",), constants=(), kind=FLOAT, shape=(3,), imports=()):
    """The bytes of a model with the input x; constants: arrays by name, or tensors."""
    found = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_empty_tensor_value_info(name) for name in outputs], tensors(constants))
    imports = [helper.make_opsetid("", 17), *imports]
    return helper.make_model(found, opset_imports=imports, ir_version=8).SerializeToString()


def tensors(constants):
    if isinstance(constants, dict):
        return [numpy_helper.from_array(np.asarray(a), name) for name, a in constants.items()]
    return list(constants)


def op(kind, *inputs, output="y", **attributes):
    return helper.make_node(kind, list(inputs), [output], **attributes)


def onnx(blob, x=X):
    return ("ONNX", "CPU", "BLOB", blob), [x]


def external(place):
    tensor = TensorProto(data_type=FLOAT, name="w", dims=[3])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=place)
    return onnx(made([op("Add", "x", "w")], constants=[tensor]))


def raw_tensor(dims, kind=FLOAT, data=b"1234"):
    tensor = TensorProto(data_type=kind, name="w", dims=dims, raw_data=data)
    return onnx(made([op("Add", "x", "w")], constants=[tensor]))


def chain(count):
    names = ["x", *(f"v{n}" for n in range(count - 1)), "y"]
    pairs = zip(names, names[1:], strict=False)
    return onnx(made([op("Neg", a, output=b) for a, b in pairs]))


def wrapped(depth):
    """Graphs in graphs, two in each: If nodes."""
    branch = op("Neg", "x", output="y0")
    for n in range(depth):
        inner = helper.make_graph([branch], "g", [],
                                  [helper.make_empty_tensor_value_info(f"y{n}")])
        branch = op("If", "c", output=f"y{n + 1}", then_branch=inner, else_branch=inner)
    return onnx(made([branch], branch.output, {"c": True}))


def loop(*nodes, most="", scanned=()):
    """A Loop whose condition stays true."""
    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [op("Identity", "go", output="on"), *nodes], "body",
        [info("i", INT64, ()), info("go", BOOL, ())],
        [info("on", BOOL, ()), *map(helper.make_empty_tensor_value_info, scanned)])
    nodes = [helper.make_node("Loop", [most, "c"], list(scanned), body=body), op("Neg", "x")]
    constants = {"c": True, "most": np.int64(2**62), "many": np.array([1 << 20])}
    return onnx(made(nodes, ("y", *scanned), constants))


def bomb(kind, *inputs, **constants):
    return onnx(made([op(kind, *inputs)], constants=constants))


def square(times):
    """x concatenated with itself again and again."""
    names = ["x", *(f"v{n}" for n in range(times - 1)), "y"]
    pairs = zip(names, names[1:], strict=False)
    return onnx(made([op("Concat", a, a, output=b, axis=0) for a, b in pairs]))


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def nested(depth):
    """A message inside a message, as long as lengths allow: Graph > Node > Attribute > Graph."""
    data = b""
    for n in range(depth):
        data = bytes([(10, 10, 42, 50)[n % 4]]) + varint(len(data)) + data
    return onnx(b"\x08\x08" + bytes([58]) + varint(len(data)) + data)


ONNX = {
    "empty blob": onnx(b""),
    "noise": onnx(np.random.default_rng(0).bytes(5000)),
    "wrong magic": onnx(FILE),
    "number without end": onnx(b"\xff" * 100_000),
    "huge length": onnx(b"\x3a" + varint(2**63) + b"abc"),
    "many fields": onnx(b"\x08\x01" * 5_000_000),
    "deep messages": nested(400),
    "data in a file": external("/etc/passwd"),
    "data up the tree": external("../../../../../etc/shadow"),
    "data in a device": external("/dev/zero"),
    "shape bomb": raw_tensor([2**40]),
    "shape that overflows": raw_tensor([2**32, 2**32]),
    "negative dims": raw_tensor([-1]),
    "thousand dims": raw_tensor([1] * 1000),
    "short data": raw_tensor([1000]),
    "type nobody has": raw_tensor([1], 99),
    "text as numbers": raw_tensor([1], TensorProto.STRING),
    "100 000 nodes": chain(100_000),
    "graphs in graphs": wrapped(14),
    "loop for ever": loop(),
    "loop that collects": loop(op("Expand", "c", "many", output="s"), most="most", scanned=["s"]),
    "zeros 10^12": bomb("ConstantOfShape", "n", n=np.array([10**12])),
    "zeros 10^6 x 10^6 x 10^7": bomb("ConstantOfShape", "n", n=np.array([10**6, 10**6, 10**7])),
    "zeros of an input": onnx(made([op("ConstantOfShape", "x")], kind=INT64, shape=(2,)),
                              np.array([2**31, 2**31])),
    "negative zeros": bomb("ConstantOfShape", "n", n=np.array([-5])),
    "Expand": bomb("Expand", "x", "n", n=np.array([10**9, 3])),
    "Tile": bomb("Tile", "x", "n", n=np.array([10**10])),
    "Pad": bomb("Pad", "x", "n", n=np.array([10**10, 10**10])),
    "Range": bomb("Range", "a", "b", "c", a=np.int64(0), b=np.int64(10**13), c=np.int64(1)),
    "OneHot": bomb("OneHot", "i", "n", "v", i=np.arange(3), n=np.int64(10**11),
                   v=np.array([0, 1], "f4")),
    "doubled 60 times": square(60),
    "outer products": onnx(made(
        [op("Reshape", "x", "n", output="t"), op("ConstantOfShape", "m", output="w"),
         op("MatMul", "t", "w")],
        constants={"n": np.array([3, 1]), "m": np.array([1, 60_000_000])})),
    "huge convolution": onnx(made(
        [op("ConstantOfShape", "n", output="p"), op("Conv", "p", "w", pads=[10**6] * 4)],
        constants={"n": np.array([1, 1, 9, 9]), "w": np.ones((1, 1, 3, 3), "f4")})),
    "cycle": onnx(made([op("Add", "x", "y", output="a"), op("Neg", "a")])),
    "reads itself": onnx(made([op("Add", "x", "y")])),
    "made twice": onnx(made([op("Neg", "x"), op("Abs", "x")])),
    "unknown domain": onnx(made([op("Neg", "x", domain="evil.so")])),
    "unknown operator": onnx(made([op("System\r\n+OK", "x")])),
    "names with CR LF": onnx(made([op("Neg", "no\r\n+OK\r\n")])),
    "name with NUL": onnx(made([op("Neg", "no\0x")])),
    "name as a path": onnx(made([op("Neg", "../../etc/passwd")])),
    "numbers as text": onnx(made([op("Neg", "x")], kind=TensorProto.STRING)),
    "wrong attribute": onnx(made([op("Concat", "x", "x", axis="/bin/sh")])),
    "axis 2^40": onnx(made([op("Concat", "x", "x", axis=2**40)])),
    "factors by zero": onnx(made([op("Split", "x", split=[-2**40, 2**40 + 3])])),
}
ONNX |= {f"cut at {n} %": onnx(PLAIN[: len(PLAIN) * n // 100]) for n in (1, 10, 33, 66, 90, 99)}


# --- RESPNET ----------------------------------------------------------------------------------


def respnet(blob):
    return ("RESPNET", "CPU", "BLOB", blob), [X[None]]


def changed(change):
    """The file with another description."""
    size = struct.unpack_from("<Q", FILE)[0]
    header = json.loads(FILE[8 : 8 + size])
    spec = json.loads(header["__metadata__"]["spec"])
    change(header, spec)
    header["__metadata__"]["spec"] = json.dumps(spec)
    text = json.dumps(header).encode()
    return respnet(struct.pack("<Q", len(text)) + text + FILE[8 + size :])


def units(count):
    def change(header, spec):
        for one in spec["nodes"]:
            one["config"]["units"] = count
    return change


def python_layer(header, spec):
    spec["nodes"][0] |= {"kind": "python", "config": {"name": "os.system", "class": "os.system"}}


def huge_tensor(header, spec):
    header["weights"]["shape"] = [2**62]


def far_away(header, spec):
    header["weights"]["data_offsets"] = [2**62, 2**62 + 4]


def odd_type(header, spec):
    header["weights"]["dtype"] = "../../etc"


def ring(header, spec):
    spec["nodes"][0]["inputs"] = [spec["nodes"][-1]["name"]]


def header_of(text):
    return respnet(struct.pack("<Q", len(text)) + text)


RESPNET = {
    "no file": respnet(b""),
    "file of another kind": respnet(PLAIN),
    "header of 2^60 bytes": respnet(struct.pack("<Q", 2**60) + b"{}"),
    "header of 30 MB": header_of(b'{"a":' + b" " * (30 << 20) + b"1}"),
    "header of brackets": header_of(b"[" * (1 << 20)),
    "header of a million tensors": header_of(
        b"{" + b",".join(b'"%d":1' % n for n in range(1_000_000)) + b"}"),
    "header with a huge number": header_of(b'{"__metadata__":' + b"9" * 1_000_000 + b"}"),
    "python layer": changed(python_layer),
    "10^9 units": changed(units(10**9)),
    "10^30 units": changed(units(10**30)),
    "minus units": changed(units(-4)),
    "tensor of 2^62": changed(huge_tensor),
    "tensor far away": changed(far_away),
    "type as a path": changed(odd_type),
    "layers in a ring": changed(ring),
}
RESPNET |= {f"file cut at {n} %": respnet(FILE[: len(FILE) * n // 100]) for n in (3, 30, 95)}


# --- TF ---------------------------------------------------------------------------------------


def tf(*nodes, output="y", x=X, functions=()):
    return tf_bytes(frozen(*nodes, functions=functions), output, x)


def tf_bytes(blob, output="y", x=X):
    return ("TF", "CPU", "INPUTS", 1, "x", "OUTPUTS", 1, output, "BLOB", blob), [x]


P = placeholder("x")


def frames(last):
    """A loop of TensorFlow 1 whose condition is a constant."""
    return (P, const("always", True), node("enter", "Enter", "x", frame_name=b"f"),
            node("merge", "Merge", "enter", "next"), node("cond", "LoopCond", "always"),
            node("switch", "Switch", "merge", "cond"), node("body", "Neg", "switch:1"),
            node("next", "NextIteration", last), node("y", "Exit", "switch"))


TF = {
    "no graph": tf_bytes(b""),
    "graph of noise": tf_bytes(np.random.default_rng(1).bytes(5000)),
    "graph cut": tf_bytes(frozen(P, const("w", np.ones(1000, "f4")),
                                 node("y", "Mul", "x", "w"))[:-500]),
    "Enter for ever": tf(*frames("body")),
    "NextIteration of itself": tf(*frames("next")),
    "Enter of itself": tf(P, node("y", "Enter", "y", frame_name=b"f")),
    "nodes in a ring": tf(P, node("a", "Add", "x", "y"), node("y", "Neg", "a")),
    "two of one name": tf(P, node("y", "Neg", "x"), node("y", "Abs", "x")),
    "Fill": tf(P, const("n", np.array([10**6, 10**6], "i4")), const("v", np.float32(0)),
               node("y", "Fill", "n", "v")),
    "file reader": tf(P, const("p", np.array([b"/etc/passwd"], object)),
                      node("y", "ReadFile", "p")),
    "python function": tf(P, node("y", "PyFunc", "x", token=b"os.system")),
    "100 000 nodes of TF": tf(P, *(node(f"v{n}", "Neg", f"v{n - 1}" if n else "x")
                                   for n in range(100_000)), output="v99999"),
    "result 2^40 of a node": tf(P, const("a", np.int32(0)),
                                node("y", "Split", "a", "x", num_split=2**40)),
}

ALL = {**ONNX, **RESPNET, **TF}
