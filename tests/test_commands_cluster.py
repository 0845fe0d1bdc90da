"""CLUSTER as one server answers it, scripts refused, DEBUG RELOAD behind its setting."""

import pytest
import redis
from redis.cluster import RedisCluster

from respnet.redisproto.commands.cluster import slot_of

# key -> slot, as a Redis cluster says (Redis cluster specification; CRC16 of 123456789 is 0x31C3)
SLOTS = {"123456789": 12739, "foo": 12182, "{user1000}.following": 3443, "": 0,
         "{user1000}.followers": 3443, "foo{}{bar}": 8363, "foo{{bar}}zap": 4015,
         "foo{bar}{zap}": 5061}


@pytest.mark.parametrize("key", SLOTS)
def test_slots(resp3, key):
    assert resp3.cluster("KEYSLOT", key) == SLOTS[key]


def test_one_server_serves_all_slots(server, client):
    node = client.execute_command("CLUSTER", "MYID").decode()
    assert len(node) == 40
    assert client.execute_command("CLUSTER", "SLOTS") in (
        [[0, 16383, [b"127.0.0.1", server.port, node.encode(), []]]],
        {(0, 16383): {"primary": ("127.0.0.1", server.port), "replicas": []}})
    assert client.cluster("INFO")["cluster_slots_assigned"] == "16384"
    nodes = client.cluster("NODES")
    assert nodes[f"127.0.0.1:{server.port}"]["node_id"] == node
    assert nodes[f"127.0.0.1:{server.port}"]["slots"] == [["0", "16383"]]


def test_keys_of_a_slot(resp3):
    resp3.mset({f"{{a}}{n}": n for n in range(7)})
    resp3.mset({f"b{n}": n for n in range(6000)})
    slot = slot_of(b"a")
    others = sum(slot_of(b"b%d" % n) == slot for n in range(6000))
    assert resp3.cluster("COUNTKEYSINSLOT", slot) == 7 + others
    for n in range(6000):
        resp3.delete(f"b{n}") if n % 2 else None
    assert resp3.cluster("COUNTKEYSINSLOT", slot) <= 7 + others
    for bad in (-1, 16384):
        with pytest.raises(redis.ResponseError, match="^Invalid slot$"):
            resp3.cluster("COUNTKEYSINSLOT", bad)


def test_a_client_of_clusters_works(server):
    client = RedisCluster(host="127.0.0.1", port=server.port)
    client.set("a", 1)
    client.execute_command("AI.TENSORSET", "t", "FLOAT", 1)
    assert client.get("a") == b"1"
    assert client.execute_command("AI.TENSORGET", "t", "META")[1] == b"FLOAT"
    client.close()


@pytest.mark.parametrize("words", [("EVAL", "return 1", 0), ("evalsha", "00", 0), ("FCALL", "f", 1),
                                   ("SCRIPT", "LOAD", "return 1"), ("SCRIPT", "FLUSH")])
def test_scripts_are_refused(resp3, words):
    text = f"^{words[0].upper()} is not supported: this server runs no Lua$"
    with pytest.raises(redis.ResponseError, match=text):
        resp3.execute_command(*words)


def test_rewriting_the_log_is_saving(resp2):
    resp2.set("a", 1)
    assert resp2.execute_command("BGREWRITEAOF") in (
        b"Background append only file rewriting started", True)


def test_debug_is_refused_unless_allowed(resp3):
    with pytest.raises(redis.ResponseError, match="^DEBUG command not allowed"):
        resp3.execute_command("DEBUG", "RELOAD")
    with pytest.raises(redis.ResponseError, match="immutable"):
        resp3.config_set("enable-debug-command", "yes")


@pytest.mark.parametrize("setting", ["yes", "local"])
def test_debug_reload_writes_and_reads_every_value(serve, setting):
    client = serve(enable_debug_command=setting).redis()
    client.set("s", "x", ex=100)
    client.hset("h", mapping={"a": 1})
    client.rpush("l", 1, 2)
    client.sadd("m", 1)
    client.execute_command("AI.TENSORSET", "t", "INT8", 2, "VALUES", 1, 2)
    client.execute_command("NR.CREATE", "net", "REGRESSOR", 2, 3, "->", 1, "DATASET", 5)
    client.execute_command("NR.OBSERVE", "net", 1, 2, "->", 3)
    asked = [("GET", "s"), ("HGETALL", "h"), ("LRANGE", "l", 0, -1), ("SMEMBERS", "m"),
             ("AI.TENSORGET", "t"), ("NR.RUN", "net", 1, 2), ("NR.GETDATA", "net", "TRAIN", 0),
             ("TTL", "s"), ("MEMORY", "USAGE", "t"), ("DBSIZE",)]
    before = [client.execute_command(*words) for words in asked]
    assert client.execute_command("DEBUG", "RELOAD") in (True, b"OK")
    assert [client.execute_command(*words) for words in asked] == before
    client.hset("h", "b", 2)
    assert client.hlen("h") == 2
    with pytest.raises(redis.ResponseError, match="^DEBUG has one subcommand here: RELOAD$"):
        client.execute_command("DEBUG", "SLEEP", 1)
