"""The tensor as a Python value: arrays in and out, dumps, what a damaged dump is told."""

import numpy as np
import pytest

from respnet.redisproto import values
from respnet.redisproto.ai_tensor import DTYPES, TensorValue
from respnet.redisproto.ai_tensor_words import parse, reply
from respnet.redisproto.errors import CommandError


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0, 4), (3, 1, 2)])
def test_an_array_comes_back(dtype, shape):
    array = np.random.default_rng(1).integers(0, 2, shape).astype(DTYPES[dtype])
    tensor = TensorValue.of(array.astype(array.dtype.newbyteorder(">")))
    assert (tensor.dtype, tensor.shape) == (dtype, shape)
    np.testing.assert_array_equal(tensor.array(), array)
    assert tensor.array().dtype == DTYPES[dtype]
    assert not tensor.array().flags.writeable


def test_arrays_of_any_layout():
    array = np.arange(12, dtype=np.int32).reshape(3, 4)
    np.testing.assert_array_equal(TensorValue.of(array.T[::-1]).array(), array.T[::-1])
    assert TensorValue.of(np.float64(2)).shape == ()


def test_strings_come_back():
    for array in (np.array(["a", "\xe9"]), np.array([b"a", "\xe9".encode()], object)):
        tensor = TensorValue.of(array)
        assert tensor.data == b"a\0\xc3\xa9\0"
        assert tensor.array().tolist() == [b"a", b"\xc3\xa9"]
    assert TensorValue.of(np.empty((0, 2), object)).array().shape == (0, 2)


@pytest.mark.parametrize("array", [
    np.zeros(2, np.float16), np.zeros(2, np.uint32), np.zeros(2, np.uint64), np.zeros(2, complex),
    np.array([1, None], object), np.array([b"a\0b"], object),
    np.broadcast_to(np.float32(0), (2**27 + 1, )),
])
def test_what_a_tensor_cannot_hold_is_refused(array):
    with pytest.raises(CommandError, match="^ERR "):
        TensorValue.of(array)


@pytest.mark.parametrize("size", [1, 8000, 20_000, 600_000])
def test_a_dump_loads(size):
    tensor = TensorValue.of(np.arange(size, dtype="f4").reshape(1, size))
    head, parts = tensor.dump()
    assert len(head) <= values.HEAD_BYTES
    again = values.load(TensorValue.kind, head, parts)
    assert (again.dtype, again.shape, again.data) == ("FLOAT", (1, size), tensor.data)


HEAD = TensorValue.of(np.zeros((2, 1), bool)).dump()[0]


@pytest.mark.parametrize("head", [
    b"", HEAD[:1], HEAD[:-1], HEAD + b"\0", b"\2" + HEAD[1:], HEAD[:1] + b"\x0a" + HEAD[2:],
    HEAD[:2] + b"\xff" + HEAD[3:], HEAD[:-1] + b"\2", HEAD[:3] + b"\xff" * 16 + HEAD[-2:],
    b"\1\x09\1" + b"\1" + bytes(7) + b"ab",
])
def test_a_damaged_dump_is_refused(head):
    with pytest.raises(ValueError, match="tensor"):
        TensorValue.load(head, [])


def test_words_need_no_server():
    tensor = parse([b"AI.TENSORSET", b"x", b"int8", b"2", b"VALUES", b"1", b"2"])
    assert reply(tensor, [b"values"]) == [1, 2]
    with pytest.raises(CommandError, match="invalid or negative value found in tensor shape"):
        parse([b"AI.TENSORSET", b"x", b"INT8", b"2", b"FROM", b"STRING", b"s"])


def test_a_product_without_end_costs_nothing():
    words = [b"AI.TENSORSET", b"x", b"INT8", *[b"9223372036854775807"] * 200_000]
    with pytest.raises(CommandError, match="at most 64 dimensions, got 200000"):
        parse(words)
    with pytest.raises(CommandError, match="wrong number of values"):
        parse([*words, b"VALUES", b"1"])
