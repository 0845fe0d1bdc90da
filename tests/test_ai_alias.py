"""AI.MODELALIAS: a name that moves from one model to the next."""

import signal
import threading

import numpy as np
from ai_models import WRONGTYPE, execute, figures, got, network, put, said, store

ROW = np.array([[0.5, -1, 2]], np.float32)
FIRST, SECOND = network(seed=1), network(seed=2)


def two_versions(client):
    store(client, "net:1", FIRST, "TAG", "one")
    store(client, "net:2", SECOND, "TAG", "two")
    put(client, "x", ROW)
    assert client.execute_command("AI.MODELALIAS", "SET", "net", "net:1") == b"OK"


def test_an_alias_runs_what_it_stands_for(client):
    two_versions(client)
    ask = client.execute_command
    execute(client, "net", ["x"], ["y"])
    assert np.allclose(got(client, "y"), FIRST.predict(ROW), atol=1e-6)
    assert ask("AI.MODELALIAS", "GET", "net") == b"net:1"
    assert ask("AI.MODELALIAS", "SET", "net", "net:2") == b"OK"
    execute(client, "net", ["x"], ["y"])
    assert np.allclose(got(client, "y"), SECOND.predict(ROW), atol=1e-6)
    assert ask("AI.MODELGET", "net", "META")[5] == b"two"
    assert [figures(client, f"net:{i}")["calls"] for i in (1, 2)] == [1, 1]
    assert client.type("net") == b"AI__ALIAS"
    assert ask("AI.MODELALIAS", "DEL", "net") == b"OK"
    assert ask("AI.MODELALIAS", "GET", "net") is None and client.exists("net:2")


def test_what_is_refused(resp2):
    two_versions(resp2)
    resp2.set("s", "x")
    for words, text in [
        (("SET", "net", "no"), "ERR model key is empty"),
        (("SET", "net", "s"), WRONGTYPE),
        (("SET", "net", "net"), WRONGTYPE),  # no alias of an alias
        (("SET", "s", "net:1"), WRONGTYPE),
        (("SET", "net:2", "net:1"), WRONGTYPE),
        (("GET", "s"), WRONGTYPE),
        (("DEL", "s"), WRONGTYPE),
        (("DEL", "no"), "ERR there is no such alias"),
    ]:
        assert said(resp2, "AI.MODELALIAS", *words) == text
    assert resp2.execute_command("AI.MODELALIAS", "GET", "net") == b"net:1"
    assert said(resp2, "AI.MODELDEL", "net") == WRONGTYPE
    resp2.delete("net:1")
    assert said(resp2, "AI.MODELEXECUTE", "net", "INPUTS", 1, "x", "OUTPUTS", 1, "y") == (
        "ERR model key is empty")


def test_an_alias_in_a_transaction_and_after_a_kill(serve):
    server = serve(appendfsync="always")
    client = server.redis(protocol=2)
    two_versions(client)
    pipe = client.pipeline(transaction=True)
    pipe.execute_command("AI.MODELALIAS", "SET", "net", "net:2")
    pipe.execute_command("AI.MODELALIAS", "GET", "net")
    assert pipe.execute() == [b"OK", b"net:2"]
    server.end(signal.SIGKILL)
    server.start()
    execute(client, "net", ["x"], ["y"])
    assert np.allclose(got(client, "y"), SECOND.predict(ROW), atol=1e-6)


def test_clients_see_one_version_or_the_other(server, resp2):
    two_versions(resp2)
    wanted = [FIRST.predict(ROW), SECOND.predict(ROW)]
    seen, ended = [], threading.Event()

    def client(number):
        redis = server.redis(protocol=2)
        while not ended.is_set():
            execute(redis, "net", ["x"], [f"y{number}"])
            y = got(redis, f"y{number}")
            seen.append([np.allclose(y, one, atol=1e-6) for one in wanted])

    threads = [threading.Thread(target=client, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for i in range(40):
        resp2.execute_command("AI.MODELALIAS", "SET", "net", f"net:{1 + i % 2}")
    ended.set()
    for thread in threads:
        thread.join(20)
    assert [True, False] in seen and [False, True] in seen and [False, False] not in seen
