"""ONNX files from strangers: each is refused by name, at once, and with little memory."""

import random
import tracemalloc

import numpy as np
import pytest

from respnet.engine import Model, ModelSpec
from respnet.engine.errors import EngineError, FileError, LimitError
from respnet.engine.onnx import Graph, Limits, read, wire
from respnet.engine.onnx.export import to_bytes
from respnet.engine.onnx.limits import Budget
from respnet.engine.onnx.proto import decode, encode
from respnet.engine.onnx.tensors import encoded

LAYERS = [
    ("embedding", {"input_dim": 9, "output_dim": 4, "mask_zero": True}),
    ("lstm", {"units": 5, "return_sequences": True}),
    ("gru", {"units": 3}),
    ("dense", {"units": 2, "activation": "softmax"}),
]


def valid():
    spec = ModelSpec.chain((6,), LAYERS)
    return to_bytes(spec, Model(spec).weights.vector)


def slot(name):
    return encode("ValueInfo", name=name)


def model(nodes=(), constants=(), opset=17, **more):
    """A model with the input x and the output y."""
    graph = encode(
        "Graph", node=nodes, initializer=constants, input=[slot("x")], output=[slot("y")]
    )
    sets = [encode("OperatorSet", domain="", version=opset)]
    return encode("Model", ir_version=8, graph=graph, opset_import=sets, **more)


def node(kind="Relu", inputs=("x",), outputs=("y",), **more):
    return encode("Node", op_type=kind, input=inputs, output=outputs, name="it", **more)


def tensor(dims, data_type=1, name="w", **more):
    return encode("Tensor", dims=dims, data_type=data_type, name=name, **more)


def nested(depth):
    """Graphs in graphs in graphs."""
    inner = encode("Graph", node=[node()])
    for _ in range(depth):
        attribute = encode("Attribute", name="then_branch", g=inner, type=5)
        inner = encode("Graph", node=[node("If", attribute=[attribute])])
    return encode("Model", ir_version=8, graph=inner)


def chain(count):
    names = ["x", *(f"v{i}" for i in range(count - 1)), "y"]
    return [node(inputs=[a], outputs=[b]) for a, b in zip(names, names[1:], strict=False)]


