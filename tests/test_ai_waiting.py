"""Clients that wait for a run: what ends them, what they see, what others see of it."""

import numpy as np
import pytest
from ai_models import WRONGTYPE, figures, got, network, put, said, store
from nr_helpers import until
from test_ai_memory import WAIT, begun
from test_ai_scripts import encoded

NET = network()
ROW = np.array([[1, 2, 3]], np.float32)
WAITING = ("AI.SCRIPTEXECUTE", "s", "wait", "KEYS", 1, "go", "INPUTS", 1, "a", "OUTPUTS", 1, "b")
ODD = b"na\0me\xff\r\n"


@pytest.fixture
def ready(resp2):
    """A client; script s, whose ``wait`` ends when the key go is there, model m, tensor a."""
    resp2.execute_command("AI.SCRIPTSTORE", "s", "CPU", "ENTRY_POINTS", 1, "wait", "SOURCE", WAIT)
    store(resp2, "m", NET)
    put(resp2, "a", ROW)
    return resp2


def number_of(client, name):
    return next(one["id"] for one in client.client_list() if one["name"] == name)


def test_a_killed_client_leaves_its_outputs(server, ready):
    waiting = server.connect()
    waiting.ask(encoded(("CLIENT", "SETNAME", "waiting")))
    waiting.send(encoded(WAITING))
    until(lambda: ready.info("commandstats").get("cmdstat_ai.scriptexecute"))
    assert ready.info("clients")["blocked_clients"] == 1
    number = number_of(ready, "waiting")
    assert ready.execute_command("CLIENT", "UNBLOCK", number) == 0
    assert ready.execute_command("CLIENT", "UNBLOCK", number, "ERROR") == 0
    assert said(ready, "CLIENT", "UNBLOCK", number, "x") == (
        "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
    assert ready.execute_command("CLIENT", "KILL", "ID", number) == 1
    assert ready.info("clients")["blocked_clients"] == 0
    assert not ready.exists("b")
    ready.set("go", 1)
    until(lambda: ready.exists("b"))
    assert (got(ready, "b") == ROW).all()


@pytest.mark.parametrize("how", ["NOSAVE", "SAVE"])
def test_the_server_ends_though_a_client_waits(serve, how):
    server = serve()
    client = server.redis()
    client.execute_command("AI.SCRIPTSET", "s", "CPU", "SOURCE", WAIT)
    put(client, "a", ROW)
    waiting = begun(client, server, *WAITING)
    server.connect().send(encoded(("SHUTDOWN", how)))
    assert server.process.wait(20) == 0
    assert waiting.sock.recv(100) == b""
    server.start()
    assert (got(server.redis(), "a") == ROW).all()
    assert not server.redis().exists("b")


def test_a_model_stored_over_one_that_has_runs_waiting(server, ready):
    other = network(3, 5, 2, seed=9)
    script = begun(ready, server, *WAITING)
    run = begun(ready, server, "AI.MODELEXECUTE", "m", "INPUTS", 1, "a", "OUTPUTS", 1, "y")
    store(ready, "m", other, "TAG", "new")
    ready.set("go", 1)
    assert (script.read(), run.read()) == ([b"OK"], [b"OK"])
    np.testing.assert_allclose(got(ready, "y"), NET.predict(ROW), rtol=1e-5)
    assert (figures(ready, "m")["tag"], figures(ready, "m")["calls"]) == (b"new", 0)
    ready.execute_command("AI.MODELEXECUTE", "m", "INPUTS", 1, "a", "OUTPUTS", 1, "y")
    np.testing.assert_allclose(got(ready, "y"), other.predict(ROW), rtol=1e-5)


def test_outputs_are_writes_like_any_other(server, ready):
    ready.execute_command("AI.TENSORSET", "y", "FLOAT", 1)
    ready.expire("y", 100)
    with ready.pipeline() as pipe:
        pipe.watch("y")
        ready.execute_command("AI.MODELEXECUTE", "m", "INPUTS", 1, "a", "OUTPUTS", 1, "y")
        pipe.multi()
        pipe.ping()
        with pytest.raises(Exception, match="Watched variable changed"):
            pipe.execute()
    assert ready.ttl("y") == -1
    assert ready.execute_command("AI.DAGEXECUTE", "PERSIST", 1, "y", "|>", "AI.TENSORSET", "y",
                                 "FLOAT", 1) == [b"OK"]
    ready.set("t", "text")
    for words in (("AI.MODELEXECUTE", "m", "INPUTS", 1, "a", "OUTPUTS", 1, "t"),
                  ("AI.MODELRUN", "m", "INPUTS", "a", "OUTPUTS", "t"),
                  ("AI.SCRIPTEXECUTE", "s", "wait", "KEYS", 1, "t", "INPUTS", 1, "a", "OUTPUTS", 1,
                   "t")):
        assert said(ready, *words) == WRONGTYPE
        assert ready.ping() and ready.get("t") == b"text"


def test_names_are_bytes(ready):
    ask = ready.execute_command
    store(ready, ODD, NET, "TAG", ODD)
    put(ready, ODD + b"a", ROW)
    assert ask("AI.MODELEXECUTE", ODD, "INPUTS", 1, ODD + b"a", "OUTPUTS", 1, ODD + b"y") == b"OK"
    assert ask("AI._MODELSCAN") == [[b"m", b""], [ODD, ODD]]
    assert figures(ready, ODD)["tag"] == ODD and figures(ready, ODD)["key"] == ODD
    dag = ask("AI.DAGEXECUTE", "LOAD", 1, ODD + b"y", "|>", "AI.TENSORGET", ODD + b"y", "META")
    assert dag == [[b"dtype", b"FLOAT", b"shape", [1, 2]]]
    for words in (("AI.MODELEXECUTE", ODD, "INPUTS", 1, "a", "OUTPUTS", 1, "y", ODD),
                  ("AI.SCRIPTEXECUTE", "s", ODD, "INPUTS", 1, "a"),
                  ("AI.DAGEXECUTE", "LOAD", 1, "a", ODD, "|>", "AI.TENSORGET", "a", "META")):
        assert "\r" not in said(ready, *words) and ready.ping()
