"""DUMP and RESTORE: payloads of Redis and of ourselves, TTLs, and everything that is refused."""

import contextlib
import struct
import time

import numpy as np
import pytest
import redis
from ai_models import blob_of, execute, got, network, put, said
from tf_models import graph, node, placeholder

from respnet.redisproto import ai_rdb, rdb, rdb_plain
from respnet.redisproto.ai_model import ModelValue, Options
from respnet.redisproto.ai_tensor import TensorValue
from respnet.redisproto.errors import CommandError

SUM = "ERR DUMP payload version or checksum are wrong"
BAD = "ERR Bad data format"
MUL = graph(placeholder("a"), placeholder("b"), node("mul", "Mul", "a", "b"))


def words_of(count):
    """Numbers of every size and texts of every length that an encoding knows."""
    numbers = [0, 5, 12, 13, -3, 100, 127, 128, -128, 300, 4000, 4095, -4096, 4096, 40000, -40000,
               10**6, 2**23 - 1, -(2**23), 2**31, -(10**12), 2**62]
    texts = [letter * size for size in (1, 3, 63, 64, 70, 300, 4095, 4096, 5000) for letter in "ab"]
    words = [*map(str, numbers), *texts]
    return [words[n % len(words)] + ("" if n < len(words) else f"~{n}") for n in range(count)]


