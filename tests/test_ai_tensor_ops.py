"""AI.TENSORSLICE, AI.TENSORCONCAT, AI.TENSORRESHAPE over a socket, compared with NumPy."""

import numpy as np
import pytest
from ai_tensor_helpers import ask  # noqa: F401  (a fixture)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WRONGTYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
SHAPE = "ERR invalid or negative value found in tensor shape"
EMPTY = "ERR tensor key is empty or in a different shard"
INTEGER = "ERR value is not an integer or out of range"


def put(ask, key, array):
    dims = " ".join(map(str, array.shape))
    assert ask(f"AI.TENSORSET {key} INT32 {dims} BLOB", array.astype("<i4").tobytes()) == b"OK"


def got(ask, key):
    _, _, _, shape, _, blob = ask(f"AI.TENSORGET {key}")
    return np.frombuffer(blob, "<i4").reshape(shape)


CUBE = np.arange(24).reshape(2, 3, 4)


@pytest.mark.parametrize(("words", "wanted"), [
    ("0 1 2", CUBE[1:2]),
    ("2 -3 -1", CUBE[:, :, -3:-1]),
    ("-1 0 100", CUBE),
    ("1 0 2 2 1 4", CUBE[:, :2, 1:]),
    ("2 0 2 2 1 4", CUBE[:, :, 1:]),
])
def test_slices(ask, words, wanted):
    put(ask, "t", CUBE)
    assert ask(f"AI.TENSORSLICE u t {words}") == list(wanted.shape)
    np.testing.assert_array_equal(got(ask, "u"), wanted)


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2), st.integers(-5, 5), st.integers(-5, 5))
def test_slices_are_those_of_python(ask, axis, start, stop):
    put(ask, "t", CUBE)
    places = [slice(None)] * 3
    places[axis] = slice(start, stop)
    wanted = CUBE[tuple(places)]
    reply = ask(f"AI.TENSORSLICE u t {axis} {start} {stop}")
    if wanted.size:
        np.testing.assert_array_equal(got(ask, "u"), wanted)
    else:
        assert reply == (f"ERR axis {axis} has {CUBE.shape[axis]} places, of which none is from "
                         f"{start} to {stop}")


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_tensors_are_joined(ask, axis):
    put(ask, "t", CUBE)
    put(ask, "u", CUBE + 100)
    wanted = np.concatenate([CUBE, CUBE + 100, CUBE], axis)
    assert ask(f"AI.TENSORCONCAT {axis} v t u t") == list(wanted.shape)
    np.testing.assert_array_equal(got(ask, "v"), wanted)


@pytest.mark.parametrize(("words", "shape"), [
    ("24", (24,)), ("4 -1", (4, 6)), ("-1", (24,)), ("1 2 3 4 1", (1, 2, 3, 4, 1))])
def test_shapes(ask, words, shape):
    put(ask, "t", CUBE)
    assert ask(f"AI.TENSORRESHAPE t t {words}") == list(shape)
    np.testing.assert_array_equal(got(ask, "t"), CUBE.reshape(shape))


def test_a_single_element_loses_its_dimensions(ask):
    put(ask, "t", np.ones((1, 1)))
    assert ask("AI.TENSORRESHAPE u t") == []
    assert ask("AI.TENSORGET u VALUES") == [1]


def test_strings_are_cut_and_joined(ask):
    ask("AI.TENSORSET t STRING 3 VALUES a bb", b"")
    assert ask("AI.TENSORCONCAT 0 u t t") == [6]
    assert ask("AI.TENSORSLICE u u 0 1 4") == [3]
    assert ask("AI.TENSORGET u VALUES") == [b"bb", b"", b"a"]


