"""AI.TENSORSET and AI.TENSORGET over a socket: replies and errors, word for word."""

import random
import struct

import numpy as np
import pytest
from ai_tensor_helpers import ask, said  # noqa: F401  (ask is a fixture)
from redis.exceptions import ResponseError

WRONGTYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
TYPE = "ERR invalid data type"
SHAPE = "ERR invalid or negative value found in tensor shape"
COUNT = "ERR wrong number of values was given in 'AI.TENSORSET' command"
ONE_BLOB = ("ERR a single binary string should come after the BLOB argument in 'AI.TENSORSET' "
            "command")
LENGTH = "ERR data length does not match tensor shape and type"
STRINGS = "ERR Number of string elements in data blob does not match tensor length"
NUL = "ERR C-string value contains null character"
BOOLS = "ERR BOOL tensor elements must be 0 or 1"
VALUE = "ERR invalid value"
FORMAT = "ERR unsupported data format"
BOTH = "ERR both BLOB and VALUES specified"
EMPTY = "ERR tensor key is empty or in a different shard"
LARGE = "ERR a tensor holds at most 536870912 bytes"
FROM = ("ERR HASH, LIST or STRING and a key should come after the FROM argument in 'AI.TENSORSET' "
        "command")


def arity(name):
    return f"ERR wrong number of arguments for '{name}' command"


# text: a string; t: a FLOAT tensor of two; the errors in the order the command looks for them
REFUSED = {
    "AI.TENSORSET": arity("AI.TENSORSET"),
    "ai.TensorSet t FLOAT": arity("ai.TensorSet"),
    "AI.TENSORGET": arity("AI.TENSORGET"),
    "AI.TENSORGET none META BLOB BLOB": arity("AI.TENSORGET"),
    "AI.TENSORSET text foo x": WRONGTYPE,
    "AI.TENSORGET text foo": WRONGTYPE,
    "AI.TENSORGET none foo": EMPTY,
    "AI.TENSORGET t foo": FORMAT,
    "AI.TENSORGET t META foo": FORMAT,
    "AI.TENSORGET t BLOB VALUES": BOTH,
    "AI.TENSORGET t VALUES BLOB": BOTH,
    "AI.TENSORGET t BLOB foo": FORMAT,
    "AI.TENSORSET t FLOAT16 x": TYPE,
    "AI.TENSORSET t FLOATFLOATFLOAT 1": TYPE,
    "AI.TENSORSET t UINT32 1": TYPE,
    "AI.TENSORSET t BLOB x": TYPE,
    "AI.TENSORSET t FLOAT 0": SHAPE,
    "AI.TENSORSET t FLOAT -1": SHAPE,
    "AI.TENSORSET t FLOAT 01": SHAPE,
    "AI.TENSORSET t FLOAT +1": SHAPE,
    "AI.TENSORSET t FLOAT 1.5": SHAPE,
    "AI.TENSORSET t FLOAT 9223372036854775808": SHAPE,
    "AI.TENSORSET t FLOAT x BLOB": SHAPE,
    "AI.TENSORSET t FLOAT 0 VALUES 1 2": SHAPE,
    "AI.TENSORSET t FLOAT 2 BLOB": ONE_BLOB,
    "AI.TENSORSET t FLOAT 2 BLOB x y": ONE_BLOB,
    "AI.TENSORSET t FLOAT 2 BLOB x VALUES 1": ONE_BLOB,
    "AI.TENSORSET t FLOAT 2 BLOB 1234567": LENGTH,
    "AI.TENSORSET t FLOAT BLOB 12345678": LENGTH,
    "AI.TENSORSET t DOUBLE 2 BLOB 12345678": LENGTH,
    "AI.TENSORSET t BOOL 2 BLOB 1": LENGTH,
    "AI.TENSORSET t BOOL 2 BLOB ab": BOOLS,
    "AI.TENSORSET t FLOAT 2 VALUES": COUNT,
    "AI.TENSORSET t FLOAT 2 VALUES 1": COUNT,
    "AI.TENSORSET t FLOAT 2 VALUES 1 2 3": COUNT,
    "AI.TENSORSET t FLOAT VALUES 1 2": COUNT,
    "AI.TENSORSET t FLOAT 2 VALUES BLOB x y": COUNT,
    "AI.TENSORSET t FLOAT 1000000000000 VALUES 1": COUNT,
    "AI.TENSORSET t FLOAT 4611686018427387904 4 VALUES 1": COUNT,
    "AI.TENSORSET t FLOAT 1 VALUES x": VALUE,
    "AI.TENSORSET t FLOAT 1 VALUES 1_0": VALUE,
    "AI.TENSORSET t FLOAT 1 VALUES nan": VALUE,
    "AI.TENSORSET t FLOAT 1 VALUES 1e999": VALUE,
    "AI.TENSORSET t FLOAT 1 VALUES infinit": VALUE,
    "AI.TENSORSET t DOUBLE 1 VALUES 1e-400": VALUE,
    "AI.TENSORSET t INT8 1 VALUES 128": VALUE,
    "AI.TENSORSET t INT8 2 VALUES -1 -128": VALUE,
    "AI.TENSORSET t INT16 1 VALUES -32768": VALUE,
    "AI.TENSORSET t INT32 1 VALUES 2147483648": VALUE,
    "AI.TENSORSET t INT64 1 VALUES 9223372036854775808": VALUE,
    "AI.TENSORSET t INT64 1 VALUES 1.0": VALUE,
    "AI.TENSORSET t INT64 1 VALUES 01": VALUE,
    "AI.TENSORSET t UINT8 1 VALUES -1": VALUE,
    "AI.TENSORSET t UINT8 1 VALUES 256": VALUE,
    "AI.TENSORSET t UINT16 1 VALUES 65536": VALUE,
    "AI.TENSORSET t BOOL 1 VALUES 2": VALUE,
    "AI.TENSORSET t BOOL 1 VALUES true": VALUE,
    "AI.TENSORSET t FLOAT 4611686018427387904 4": LARGE,
    "AI.TENSORSET t FLOAT 1000000000000": LARGE,
    "AI.TENSORSET t STRING 1000000000000": LARGE,
    "AI.TENSORSET t DOUBLE 67108865": LARGE,
    "AI.TENSORSET t FLOAT " + 65 * "1 ": "ERR a tensor has at most 64 dimensions, got 65",
    "AI.TENSORSET t FLOAT 2 FROM": FROM,
    "AI.TENSORSET t FLOAT 2 FROM STRING": FROM,
    "AI.TENSORSET t FLOAT 2 FROM SET s": FROM,
    "AI.TENSORSET t FLOAT 2 FROM STRING none": "ERR no such key",
    "AI.TENSORSET t FLOAT 2 FROM STRING t": WRONGTYPE,
    "AI.TENSORSET t FLOAT 2 FROM STRING text": LENGTH,
    "AI.TENSORSET t FLOAT 2 FROM STRING text x": ONE_BLOB,
    "GET t": WRONGTYPE,
    "COPY t u": "ERR not supported for this module key",
}