def filled(client):
    """Keys of all plain kinds and sizes."""
    client.flushall()
    for number, word in enumerate(["hello", "", "-123456", "12", "300", "ab" * 5000, "é" * 9]):
        client.set(f"string{number}", word)
    for count in (1, 22, 40, 700):
        words = words_of(count)
        client.rpush(f"list{count}", *words)
        client.sadd(f"set{count}", *words)
        client.hset(f"hash{count}", mapping=dict(zip(words, words[::-1], strict=True)))
    for number, most in enumerate((100, 2**20, 2**40)):
        client.sadd(f"ints{number}", *range(-most, most, most // 9))
    client.rpush("long", "y" * 100_000, "z" * 20_000, 7)
    return sorted(client.keys())


def value_of(client, key):
    return {
        b"string": lambda: client.get(key),
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"hash": lambda: client.hgetall(key),
    }[client.type(key)]()


def test_what_redis_dumped_is_restored_and_back(original, resp2):
    kinds = set()
    for key in filled(original):
        payload = original.dump(key)
        kinds.add(payload[0])
        assert resp2.restore(key, 0, payload) == b"OK"
        assert value_of(resp2, key) == value_of(original, key), key
        original.restore("back", 0, resp2.dump(key), replace=True)
        assert value_of(original, "back") == value_of(original, key), key
    assert len(kinds) >= 6  # of redis-server 7.0


def ziplist(*entries):
    body, last = b"", 0
    for entry in entries:
        body += bytes([last]) + entry
        last = len(entry) + 1
    return struct.pack("<IIH", 11 + len(body), 10, len(entries)) + body + b"\xff"


def restored(kind, body):
    """The value of a payload."""
    reader = rdb.opened(rdb.seal(bytes([kind]) + body))
    value = rdb_plain.load(reader.byte(), reader)
    reader.done()
    return value


def test_encodings_of_older_servers():
    entries = [b"\x02ab", b"\x40\x03xyz", b"\x80\0\0\0\x01w", b"\xf1", b"\xfd", b"\xfe\x80",
               b"\xc0\x00\x80", b"\xf0\xff\xff\x7f", b"\xd0\0\0\0\x80", b"\xe0" + b"\xff" * 8]
    words = [b"ab", b"xyz", b"w", b"0", b"12", b"-128", b"-32768", b"8388607", b"-2147483648",
             b"-1"]
    text = rdb.text(ziplist(*entries))
    assert list(restored(10, text).items) == words
    assert list(restored(14, b"\2" + text + text).items) == words + words
    assert list(restored(13, text).words()) == words
    assert list(restored(1, b"\2\1a\xc0\xff").items) == [b"a", b"-1"]
    assert restored(0, b"\xc1\x00\x80").data == b"-32768"
    assert restored(0, b"\xc3\6\x0c\1ab\xe0\1\1").data == b"ab" * 6
    data = struct.pack("<IIhh", 2, 2, -5, 7)
    assert list(restored(11, rdb.text(data)).items) == [b"-5", b"7"]


REFUSED = {
    "an unknown type": b"\x63a",
    "a stream": b"\x0f\1a",
    "too short": b"\0\5abc",
    "too long": b"\0\1abc",
    "a length of 4 GiB": b"\0\x80\xff\xff\xff\xff",
    "a length of 64 bits": b"\0\x81" + b"\xff" * 8,
    "an unknown length": b"\0\x82\0\0\0\1a",
    "an unknown number": b"\0\xc4a",
    "an empty list": b"\1\0",
    "a list of billions": b"\1\x80\xff\xff\xff\xff",
    "a word twice in a set": b"\2\2\1a\1a",
    "a field twice in a hash": b"\4\2\1a\1b\1a\1c",
    "half a hash": b"\4\1\1a",
    "a bomb": b"\0\xc3\1\x80\x20\0\0\0a",
    "a copy from before": b"\0\xc3\2\5\x20\5",
    "a copy cut off": b"\0\xc3\1\5\xe0",
    "a ziplist of another size": b"\x0a" + rdb.text(b"\0" * 12),
    "a ziplist of another count": b"\x0a" + rdb.text(
        ziplist(b"\xf1").replace(b"\1\0\0", b"\2\0\0")),
    "a ziplist without end": b"\x0a" + rdb.text(struct.pack("<IIHB", 11, 10, 0, 0)),
    "an intset of bytes": b"\x0b" + rdb.text(struct.pack("<IIb", 1, 1, 5)),
    "an intset of another count": b"\x0b" + rdb.text(struct.pack("<IIh", 2, 2, 5)),
    "a listpack without end": b"\x14" + rdb.text(struct.pack("<IHB", 7, 0, 0)),
    "a node of an unknown kind": b"\x12\1\3\1a",
    "a module without name": b"\7\0",
    "another module": b"\7\x81" + b"\1" * 8 + b"\0",
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_damaged_is_refused(resp2, body):
    assert said(resp2, "RESTORE", "k", 0, rdb.seal(body)) == BAD
    assert not resp2.exists("k")


def test_errors_of_restore(resp2):
    payload = rdb.seal(b"\0\1a")
    assert rdb.crc64(b"123456789") == 0xE9C6D914C4B8D9CA  # the check value of the polynomial
    assert said(resp2, "RESTORE", "k", 0, payload[:-1] + b"\0") == SUM
    assert said(resp2, "RESTORE", "k", 0, b"short") == SUM
    late = payload[:3] + b"\x63\0"
    late += struct.pack("<Q", rdb.crc64(late))
    assert said(resp2, "RESTORE", "k", 0, late) == SUM
    assert said(resp2, "RESTORE", "k", -1, payload) == "ERR Invalid TTL value, must be >= 0"
    assert said(resp2, "RESTORE", "k", "x", payload) == (
        "ERR value is not an integer or out of range")
    assert said(resp2, "RESTORE", "k", 0, payload, "WHAT") == "ERR syntax error"
    resp2.set("k", "old")
    with pytest.raises(redis.ResponseError) as problem:
        resp2.execute_command("RESTORE", "k", 0, payload)
    assert str(problem.value) == "BUSYKEY Target key name already exists."
    assert resp2.get("k") == b"old"
    assert resp2.dump("none") is None


def test_ttls(resp2):
    payload = rdb.seal(b"\0\1a")
    assert resp2.restore("a", 60_000, payload) == b"OK" and 59_000 < resp2.pttl("a") <= 60_000
    soon = int(time.time() * 1000) + 90_000
    resp2.restore("a", soon, payload, replace=True, absttl=True, idletime=5)
    assert resp2.pexpiretime("a") == soon
    resp2.restore("a", 0, payload, replace=True, frequency=7)
    assert resp2.ttl("a") == -1
    resp2.restore("a", 1000, payload, replace=True, absttl=True)  # long ago
    assert not resp2.exists("a")


def test_checksums_in_lanes_are_those_byte_by_byte(monkeypatch):
    data = bytes(np.random.default_rng(1).integers(0, 256, rdb.LONG + 777, np.uint8))
    lanes = rdb.crc64(data)
    monkeypatch.setattr(rdb, "LONG", 1 << 60)
    assert lanes == rdb.crc64(data)


# --- values of RedisAI ------------------------------------------------------------------------


TENSORS = [
    TensorValue.of(np.arange(6, dtype="<f4").reshape(2, 3)),
    TensorValue.of(np.array(5, "<f8")),
    *[TensorValue.of(np.array([1, 0, 7], code)) for code in ("i1", "<i2", "<i4", "<i8")],
    *[TensorValue.of(np.array([1, 0, 7], code)) for code in ("u1", "<u2")],
    TensorValue.of(np.array([True, False])),
    TensorValue.of(np.array([[b"ab", b""], [b"c", b"def"]], object)),
]


@pytest.mark.parametrize("tensor", TENSORS, ids=lambda t: t.dtype)
def test_tensors_come_back(resp2, tensor):
    payload = rdb.seal(ai_rdb.dump(tensor))
    assert payload[1:10] == b"\x81" + bytes.fromhex("008fd310d48e4404")  # AI_TENSOR, encoding 4
    resp2.restore("t", 0, payload)
    assert resp2.type("t") == b"AI_TENSOR" and resp2.dump("t") == payload
    meta = resp2.execute_command("AI.TENSORGET", "t", "META", "BLOB")
    assert meta == [b"dtype", tensor.dtype.encode(), b"shape", list(tensor.shape), b"blob",
                    tensor.data]


def old_tensor(encoding, bits=32, code=2, shape=(2,), data=b"\0" * 8):
    """As encodings 0 to 3 write them: device, bits, code, lanes, shape, strides, offset, data."""
    numbers = [1, 0, bits, code, 1, len(shape), *shape, *(1 for _ in shape), 0]
    body = b"".join(map(rdb.uint, numbers)) + rdb.blob(data) + b"\0"
    return module("AI_TENSOR", encoding, body)


def module(name, encoding, body):
    number = ai_rdb.type_id(name, encoding)
    return rdb.seal(b"\7\x81" + number.to_bytes(8, "big") + body)


def old_model(encoding, backend=0, device=b"CPU\0", inputs=(b"a\0", b"b\0"), size=None):
    """batch 4, at least 2, 7 ms where the encoding has it; the blob in two pieces from 1 on."""
    tag = b"tag\0" if encoding == 0 else b"tag"
    body = rdb.uint(backend) + rdb.blob(device) + rdb.blob(tag) + rdb.uint(4) + rdb.uint(2)
    body += rdb.uint(7) if encoding > 1 else b""
    for names in (inputs, [b"mul\0"]):
        body += rdb.uint(len(names)) + b"".join(map(rdb.blob, names))
    pieces = [MUL] if encoding == 0 else [MUL[:10], MUL[10:]]
    if encoding:
        body += rdb.uint(len(MUL) if size is None else size) + rdb.uint(2)
    return module("AI__MODEL", encoding, body + b"".join(map(rdb.blob, pieces)) + b"\0")


@pytest.mark.parametrize("encoding", range(4))
def test_older_encodings(resp2, encoding):
    resp2.restore("t", 0, old_tensor(encoding, data=np.float32([1, 2]).tobytes()))
    assert got(resp2, "t").tolist() == [1, 2]
    resp2.restore("m", 0, old_model(encoding))
    meta = resp2.execute_command("AI.MODELGET", "m", "META")
    assert meta == [b"backend", b"TF", b"device", b"CPU", b"tag", b"tag", b"batchsize", 4,
                    b"minbatchsize", 2, b"inputs", [b"a", b"b"], b"outputs", [b"mul"],
                    b"minbatchtimeout", 7 if encoding > 1 else 0]
    assert resp2.execute_command("AI.MODELGET", "m", "BLOB") == MUL


BROKEN = {
    "encoding 5": module("AI_TENSOR", 5, b"\0"),
    "a type of 24 bits": old_tensor(2, bits=24),
    "an unknown code": old_tensor(2, code=4),
    "a rank of 65": old_tensor(2, shape=(1,) * 65),
    "no end": module("AI_TENSOR", 2, b""),
    "a field of another kind": module("AI_TENSOR", 4, rdb.blob(b"x") + b"\0"),
    "backend 4": old_model(3, backend=4),
    "no device": old_model(3, device=b"XPU\0"),
    "a device without end": old_model(3, device=b"CPU"),
    "a name with NUL inside": old_model(3, inputs=(b"a\0b\0",)),
    "another size of the blob": old_model(3, size=5),
    "a kind that is not stored so": module("respnet-V", 1, rdb.uint(1) + rdb.blob(b"") + b"\2\0\0"),
    "a network of nonsense": module(
        "respnet-V", 1, rdb.uint(2) + rdb.blob(b"[" * 5000) + rdb.uint(0) + b"\0"),
}


@pytest.mark.parametrize("payload", BROKEN.values(), ids=BROKEN.keys())
def test_broken_values_of_redisai(resp2, payload):
    assert said(resp2, "RESTORE", "k", 0, payload) == BAD


def test_tensors_that_do_not_fit(resp2):
    text = "ERR data length does not match tensor shape and type"
    assert said(resp2, "RESTORE", "k", 0, old_tensor(2, shape=(3,))) == text
    text = "ERR a tensor holds at most 536870912 bytes"
    assert said(resp2, "RESTORE", "k", 0, old_tensor(2, shape=(1 << 40,))) == text


def test_models_come_back(resp2):
    words = ("INPUTS", 2, "a", "b", "OUTPUTS", 1, "mul", "BLOB", MUL)
    resp2.execute_command("AI.MODELSTORE", "m", "TF", "CPU:1", "TAG", "v", "BATCHSIZE", 4, *words)
    payload = resp2.dump("m")
    resp2.restore("n", 50_000, payload)
    assert resp2.ttl("n") > 40 and resp2.dump("n") == payload
    assert resp2.execute_command("AI.MODELGET", "n") == resp2.execute_command("AI.MODELGET", "m")
    put(resp2, "x", np.float32([[2, 3]]))
    execute(resp2, "n", ["x", "x"], ["y"])
    assert got(resp2, "y").tolist() == [[4, 9]]
    with pytest.raises(redis.ResponseError, match="^BUSYKEY"):
        resp2.execute_command("RESTORE", "n", 0, payload)
    with resp2.pipeline() as pipe:
        pipe.restore("o", 0, payload)
        pipe.execute()
    assert resp2.execute_command("AI.INFO", "o")[5] == b"TF"
    assert said(resp2, "RESTORE", "p", 0, old_model(3, backend=1)) == "ERR Could not load backend"
    assert said(resp2, "RESTORE", "p", 0, old_model(3, inputs=(b"z\0",))) == (
        'ERR Input node named "z" not found in TF graph.')


SCRIPT = """
def bar(a, b):
    return a + b

def first(tensors: List[Tensor], keys: List[str], args: List[str]):
    return tensors[0]
"""


def test_scripts_come_back(resp2):
    words = ("TAG", "v1", "ENTRY_POINTS", 1, "first", "SOURCE", SCRIPT)
    resp2.execute_command("AI.SCRIPTSTORE", "s", "CPU:1", *words)
    payload = resp2.dump("s")
    resp2.restore("t", 0, payload)
    assert resp2.type("t") == b"AI_SCRIPT" and resp2.dump("t") == payload
    assert resp2.execute_command("AI.SCRIPTGET", "t") == resp2.execute_command("AI.SCRIPTGET", "s")
    old = rdb.blob(b"CPU\0") + rdb.blob(b"v0\0") + rdb.blob(SCRIPT.encode() + b"\0") + b"\0"
    resp2.restore("old", 0, module("AI_SCRIPT", 0, old))
    put(resp2, "x", np.float32([2, 3]))
    resp2.execute_command("AI.SCRIPTRUN", "old", "bar", "INPUTS", "x", "x", "OUTPUTS", "y")
    assert got(resp2, "y").tolist() == [4, 6]
    assert resp2.execute_command("AI.SCRIPTGET", "old", "META")[:4] == [
        b"device", b"CPU", b"tag", b"v0"]
    wrong = rdb.blob(b"CPU\0") + rdb.blob(b"") + rdb.blob(b"def f(\0") + rdb.uint(0) + b"\0"
    assert said(resp2, "RESTORE", "u", 0, module("AI_SCRIPT", 4, wrong)).startswith("ERR ")
    assert not resp2.exists("u")


def test_a_long_blob_is_cut_into_pieces(monkeypatch):
    monkeypatch.setattr(ai_rdb, "CHUNK", 30)
    options = Options("TF", "CPU", "", 0, 0, 0, ("a",), ("b",))
    body = ai_rdb.dump(ModelValue(options, b"x" * 50 + b"y" * 40, (), ()))
    reader = rdb.Reader(body, at=1)
    name, (again, pieces) = ai_rdb.read(reader)
    assert (name, again) == ("AI__MODEL", options)
    assert [len(piece) for piece in pieces] == [30, 30, 30, 0]
    assert b"".join(pieces) == b"x" * 50 + b"y" * 40


def test_networks_and_models_of_our_own(resp2):
    resp2.execute_command("NR.CREATE", "net", "REGRESSOR", 2, 3, "->", 1, "DATASET", 10)
    for row in range(5):
        resp2.execute_command("NR.OBSERVE", "net", row, row, "->", row)
    resp2.execute_command("AI.MODELSTORE", "m", "RESPNET", "CPU", "BLOB", blob_of(network()))
    resp2.execute_command("AI.MODELALIAS", "SET", "alias", "m")
    for key, words in (("net", ("NR.RUN", 1, 2)), ("m", None), ("alias", None)):
        payload = resp2.dump(key)
        resp2.restore("copy", 0, payload, replace=True)
        assert resp2.type("copy") == resp2.type(key)
        if words:
            name, *row = words
            assert resp2.execute_command(name, "copy", *row) == resp2.execute_command(
                name, key, *row)
            assert resp2.execute_command("NR.GETDATA", "copy", "TRAIN", 2)
        else:
            assert resp2.execute_command("AI.MODELGET", "copy") == resp2.execute_command(
                "AI.MODELGET", key)


def test_words_and_unpacked_bytes_are_bounded(monkeypatch):
    monkeypatch.setattr(rdb, "MOST_WORDS", 100)
    entries = ziplist(*[b"\xf1"] * 150)
    packed = struct.pack("<IHB", 7 + 300, 150, 5) + b"\1" + b"\5\1" * 149 + b"\xff"
    for kind, data in ((10, entries), (14, None), (16, packed), (18, None)):
        half = ziplist(*[b"\xf1"] * 75)
        if kind == 14:
            body = b"\2" + rdb.text(half) * 2
        elif kind == 18:
            half = struct.pack("<IH", 7 + 150, 75) + b"\5\1" * 75 + b"\xff"
            body = b"\2" + (b"\2" + rdb.text(half)) * 2
        else:
            body = rdb.text(data)
        with pytest.raises(CommandError, match=BAD):
            restored(kind, body)
    monkeypatch.setattr(rdb, "MOST_BYTES", 20)
    word = b"\xc3\6\x0c\1ab\xe0\1\1"  # 12 bytes
    assert restored(0, word).data == b"ab" * 6
    with pytest.raises(CommandError, match=BAD):
        restored(1, b"\2" + word * 2)


def test_long_values_are_read_beside_others(resp2):
    words = [b"%d" % n * 20 for n in range(20_000)]
    resp2.rpush("long", *words)
    payload = resp2.dump("long")
    assert len(payload) > 1 << 20 and resp2.restore("again", 70_000, payload) == b"OK"
    assert resp2.lrange("again", 0, -1) == words and resp2.ttl("again") > 60
    assert said(resp2, "RESTORE", "other", 0, payload[:-1] + b"~") == SUM
    with resp2.pipeline() as pipe:
        pipe.dump("long")
        pipe.restore("third", 0, payload)
        assert pipe.execute() == [payload, b"OK"]


def test_flipped_bytes_never_break_the_server(resp2):
    rng = np.random.default_rng(2)
    short = b"\x0a" + rdb.text(ziplist(b"\2ab", b"\xf1"))
    bodies = [old_tensor(1)[:-10], old_model(3)[:-10], short]
    for count in range(300):
        body = bytearray(bodies[count % 3])
        body[rng.integers(len(body))] = rng.integers(256)
        with contextlib.suppress(redis.ResponseError):
            resp2.restore("k", 0, rdb.seal(bytes(body)), replace=True)
    assert resp2.ping()
    with pytest.raises(CommandError, match=BAD):
        restored(0, b"\5abc")
