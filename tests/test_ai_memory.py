"""Runs that wait hold tensors: they count as used memory, once, and only while nothing else has
them."""

import time

import numpy as np
import pytest
from ai_models import got, network, put, said, store
from nr_helpers import until
from test_ai_scripts import encoded

from respnet.redisproto.ai_holdings import Holdings
from respnet.redisproto.ai_tensor import TensorValue
from respnet.redisproto.keyspace import Keyspace

NET = network()
MIB = 1 << 20
LARGE = np.zeros((MIB // 12, 3), np.float32)  # one MiB, less 4 bytes
OOM = "ERR command not allowed when used memory > 'maxmemory'."  # redis-py takes OOM off
WAIT = """
def wait(tensors: List[Tensor], keys: List[str], args: List[str]):
    while redis.execute("EXISTS", keys[0]) == 0:
        pass
    return tensors[0]
"""
WAITING = ("AI.SCRIPTEXECUTE", "s", "wait", "KEYS", 1, "go", "INPUTS", 1, "a", "OUTPUTS", 1, "b")
RUN = ("AI.MODELEXECUTE", "m", "INPUTS", 1, "a", "OUTPUTS", 1, "y")


def used(client):
    return client.info("memory")["used_memory"]


@pytest.fixture
def busy(server, resp2):
    """A client; the device works until the key ``go`` is there. Model m, script s, tensor a."""
    store(resp2, "m", NET)
    resp2.execute_command("AI.SCRIPTSET", "s", "CPU", "SOURCE", WAIT)
    put(resp2, "a", LARGE)
    waiting = server.connect()
    waiting.send(encoded(WAITING))
    until(lambda: calls(resp2) > 0)
    yield resp2
    resp2.config_set("maxmemory", 0)
    resp2.set("go", 1)
    assert waiting.read() == [b"OK"]


def calls(client, name="ai.scriptexecute"):
    found = client.info("commandstats").get(f"cmdstat_{name}", {"calls": 0})
    return found["calls"] + found.get("rejected_calls", 0)


def begun(client, server, *words):
    """A connection whose run waits in the queue."""
    name = words[0].lower()
    before, connection = calls(client, name), server.connect()
    connection.send(encoded(words))
    until(lambda: calls(client, name) > before)
    return connection


def test_a_tensor_counts_once_while_a_key_has_it(server, busy):
    before = used(busy)
    runs = [begun(busy, server, *RUN) for _ in range(3)]
    assert abs(used(busy) - before) < 10_000
    put(busy, "a", LARGE)  # another one; three runs and the script hold the old one
    assert MIB <= used(busy) - before < MIB + 10_000
    busy.delete("a")
    assert abs(used(busy) - before) < 10_000
    busy.set("go", 1)
    assert [run.read() for run in runs] == [[b"OK"]] * 3
    until(lambda: used(busy) < before + MIB)  # the outputs are there, the input is gone
    assert busy.exists("a") == 0


@pytest.mark.parametrize(("words", "gone"), [
    (("DEL", "a"), True), (("FLUSHALL",), True), (("PEXPIRE", "a", 1), True),
    (("RENAME", "a", "c"), False), (("SET", "a", "text"), True), (("RENAME", "m", "a"), True),
])
def test_however_a_key_loses_its_tensor(server, busy, words, gone):
    run = begun(busy, server, *RUN)
    held = used(busy)
    busy.execute_command(*words)
    until(lambda: busy.type("a") != b"AI_TENSOR")
    if gone:  # the tensor's memory is still in use, that of its key is not
        assert used(busy) > MIB and used(busy) > held - 100_000
    else:
        assert abs(used(busy) - held) < 1000
        busy.rename("c", "a")
        busy.delete("a")
        assert abs(used(busy) - held) < 1000
    busy.set("go", 1)
    assert run.read() == [b"OK"]
    busy.delete("a", "b", "c", "y")
    until(lambda: used(busy) < MIB)


def test_a_queue_is_refused_more_than_there_is_memory(server, busy):
    limit = used(busy) + 5 * MIB
    busy.config_set("maxmemory", limit)
    pair = encoded(("AI.TENSORSET", "a", "FLOAT", *LARGE.shape, "BLOB", "x" * LARGE.nbytes))
    connections = [server.connect() for _ in range(12)]
    for number, connection in enumerate(connections):
        connection.send(pair + encoded(RUN))
        until(lambda number=number: calls(busy, "ai.modelexecute") > number)
    assert used(busy) < limit + 2 * MIB
    assert said(busy, "SET", "k", "v") == OOM
    busy.config_set("maxmemory", 0)
    busy.set("go", 1)
    replies = [connection.read()[0] for connection in connections for _ in range(2)]
    assert 8 <= replies.count(b"OK") < 20
    assert {str(one) for one in replies if one != b"OK"} == {OOM.replace("ERR", "OOM")}
    busy.delete("b", "a")
    until(lambda: used(busy) < MIB)
    assert got(busy, "y").shape == (len(LARGE), 2)


def test_what_a_dag_holds_counts(server, busy):
    before = used(busy)
    shape = [str(n) for n in LARGE.shape]
    words = ["AI.DAGEXECUTE", "LOAD", 1, "a", "PERSIST", 1, "z", "|>", "AI.TENSORSET", "x", "FLOAT",
             *shape, "|>", "AI.MODELEXECUTE", "m", "INPUTS", 1, "x", "OUTPUTS", 1, "z"]
    run = begun(busy, server, *words)
    assert MIB <= used(busy) - before < MIB + 10_000
    busy.delete("a")  # the DAG and the script hold it
    assert MIB <= used(busy) - before < MIB + 10_000
    busy.config_set("maxmemory", 1)
    only = ("AI.DAGEXECUTE_RO", "ROUTING", "m", "|>", "AI.TENSORSET", "x", "FLOAT", *shape, "|>",
            "AI.MODELEXECUTE", "m", "INPUTS", 1, "x", "OUTPUTS", 1, "z")
    assert [str(one).partition(" ")[2] for one in busy.execute_command(*only)[1:]] == [
        "not allowed when used memory > 'maxmemory'."]  # its step would have to wait
    busy.config_set("maxmemory", 0)
    busy.set("go", 1)
    assert run.read() == [[b"OK", b"OK"]]
    busy.delete("z", "b", "y")
    until(lambda: used(busy) < before - MIB // 2)


def test_a_run_that_is_late_leaves_nothing(server, busy):
    before = used(busy)
    late = begun(busy, server, *RUN, "TIMEOUT", 1)
    time.sleep(0.01)  # longer than the TIMEOUT
    busy.set("go", 1)
    assert late.read() == [b"TIMEDOUT"]
    busy.delete("b", "go")
    until(lambda: used(busy) <= before)


def test_a_file_that_is_read_counts_until_it_is_there():
    class Server:
        keyspace, looked = Keyspace(), 0

        def check_gates(self):
            self.looked += 1

    server = Server()
    holdings = Holdings(server)
    server.keyspace.maxmemory = 100
    holdings.add(200)
    assert server.keyspace.full and server.looked == 1
    holdings.add(-200)
    assert not server.keyspace.full and server.looked == 2


def test_databases_that_change_places_take_what_is_held_along():
    class Server:
        keyspace = Keyspace()

    keyspace = Server.keyspace
    tensor = TensorValue("FLOAT", (1,), bytes(4))
    keyspace[0].set(b"a", tensor)
    holdings = Holdings(Server)
    holdings.hold([tensor, tensor], (0, [b"a", b"a"]))
    keyspace.swapdb(0, 1)
    assert keyspace.held == 0 and tensor.hooked.place == (1, b"a")
    keyspace[1].delete(b"a")
    assert keyspace.held == tensor.memory_usage()
    holdings.release([tensor])
    assert keyspace.held == tensor.memory_usage()
    holdings.release([tensor])
    assert keyspace.held == 0 and not keyspace[0].hooked and not keyspace[1].hooked