# t: INT32 2x3x4; f: FLOAT 2x3x4; s: a scalar; text: a string
REFUSED = {
    "AI.TENSORSLICE u t 0 1": "ERR wrong number of arguments for 'AI.TENSORSLICE' command",
    "AI.TENSORSLICE u t 0 1 2 3": "ERR syntax error",
    "AI.TENSORSLICE u t x 0 1": INTEGER,
    "AI.TENSORSLICE u none 0 0 1": EMPTY,
    "AI.TENSORSLICE u text 0 0 1": WRONGTYPE,
    "AI.TENSORSLICE text none 0 0 1": WRONGTYPE,
    "AI.TENSORSLICE u t 3 0 1": "ERR axis 3 is out of range: the tensor has 3 dimensions",
    "AI.TENSORSLICE u s 0 0 1": "ERR axis 0 is out of range: the tensor has 0 dimensions",
    "AI.TENSORSLICE u t 0 1 1": "ERR axis 0 has 2 places, of which none is from 1 to 1",
    "ai.tensorConcat 0 u": "ERR wrong number of arguments for 'ai.tensorConcat' command",
    "AI.TENSORCONCAT x u t": INTEGER,
    "AI.TENSORCONCAT 0 u t none": EMPTY,
    "AI.TENSORCONCAT 0 text t": WRONGTYPE,
    "AI.TENSORCONCAT -4 u t": "ERR axis -4 is out of range: the tensor has 3 dimensions",
    "AI.TENSORCONCAT 0 u t f": "ERR tensors of types INT32 and FLOAT cannot be joined",
    "AI.TENSORCONCAT 1 u t w": ("ERR tensors of shapes 2x3x4 and 2x3x5 cannot be joined along "
                                "axis 1"),
    "AI.TENSORCONCAT 0 u t v": "ERR tensors of shapes 2x3x4 and 24 cannot be joined along axis 0",
    "AI.TENSORRESHAPE u": "ERR wrong number of arguments for 'AI.TENSORRESHAPE' command",
    "AI.TENSORRESHAPE u none 1": EMPTY,
    "AI.TENSORRESHAPE u t x": SHAPE,
    "AI.TENSORRESHAPE u t 0": SHAPE,
    "AI.TENSORRESHAPE u t -2": SHAPE,
    "AI.TENSORRESHAPE u t -1 -1": "ERR only one size of a shape may be -1",
    "AI.TENSORRESHAPE u t 5 -1": "ERR a tensor of 24 elements cannot take the shape 5x-1",
    "AI.TENSORRESHAPE u t 25": "ERR a tensor of 24 elements cannot take the shape 25",
    "AI.TENSORRESHAPE u t": ("ERR a tensor of 24 elements cannot take the shape a single "
                             "element"),
    "AI.TENSORRESHAPE u t 24" + 64 * " 1": "ERR a tensor has at most 64 dimensions, got 65",
    "COMMAND GETKEYS AI.TENSORCONCAT 0 u t f": [b"u", b"t", b"f"],
    "COMMAND GETKEYS AI.TENSORSLICE u t 0 0 1": [b"u", b"t"],
    "COMMAND GETKEYS AI.TENSORSET u FLOAT 1 from list l": [b"u", b"l"],
    "COMMAND GETKEYS AI.TENSORSET u FLOAT FROM HASH h f": [b"u", b"h"],
    "COMMAND GETKEYS AI.TENSORSET u FLOAT 1 FROM LIST": [b"u"],
    "COMMAND GETKEYS AI.TENSORSET u FLOAT 1 FROM SET s": [b"u"],
    "COMMAND GETKEYS AI.TENSORSET u STRING 3 VALUES FROM LIST l": [b"u"],
    "COMMAND GETKEYS AI.MODELEXECUTE u INPUTS 2 t OUTPUTS 1 v w":
        "ERR Invalid arguments specified for command",
}


@pytest.mark.parametrize("line", REFUSED)
def test_errors(ask, line):
    put(ask, "t", CUBE)
    put(ask, "v", CUBE.ravel())
    put(ask, "w", np.zeros((2, 3, 5)))
    ask("AI.TENSORSET f FLOAT 2 3 4")
    ask("AI.TENSORSET s INT32 VALUES 1")
    ask("SET text x")
    assert ask(line) == REFUSED[line]
    assert ask("EXISTS u") == 0


def test_joined_tensors_are_not_too_large(ask):
    ask("AI.TENSORSET t INT8 100000000")
    assert ask("AI.TENSORCONCAT 0 u t t t t t t") == "ERR a tensor holds at most 536870912 bytes"
    ask("DEL t")