@pytest.mark.parametrize("line", REFUSED)
def test_errors(ask, line):
    ask("SET text x")
    ask("AI.TENSORSET t FLOAT 2 VALUES 1 2")
    assert ask(line) == REFUSED[line]
    assert ask("AI.TENSORGET t BLOB") == struct.pack("<2f", 1, 2)
    assert ask("DBSIZE") == 2


@pytest.mark.parametrize(("shape", "blob", "text"), [
    ("STRING 1 BLOB", b"", STRINGS),
    ("STRING 1 BLOB", b"abc", STRINGS),
    ("STRING 1 BLOB", b"a\0b", STRINGS),
    ("STRING 2 BLOB", b"a\0", STRINGS),
    ("STRING 1 BLOB", b"a\0b\0", STRINGS),
    ("BOOL 2 BLOB", b"\1\2", BOOLS),
    ("BOOL 3 BLOB", b"\0\1", LENGTH),
    ("STRING 1 VALUES", b"a\0b", NUL),
    ("STRING 1 VALUES", b"a\0\0", NUL),
    ("FLOAT 1 VALUES", b" 1", VALUE),
    ("FLOAT 1 VALUES", b"1 ", VALUE),
    ("FLOAT 1 VALUES", b"", VALUE),
    ("FLOAT 1 VALUES", b"1\0", VALUE),
    ("INT8 1 VALUES", b" 1", VALUE),
])
def test_errors_of_bytes(ask, shape, blob, text):
    assert ask("AI.TENSORSET t " + shape, blob) == text
    assert ask("EXISTS t") == 0


def bulk(ask, number):
    """A double as the protocol writes it."""
    return float(number) if ask.protocol == 3 else number.encode()


