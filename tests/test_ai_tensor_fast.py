"""The quick way of BLOB and VALUES: it answers what the ordinary handlers answer, and changes no
tensor that somebody holds."""

import asyncio
import random
import socket
import struct
import threading
from math import prod

import pytest
import redis
from ai_tensor_helpers import said

from respnet.redisproto.ai_tensor_words import parse, reply
from respnet.redisproto.config import Config
from respnet.redisproto.errors import CommandError
from respnet.redisproto.numbers import format_double
from respnet.redisproto.server import Server

ONE = struct.pack("<2f", 1, 2)
TWO = struct.pack("<2f", 3, 4)
NUMBERS = ["1", "-2", "0", "3", "0.1", "1e39", "inf", "-inf", "nan", "1e-60", "0x1p3", "x", "",
           " 1"]


def outcome(function, *args):
    try:
        return function(*args)
    except CommandError as error:
        return error.text


def nearly_right(draw):
    """Words of AI.TENSORSET t ..., right in about half of the cases."""
    name, size = draw.choice([("FLOAT", 4), ("double", 8), ("Int8", 1), ("INT16", 2), ("int32", 4),
                              ("INT64", 8), ("UINT8", 1), ("uint16", 2), ("BOOL", 1),
                              ("STRING", 1), ("FLOA", 4), ("FLOAT\0", 4), ("INT64x", 8)])
    dims = [draw.choice([1, 1, 2, 3, 7]) for _ in range(draw.choice([0, 1, 2, 2, 3, 8, 9, 10]))]
    count = prod(dims)
    size *= count
    words = [str(length) for length in dims]
    if words and draw.random() < 0.2:
        words[draw.randrange(len(words))] = draw.choice(
            ["0", "-1", "+1", "01", "", " 1", "1.", "9223372036854775807", "4611686018427387904"])
    size += draw.choice([0, 0, 0, 0, -1, 1])
    blob = draw.choice([b"\0", b"\0", b"\1", b"\xff", b"BLOB"])[:1] * max(0, size)
    words = ["AI.TENSORSET", "t", name, *words, draw.choice(["BLOB", "blob", "Blob"]), blob]
    if draw.random() < 0.5 and 0 < count < 500:
        count += draw.choice([0, 0, 0, 0, 0, -1, 1])
        numbers = NUMBERS if draw.random() < 0.3 else NUMBERS[:4]
        words = [*words[:-2], draw.choice(["VALUES", "values"]), *draw.choices(numbers, k=count)]
    return [word if isinstance(word, bytes) else word.encode() for word in words]


def as_text(told):
    """Doubles as RESP2 writes them."""
    if isinstance(told, list):
        return [as_text(one) for one in told]
    return format_double(told) if isinstance(told, float) else told


@pytest.mark.parametrize("seed", range(4))
def test_both_ways_say_the_same(server, seed):
    draw, raw, right = random.Random(seed), server.connect(), 0
    for _ in range(300):
        words = nearly_right(draw)
        wanted = outcome(parse, words)
        if isinstance(wanted, str):
            assert said(raw, words) == wanted, words
            continue
        right += 1
        assert said(raw, words) == b"OK", words
        form = draw.choice([[b"META", b"BLOB"], [b"blob"], [b"Meta"], [], [b"BLOB", b"meta"],
                            [b"values"], [b"META", b"VALUES"]])
        told = reply(wanted, form)
        got = said(raw, [b"AI.TENSORGET", b"t", *form])
        assert repr(got) == repr(as_text(told)), words
    assert 60 < right < 240


@pytest.fixture
def inside():
    """A server in a thread of this process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ready, holder = threading.Event(), []

    async def main():
        holder.append(Server(Config(port=port, dir="")))
        await holder[0].start()
        ready.set()
        await holder[0].serve_forever()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    assert ready.wait(20)
    yield holder[0], redis.Redis(port=port, protocol=3)
    holder[0].loop.call_soon_threadsafe(holder[0].shutdown)
    thread.join(20)


def put(client, blob):
    client.execute_command("AI.TENSORSET", "t", "FLOAT", 2, "BLOB", blob)


def test_a_tensor_that_is_held_does_not_change(inside):
    server, client = inside
    put(client, ONE)
    held = server.keyspace[0].peek(b"t")
    put(client, TWO)
    assert held.data == ONE
    assert server.keyspace[0].peek(b"t").data == TWO
    view = server.keyspace[0].peek(b"t").array()
    put(client, ONE)
    assert view.tobytes() == TWO
    assert server.keyspace[0].peek(b"t").data == ONE


def test_the_same_type_and_shape_again(server, resp3):
    put(resp3, ONE)
    used = resp3.info("memory")["used_memory"]
    with resp3.pipeline() as pipeline:
        pipeline.watch("t")
        put(resp3, TWO)
        pipeline.multi()
        pipeline.get("none")
        with pytest.raises(redis.WatchError):
            pipeline.execute()
    assert resp3.execute_command("AI.TENSORGET", "t", "BLOB") == TWO
    assert resp3.info("memory")["used_memory"] == used
    resp3.expire("t", 100)
    put(resp3, ONE)
    assert resp3.ttl("t") == -1
    resp3.set("text", "x")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE|wrong kind"):
        resp3.execute_command("AI.TENSORSET", "text", "FLOAT", 2, "BLOB", ONE)


def test_new_bytes_survive_a_kill(serve, tmp_path):
    server = serve(dir=tmp_path / "data", appendfsync="always")
    client = server.redis()
    for blob in (ONE, TWO, ONE, TWO):
        client.execute_command("AI.TENSORSET", "t", "FLOAT", 2, "BLOB", blob)
    server.end(9)
    again = serve(dir=tmp_path / "data").redis()
    assert again.execute_command("AI.TENSORGET", "t", "BLOB") == TWO


def test_values_longer_than_the_quick_way_takes(server):
    raw = server.connect()
    words = [b"AI.TENSORSET", b"t", b"INT8", *[b"1"] * 40, b"BLOB", b"\5"]
    assert said(raw, words) == b"OK"
    assert said(raw, [b"AI.TENSORGET", b"t", b"META", b"BLOB"]) == [
        b"dtype", b"INT8", b"shape", [1] * 40, b"blob", b"\5"]
