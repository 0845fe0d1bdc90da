"""``respnet import``: from another respnet and from a real redis-server, key by key."""

import numpy as np
import pytest
from ai_models import blob_of, execute, got, network, put
from tf_models import graph, node, placeholder

from respnet import cli, cli_import

MUL = graph(placeholder("a"), placeholder("b"), node("mul", "Mul", "a", "b"))
SCRIPT = """
def same(tensors: List[Tensor], keys: List[str], args: List[str]):
    return tensors[0]
"""


@pytest.fixture
def pair(serve):
    """(source, target): servers."""
    return serve(), serve()


def url(server):
    return f"redis://127.0.0.1:{server.port}"


def imported(capsys, pair, *words):
    """(exit status, lines) of an import."""
    status = cli.main(["import", url(pair[0]), "--to", url(pair[1]), *words])
    return status, capsys.readouterr().out.splitlines()


def filled(client):
    client.set("plain", "text", px=90_000)
    client.rpush("list", "b", "a", "b")
    client.sadd("set", 1, 2, 300)
    client.hset("hash", mapping={"f": "v", "g": ""})
    put(client, "tensor", np.float32([[1, 2], [3, 4]]))
    client.expire("tensor", 80)
    tf = ("TF", "CPU:1", "TAG", "v2", "BATCHSIZE", 4, "MINBATCHSIZE", 2, "MINBATCHTIMEOUT", 30)
    names = ("INPUTS", 2, "a", "b", "OUTPUTS", 1, "mul")
    client.execute_command("AI.MODELSTORE", "model", *tf, *names, "BLOB", MUL)
    client.execute_command("AI.MODELSTORE", "own", "RESPNET", "CPU", "BLOB", blob_of(network()))
    client.execute_command("AI.SCRIPTSTORE", "points", "CPU", "TAG", "t", "ENTRY_POINTS", 1, "same",
                           "SOURCE", SCRIPT)
    client.execute_command("AI.SCRIPTSET", "script", "CPU", "SOURCE", SCRIPT)
    client.execute_command("NR.CREATE", "net", "CLASSIFIER", 2, 3, "->", 2, "DATASET", 9, "TEST", 5)
    for row in range(6):
        client.execute_command("NR.OBSERVE", "net", row, -row, "->", row % 2)


def test_everything_of_another_respnet(capsys, pair):
    old, new = (server.redis() for server in pair)
    filled(old)
    for _ in range(2):  # the second time changes nothing
        status, lines = imported(capsys, pair)
        assert status == 0 and lines[-1] == "10 ok, 0 skipped, 0 failed"
        assert lines[:-1] == [f"ok {name}" for name in sorted(map(bytes.decode, old.keys()))]
        assert sorted(new.keys()) == sorted(old.keys())
    assert new.get("plain") == b"text" and 80_000 < new.pttl("plain") <= 90_000
    assert new.lrange("list", 0, -1) == [b"b", b"a", b"b"]
    assert new.smembers("set") == {b"1", b"2", b"300"}
    assert new.hgetall("hash") == {b"f": b"v", b"g": b""}
    assert got(new, "tensor").tolist() == [[1, 2], [3, 4]] and 70 < new.ttl("tensor") <= 80
    for kind, key in (("MODEL", "model"), ("MODEL", "own"), ("SCRIPT", "points"),
                      ("SCRIPT", "script")):
        ask = (f"AI.{kind}GET", key)
        assert new.execute_command(*ask) == old.execute_command(*ask)
    execute(new, "model", ["tensor", "tensor"], ["y"])
    assert got(new, "y").tolist() == [[1, 4], [9, 16]]
    for words in (("NR.RUN", "net", 0.5, 1), ("NR.GETDATA", "net", "TEST", 1)):
        assert new.execute_command(*words) == old.execute_command(*words)


def test_a_part_and_what_is_there_already(capsys, pair):
    old, new = (server.redis() for server in pair)
    filled(old)
    new.set("plain", "mine")
    status, lines = imported(capsys, pair, "--match", "?et", "--keep")
    assert (status, lines) == (0, [
        "ok net", "ok set", "2 ok, 0 skipped, 0 failed"])
    status, lines = imported(capsys, pair, "--match", "pl*", "--keep")
    assert (status, lines) == (0, [
        "skipped plain: the target has it", "0 ok, 1 skipped, 0 failed"])
    assert new.get("plain") == b"mine"
    old.select(3)
    other = pair[0].redis(db=3)
    other.set("three", 3)
    assert imported(capsys, pair, "--db", "3")[1] == ["ok three", "1 ok, 0 skipped, 0 failed"]
    assert pair[1].redis(db=3).get("three") == b"3"


def test_from_a_real_redis(capsys, serve, original):
    original.flushall()
    original.set("text", "x" * 1000, ex=50)
    original.set(b"\xff\n", "odd")
    original.rpush("list", *range(1000))
    original.sadd("ints", *range(100))
    original.hset("hash", mapping={str(n): n for n in range(900)})
    original.zadd("sorted", {"a": 1})
    target = serve()
    address = f"redis://127.0.0.1:{original.connection_pool.connection_kwargs['port']}"
    assert cli.main(["import", address, "--to", url(target)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "ok hash", "ok ints", "ok list",
        "failed sorted: a value of type zset: Bad data format", "ok text",
        r"ok '\\xff\n'", "5 ok, 0 skipped, 1 failed"]
    new = target.redis()
    assert new.lrange("list", 0, -1) == original.lrange("list", 0, -1)
    assert new.hgetall("hash") == original.hgetall("hash")
    assert new.smembers("ints") == original.smembers("ints")
    assert new.get(b"\xff\n") == b"odd" and 40 < new.ttl("text") <= 50


def test_keys_by_commands_where_dump_is_refused(capsys, pair):
    old, new = (server.redis(protocol=2) for server in pair)
    filled(old)
    for key in sorted(old.keys()):
        why = cli_import.COMMANDS[old.type(key).decode()](old, new, key)
        assert why == (cli_import.TRAIN_AGAIN if key == b"net" else None)
        assert new.type(key) == old.type(key) and abs(new.ttl(key) - old.ttl(key)) < 2
    for key in ("plain", "list", "hash", "tensor", "model", "own", "points", "script"):
        assert new.dump(key) == old.dump(key)
    assert new.smembers("set") == old.smembers("set")
    ask = ("NR.GETDATA", "net", "TRAIN", 2)
    assert new.execute_command(*ask) == old.execute_command(*ask)
    assert new.execute_command("NR.INFO", "net")[9] == [2, 3, 2]


def test_errors_of_the_command_line(capsys, serve):
    assert cli.main(["import", "http://x"]) == 2
    assert "import: Redis URL must specify one of the following schemes" in capsys.readouterr().err
    server = serve()
    assert cli.main(["import", "redis://127.0.0.1:1", "--to", url(server)]) == 1
    assert "import: Error 111 connecting to 127.0.0.1:1" in capsys.readouterr().err
