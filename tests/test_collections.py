"""Hashes, lists and sets: what is kept over a kill, memory, damaged dumps. Their replies are
compared with those of Redis in test_commands_like_redis.py."""

import random

import pytest

from respnet.redisproto import values
from respnet.redisproto.collection import HashValue, ListValue, SetValue, pack, unpack

KEYS = ["h1", "h2", "l1", "l2", "s1", "s2"]


def word(draw):
    return b"%d" % draw.randrange(40) * draw.choice([1, 1, 1, 300])


def change(draw):
    """A command on one of KEYS that changes something, most of the time."""
    key, words = draw.choice(KEYS), [word(draw) for _ in range(draw.randrange(1, 5))]
    name = {
        "h": lambda: draw.choice(["HSET", "HSET", "HDEL"]),
        "l": lambda: draw.choice(["RPUSH", "LPUSH", "LPOP", "RPOP", "LTRIM"]),
        "s": lambda: draw.choice(["SADD", "SADD", "SREM"]),
    }[key[0]]()
    if name == "HSET":
        words *= 2
    elif name in ("LPOP", "RPOP"):
        words = [draw.randrange(3)]
    elif name == "LTRIM":
        words = [draw.randrange(2), -1 - draw.randrange(2)]
    return name, key, *words


def contents(client):
    return [client.hgetall("h1"), client.hgetall("h2"), client.lrange("l1", 0, -1),
            client.lrange("l2", 0, -1), client.smembers("s1"), client.smembers("s2"),
            [client.memory_usage(key) for key in KEYS]]


@pytest.mark.parametrize("seed", range(3))
def test_every_change_survives_a_kill(serve, tmp_path, seed):
    draw = random.Random(seed)
    server = serve(dir=tmp_path / "data", appendfsync="always")
    for count in (50, 400, 400):
        client = server.redis()
        pipeline = client.pipeline(transaction=False)
        for _ in range(count):
            pipeline.execute_command(*change(draw))
        pipeline.execute()
        before = contents(client)
        server.end(9)
        server = serve(dir=tmp_path / "data", appendfsync="always")
        assert contents(server.redis()) == before


def test_memory_is_given_back(server, resp3):
    used = resp3.info("memory")["used_memory"]
    draw = random.Random(5)
    for _ in range(500):
        resp3.execute_command(*change(draw))
    resp3.rpush("l1", "x")
    assert resp3.info("memory")["used_memory"] > used
    resp3.ltrim("l1", 1, 0)
    resp3.ltrim("l2", 1, 0)
    for key in ("h1", "h2", "s1", "s2"):
        for one in [*(resp3.hkeys(key) if key[0] == "h" else resp3.smembers(key))]:
            resp3.execute_command("HDEL" if key[0] == "h" else "SREM", key, one)
    assert resp3.dbsize() == 0
    assert resp3.info("memory")["used_memory"] == used


def test_a_long_list_is_popped_from_both_ends(resp3):
    resp3.rpush("l", *range(100_000))
    for number in range(1000):
        assert resp3.lpop("l") == b"%d" % number
        assert resp3.rpop("l") == b"%d" % (99_999 - number)
    assert resp3.rpop("l", 2) == [b"98999", b"98998"]


@pytest.mark.parametrize("value", [HashValue([b"a", b"1", b"b", b""]), ListValue([b"", b"x", b""]),
                                   SetValue([b"z", b"a"]), ListValue([b"x" * 300_000] * 9)])
def test_a_dump_loads(value):
    head, parts = value.dump()
    again = values.load(value.kind, head, parts)
    assert (again.items, again.size) == (value.items, value.size)


@pytest.mark.parametrize("data", [b"", b"\2", b"\1\0\0\0", b"\1\2\0\0\0a", b"\1\1\0\0\0a"])
def test_a_damaged_dump_is_refused(data):
    with pytest.raises(ValueError, match="unknown|cut off|pairs"):
        HashValue.load(data, [])


def test_an_unknown_effect_is_refused():
    with pytest.raises(ValueError, match="a set has no effects of type 3"):
        SetValue([b"a"]).apply(3, pack([b"a"]))


def test_words_come_back():
    words = [b"", b"\0\xff" * 200, b"x"]
    assert unpack(pack(words)) == words