# what TENSORSET is told -> type, shape, bytes, the VALUES of it
STORED = [
    ("FLOAT 2 VALUES 0.1 1e39", "FLOAT", [2], struct.pack("<2f", 0.1, float("inf")),
     ["0.10000000149011612", "inf"]),
    ("float 1 2 values -inf 0x1.8p1", "FLOAT", [1, 2], struct.pack("<2f", float("-inf"), 3),
     ["-inf", "3"]),
    ("FLOAT VALUES +InFiNiTy", "FLOAT", [], struct.pack("<f", float("inf")), ["inf"]),
    ("FLOAT 1 VALUES 1e-50", "FLOAT", [1], struct.pack("<f", 0), ["0"]),
    ("DOUBLE 3 VALUES .5 -0 1e-310", "DOUBLE", [3], struct.pack("<3d", 0.5, -0.0, 1e-310),
     ["0.5", "-0", "9.9999999999999694e-311"]),
    ("DOUBLE 1 VALUES 0.1", "DOUBLE", [1], struct.pack("<d", 0.1), ["0.10000000000000001"]),
    ("INT8 2 VALUES -127 127", "INT8", [2], b"\x81\x7f", [-127, 127]),
    ("INT16 1 1 VALUES -32767", "INT16", [1, 1], b"\x01\x80", [-32767]),
    ("INT32 1 VALUES -2", "INT32", [1], b"\xfe\xff\xff\xff", [-2]),
    ("INT64 1 VALUES 9223372036854775807", "INT64", [1], b"\xff" * 7 + b"\x7f", [2**63 - 1]),
    ("UINT8 2 VALUES 0 255", "UINT8", [2], b"\0\xff", [0, 255]),
    ("UINT16 VALUES 65535", "UINT16", [], b"\xff\xff", [65535]),
    ("BOOL 2 VALUES 1 0", "BOOL", [2], b"\1\0", [1, 0]),
    ("STRING 2 VALUES ab c", "STRING", [2], b"ab\0c\0", [b"ab", b"c"]),
    ("FLOAT 2 1", "FLOAT", [2, 1], bytes(8), ["0", "0"]),
    ("BOOL 3", "BOOL", [3], bytes(3), [0, 0, 0]),
    ("STRING 2", "STRING", [2], b"\0\0", [b"", b""]),
    ("INT16 " + 64 * "1 ", "INT16", [1] * 64, b"\0\0", [0]),
]


@pytest.mark.parametrize(("line", "dtype", "shape", "blob", "values"), STORED)
def test_what_is_set_is_what_is_got(ask, line, dtype, shape, blob, values):
    meta = [b"dtype", dtype.encode(), b"shape", shape]
    values = [bulk(ask, one) if isinstance(one, str) else one for one in values]
    assert ask("AI.TENSORSET t " + line) == b"OK"
    assert ask("AI.TENSORGET t META") == meta
    assert ask("AI.TENSORGET t") == [*meta, b"blob", blob]
    assert ask("AI.TENSORGET t VALUES META") == [*meta, b"values", values]
    assert ask("AI.TENSORGET t values values") == values
    assert ask("ai.tensorget t Blob meta") == [*meta, b"blob", blob]
    assert ask(f"AI.TENSORSET u {dtype} {' '.join(map(str, shape))} BLOB", blob) == b"OK"
    assert ask("AI.TENSORGET u VALUES") == values
    assert ask("AI.TENSORGET u BLOB") == blob


def test_not_a_number_comes_in_by_bytes_only(ask):
    ask("AI.TENSORSET t FLOAT 2 BLOB", b"\0\0\xc0\x7f\0\0\xc0\xff")
    got = ask("AI.TENSORGET t VALUES")
    assert np.isnan(got).all() if ask.protocol == 3 else got == [b"nan", b"-nan"]


def test_strings_may_be_empty_and_end_with_nul(ask):
    assert ask("AI.TENSORSET t STRING 2 VALUES", b"", b"x\0") == b"OK"
    assert ask("AI.TENSORGET t BLOB") == b"\0x\0"


def test_a_string_key_becomes_a_tensor(ask):
    ask("SET s", struct.pack("<2f", 3, 4))
    assert ask("AI.TENSORSET t FLOAT 2 FROM STRING s") == b"OK"
    assert ask("AI.TENSORGET t BLOB") == struct.pack("<2f", 3, 4)


def test_lists_and_hashes_become_tensors(ask):
    ask("RPUSH l 1.5 2 -3")
    ask("HSET h a 7 b 8 c 9")
    assert ask("AI.TENSORSET t FLOAT 1 3 FROM LIST l") == b"OK"
    assert ask("AI.TENSORGET t BLOB") == struct.pack("<3f", 1.5, 2, -3)
    assert ask("AI.TENSORSET t INT8 3 from hash h") == b"OK"
    assert ask("AI.TENSORGET t VALUES") == [7, 8, 9]
    assert ask("AI.TENSORSET t INT8 2 FROM HASH h c a") == b"OK"
    assert ask("AI.TENSORGET t VALUES") == [9, 7]
    assert ask("AI.TENSORSET t STRING 3 FROM LIST l") == b"OK"
    assert ask("AI.TENSORGET t BLOB") == b"1.5\x002\x00-3\x00"
    assert ask("AI.TENSORSET t FLOAT 2 FROM LIST l") == COUNT
    assert ask("AI.TENSORSET t FLOAT 4 FROM LIST l x") == VALUE
    assert ask("AI.TENSORSET t INT8 3 FROM LIST l") == VALUE
    assert ask("AI.TENSORSET t FLOAT 2 FROM HASH h a z") == "ERR the hash has no field 'z'"
    assert ask("AI.TENSORSET t FLOAT 2 FROM HASH l") == WRONGTYPE
    assert ask("AI.TENSORSET t FLOAT 2 FROM LIST h") == WRONGTYPE
    assert ask("AI.TENSORSET t FLOAT 2 FROM HASH none") == "ERR no such key"
    assert ask("AI.TENSORSET h FLOAT 2 FROM LIST l") == WRONGTYPE