STORED = dict(raw_data=bytes(16))
BAD = {
    "nothing": (b"", "no ONNX model"),
    "another file": (b"PK\x03\x04" + bytes(64), "wire type|left|number"),
    "text": (b"# not a model, a text\n" * 9, "wire type|left|number"),
    "no graph": (encode("Model", ir_version=8), "no ONNX model"),
    "external data": (model([node()], [tensor([4], data_location=1)]), "in another file"),
    "external path": (
        model([node()], [tensor([4], external_data=[b"\x0a\x08location\x12\x0b/etc/passwd"])]),
        "in another file",
    ),
    "huge tensor without data": (model([node()], [tensor([1 << 20, 1 << 20])]), "the limit is"),
    "overflowing product": (model([node()], [tensor([1 << 62, 4])]), "the limit is"),
    "negative length": (model([node()], [tensor([-4], **STORED)]), "no negative"),
    "two negative lengths": (model([node()], [tensor([-2, -2], **STORED)]), "no negative"),
    "short data": (model([node()], [tensor([5], **STORED)]), "has 16 bytes, wants 20"),
    "long data": (model([node()], [tensor([3], **STORED)]), "has 16 bytes, wants 12"),
    "no data": (model([node()], [tensor([3])]), "has 0 numbers, wants 3"),
    "unknown type": (model([node()], [tensor([1], 99)]), "element type 99"),
    "many dimensions": (model([node()], [tensor([1] * 65, **STORED)]), "at most 64 dimensions"),
    "foreign domain": (model([node(domain="com.evil")]), "domain 'com.evil'"),
    "functions": (model([node()], functions=[b"x"]), "functions are not supported"),
    "training": (model([node()], training_info=[b"x"]), "training_info are not supported"),
    "unknown operator": (model([node("System")]), r"node 'it' \(System\): this operator"),
    "unknown name": (model([node(inputs=["z"])]), "reads 'z', which comes later or never"),
    "made twice": (model([node(), node()]), "makes 'y', which is there already"),
    "circle": (
        model([node(inputs=["y"], outputs=["z"]), node(inputs=["z"])]),
        "comes later or never",
    ),
    "no output": (model([node(outputs=["z"])]), "output 'y' is made by no node"),
    "old opset": (model([node()], opset=3), "opset 3 is not supported; 7 to"),
    "new opset": (model([node()], opset=99), "opset 99 is not supported"),
    "many nodes": (model(chain(100_000)), "more than 20,000 nodes"),
    "many fields": (model([node(inputs=["x"] * 410_000)]), "more than 400,000 fields"),
    "deep": (nested(40), "deep in each other"),
    "unknown attribute": (
        model([node(attribute=[encode("Attribute", name="a", type=13)])]),
        "attribute 'a' of type 13",
    ),
    "reference": (
        model([node(attribute=[encode("Attribute", name="a", ref_attr_name="b", type=1)])]),
        "references to attributes",
    ),
    "many varints": (
        model([node()], [wire.block(7, bytes(5 << 20)) + tensor([5 << 20], 7)]),
        "bytes of numbers in one list",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_hostile_file_is_refused_without_much_memory(name):
    data, said = BAD[name]
    tracemalloc.start()
    with pytest.raises(EngineError, match=said):
        Graph.load(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6


def test_every_cut_of_a_file_is_refused():
    data = valid()
    for end in range(0, len(data) - 1, 7):
        with pytest.raises(EngineError):
            Graph.load(data[:end])


def test_a_mutated_file_is_refused_or_read_but_never_breaks_anything():
    data, chance = valid(), random.Random(1)
    x = {"input": np.ones((2, 6), np.float32)}
    outcomes = set()
    for _ in range(2000):
        changed = bytearray(data)
        for _ in range(chance.randint(1, 6)):
            place = chance.randrange(len(changed))
            changed[place] = chance.choice((0, 1, 127, 128, 255, changed[place] ^ (1 << 3)))
        if chance.random() < 0.3:
            del changed[chance.randrange(len(changed)) :][:8]
        try:
            Graph.load(bytes(changed), Limits(bytes=1 << 20, steps=5000)).run(x)
            outcomes.add("read")
        except EngineError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_a_file_larger_than_the_limit_is_not_even_read(tmp_path):
    path = tmp_path / "large.onnx"
    with open(path, "wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(LimitError, match="at most 536,870,912 bytes in a file, got 1,073,741,824"):
        read(path)


# --- the wire -------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**31, 2**62, -1, -(2**63)])
def test_numbers_survive_the_wire(value):
    found = wire.fields(memoryview(wire.integer(5, value)), Budget(Limits()))
    assert [(n, w, wire.signed(v)) for n, w, v in found] == [(5, wire.VARINT, value)]
    packed = b"".join(map(wire.varint, (value, 7, value)))
    assert wire.packed_varints(memoryview(packed), Limits()).tolist() == [value, 7, value]


@pytest.mark.parametrize(
    "data, said",
    [
        (b"\x08", "ends inside a number"),
        (b"\x08" + b"\xff" * 10 + b"\x01", "longer than 64 bits"),
        (b"\x0a\x05abc", "wants 5 bytes, 3 are left"),
        (b"\x0a" + b"\xff" * 9 + b"\x01", "bytes, 0 are left"),
        (b"\x0b", "wire type 3"),
        (b"\x00\x01", "field has number 0"),
    ],
)
def test_broken_fields_are_refused(data, said):
    with pytest.raises(FileError, match=said):
        wire.fields(memoryview(data), Budget(Limits()))


@pytest.mark.parametrize("data", [b"\xff", b"\x01\x80", b"\xff" * 11 + b"\x01"])
def test_broken_lists_of_numbers_are_refused(data):
    with pytest.raises(FileError, match="number"):
        wire.packed_varints(memoryview(data), Limits())


def test_numbers_in_any_field_of_a_tensor_are_read():
    onnx = pytest.importorskip("onnx")
    whole = ((7, [-5, 2**60]), (6, [-1, 3]), (3, [-128, 127]), (9, [0, 1]), (13, [2**63, 1]))
    for kind, values in ((1, [1.5, -2]), (11, [1e300, 2]), (10, [0.5, -2]), *whole):
        made = onnx.helper.make_tensor("t", kind, [2], values)
        want = onnx.numpy_helper.to_array(made)
        data = model([node()], [made.SerializeToString()])
        got = read(data).constants["t"]
        assert got.dtype == want.dtype and (got == want).all(), kind


def test_what_is_encoded_is_what_onnx_reads():
    onnx = pytest.importorskip("onnx")
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    made = onnx.TensorProto.FromString(encoded(array, "t"))
    assert made.name == "t" and (onnx.numpy_helper.to_array(made) == array).all()
    assert decode("Tensor", memoryview(encoded(array)), Budget(Limits())).dims.tolist() == [2, 3]