def test_the_key_is_one_of_the_keyspace(ask):
    ask("AI.TENSORSET t FLOAT 256")
    ask("EXPIRE t 100")
    assert ask("TYPE t") == b"AI_TENSOR"
    assert 1024 < ask("MEMORY USAGE t") < 1024 + 800
    assert ask("TTL t") == 100
    assert ask("RENAME t u") == b"OK"
    assert ask("AI.TENSORGET u META") == [b"dtype", b"FLOAT", b"shape", [256]]
    ask("AI.TENSORSET u INT8 1")
    assert ask("TTL u") == -1
    assert ask("SCAN 0 TYPE ai_tensor") == [b"0", [b"u"]]
    assert ask("DEL u") == 1


def test_the_module_is_listed(resp2):
    modules = [dict(zip(one[::2], one[1::2], strict=True))
               for one in resp2.execute_command("MODULE", "LIST")]
    assert {b"name": b"ai", b"ver": 10207} in modules


def test_tensors_survive_a_restart_and_a_kill(serve, tmp_path):
    rng = np.random.default_rng(1)
    large = rng.normal(size=(600, 1000)).astype("<f4").tobytes()
    server = serve(dir=tmp_path / "data", appendfsync="always")
    client = server.redis(protocol=2)
    for number, (line, *_) in enumerate(STORED):
        client.execute_command("AI.TENSORSET", f"t{number}", *line.split())
    client.execute_command("AI.TENSORSET", "large", "FLOAT", 600, 1000, "BLOB", large)
    before = [client.execute_command("AI.TENSORGET", f"t{n}") for n in range(len(STORED))]
    server.end(9)
    again = serve(dir=tmp_path / "data").redis(protocol=2)
    assert before == [again.execute_command("AI.TENSORGET", f"t{n}") for n in range(len(STORED))]
    assert again.execute_command("AI.TENSORGET", "large", "BLOB") == large


def test_a_tensor_set_over_and_over_survives_a_kill(serve, tmp_path):
    """Its bytes are logged, and now and then stored whole: what was acknowledged last counts."""
    server = serve(dir=tmp_path / "data", appendfsync="always")
    client = server.redis(protocol=2)
    last = {}
    for number in range(150):
        key = f"t{number % 7}"
        last[key] = struct.pack("<2f", number, -number)
        client.execute_command("AI.TENSORSET", key, "FLOAT", 2, "BLOB", last[key])
        if number == 100:
            client.execute_command("DEL", "t3")
            client.execute_command("RENAME", "t4", "t5")
            last["t5"] = last.pop("t4")
        if number == 120:
            client.execute_command("AI.TENSORSET", "t5", "DOUBLE", 1, "BLOB", last["t5"])
            client.execute_command("EXPIRE", "t6", 1000)
    server.end(9)
    again = serve(dir=tmp_path / "data").redis(protocol=2)
    assert {key: again.execute_command("AI.TENSORGET", key, "BLOB") for key in last} == last
    assert len(again.keys("t*")) == len(last) == 7


PARTS = ["AI.TENSORSET", "t", "FLOAT", "INT8", "STRING", "BOOL", "DOUBLE", "BLOB", "VALUES", "META",
         "1", "2", "-1", "0", "4611686018427387904", "1e5", "inf", "\r\n", "", "\0", "FROM", "x"]


def test_malformed_commands_get_one_line_each(server):
    raw, draw = server.connect(), random.Random(4)
    for _ in range(2000):
        words = ["AI.TENSORSET", *draw.choices(PARTS, k=draw.randrange(8))]
        reply = said(raw, words)
        assert reply == b"OK" or (reply.startswith(("ERR ", "WRONGTYPE ")) and "\n" not in reply
                                  and "internal" not in reply), (words, reply)
    assert raw.is_open()


def test_redis_py_sees_the_text_without_its_code(resp3):
    with pytest.raises(ResponseError, match=f"^{EMPTY.removeprefix('ERR ')}$"):
        resp3.execute_command("AI.TENSORGET", "none")
