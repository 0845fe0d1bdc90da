"""AI.MODELEXECUTE and AI.MODELRUN over a socket: numbers, errors, queues, time limits."""

import threading

import numpy as np
import pytest
from ai_models import WRONGTYPE, blob_of, execute, figures, got, network, put, said, store

NET = network()
ROW = np.array([[0.5, -1, 2]], np.float32)
ROWS = np.random.default_rng(3).normal(size=(6, 3)).astype(np.float32)
MULTI = "ERR Cannot run RedisAI command within a transaction or a LUA script"


@pytest.mark.parametrize("rows", [ROW, ROW.astype("f8"), ROWS, ROWS.astype("f8"),
                                  ROWS.astype("i4")])
def test_a_model_gives_the_engines_numbers(client, rows):
    store(client, "m", NET)
    put(client, "x", rows)
    for _ in range(4):  # in a worker first, on the loop once it is known to be small
        client.delete("y")
        assert execute(client, "m", ["x"], ["y"]) == b"OK"
        assert np.array_equal(got(client, "y"), NET.predict(rows.astype("f4")))
    assert client.execute_command("AI.MODELRUN", "m", "INPUTS", "x", "OUTPUTS", "z") == b"OK"
    assert np.array_equal(got(client, "y"), got(client, "z"))


def test_the_key_may_be_its_own_output(resp2):
    store(resp2, "m", network(3, 3))
    put(resp2, "x", ROW)
    for _ in range(3):
        before = got(resp2, "x")
        execute(resp2, "m", ["x"], ["x"])
        assert np.array_equal(got(resp2, "x"), network(3, 3).predict(before))


ERRORS = [
    (("no", "FOO", 1, "x", "OUTPUTS", 1, "y"), "ERR model key is empty"),
    (("m", "FOO", 1, "x", "OUTPUTS", 1, "y"), "ERR INPUTS not specified"),
    (("m", "INPUTS", "a", "x", "OUTPUTS", 1, "y"), "ERR Invalid argument for input_count"),
    (("m", "INPUTS", 0, "x", "OUTPUTS", 1, "y"), "ERR Input count must be a positive integer"),
    (("m", "INPUTS", -1, "x", "OUTPUTS", 1, "y"), "ERR Input count must be a positive integer"),
    (("m", "INPUTS", 9, "x", "OUTPUTS", 1, "y"), "ERR number of input keys to AI.MODELEXECUTE "
     "command does not match the number of given arguments"),
    (("m", "INPUTS", 1, "x", "y", "OUTPUTS", 1), "ERR OUTPUTS not specified"),
    (("m", "INPUTS", 1, "x", "OUTPUTS", "a", "y"), "ERR Invalid argument for output_count"),
    (("m", "INPUTS", 1, "x", "OUTPUTS", 0, "y"), "ERR Output count must be a positive integer"),
    (("m", "INPUTS", 1, "x", "OUTPUTS", 2, "y"), "ERR number of output keys to AI.MODELEXECUTE "
     "command does not match the number of given arguments"),
    (("m", "INPUTS", 2, "x", "x", "OUTPUTS", 1, "y"),
     "ERR Number of keys given as INPUTS here does not match model definition"),
    (("m", "INPUTS", 1, "x", "OUTPUTS", 2, "y", "z"),
     "ERR Number of keys given as OUTPUTS here does not match model definition"),
    (("m", "INPUTS", 1, "x", "OUTPUTS", 1, "y", "TIMEOUT"), "ERR No value provided for TIMEOUT"),
    (("m", "INPUTS", 1, "x", "OUTPUTS", 1, "y", "TIMEOUT", "a"), "ERR Invalid value for TIMEOUT"),
    (("m", "INPUTS", 1, "x", "OUTPUTS", 1, "y", "TIMEOUT", 0), "ERR Invalid value for TIMEOUT"),
    (("m", "INPUTS", 1, "x", "OUTPUTS", 1, "y", "WHAT", 5), "ERR Invalid argument: WHAT"),
    (("m", "INPUTS", 1, "x", "OUTPUTS", 1, "y", "TIMEOUT", 5, "z"), "ERR Invalid argument: z"),
    (("m", "INPUTS", 1, "no", "OUTPUTS", 1, "y"),
     "ERR tensor key is empty or in a different shard"),
    (("m", "INPUTS", 1, "s", "OUTPUTS", 1, "y"), WRONGTYPE),
    (("m", "INPUTS", 1, "x", "OUTPUTS", 1, "s"), WRONGTYPE),
    (("m", "INPUTS", 1, "wide", "OUTPUTS", 1, "y"),
     "ERR input 'input' wants shape (?, 3), got (1, 4)"),
    (("m", "INPUTS", 1, "flat", "OUTPUTS", 1, "y"),
     "ERR input 'input' wants shape (?, 3), got (3)"),
    (("m", "INPUTS", 1, "words", "OUTPUTS", 1, "y"), "ERR input 'input' wants numbers, got STRING"),
]


@pytest.mark.parametrize(("words", "text"), ERRORS)
def test_a_run_that_is_refused(resp2, words, text):
    store(resp2, "m", NET)
    resp2.set("s", "x")
    put(resp2, "x", ROW)
    put(resp2, "wide", np.ones((1, 4), np.float32))
    put(resp2, "flat", ROW[0])
    resp2.execute_command("AI.TENSORSET", "words", "STRING", 1, 3, "VALUES", "a", "b", "c")
    assert said(resp2, "AI.MODELEXECUTE", *words) == text
    assert resp2.get("s") == b"x" and resp2.exists("y") == 0
    assert resp2.ping()


@pytest.mark.parametrize(("words", "text"), [
    (("m", "x", "INPUTS", "x", "OUTPUTS", "y"), "ERR INPUTS not specified"),
    (("m", "INPUTS", "x", "y", "z", "z"), "ERR OUTPUTS not specified"),
    (("m", "TIMEOUT", "a", "INPUTS", "x", "OUTPUTS", "y"), "ERR Invalid value for TIMEOUT"),
    (("m", "INPUTS", "x", "x", "OUTPUTS", "y"),
     "ERR Number of keys given as INPUTS here does not match model definition"),
])
def test_an_older_run_that_is_refused(resp2, words, text):
    store(resp2, "m", NET)
    put(resp2, "x", ROW)
    assert said(resp2, "AI.MODELRUN", *words) == text


def test_arity_and_keys(server, resp2):
    assert said(resp2, "ai.ModelExecute", "m", "INPUTS") == (
        "ERR wrong number of arguments for 'ai.ModelExecute' command")
    store(resp2, "m", NET)
    words = b"COMMAND GETKEYS AI.MODELEXECUTE m INPUTS 2 a b OUTPUTS 1 y TIMEOUT 5".split()
    raw = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)
    assert server.connect().ask(raw) == [[b"m", b"a", b"b", b"y"]]
    words = b"COMMAND GETKEYS AI.MODELRUN m INPUTS a b OUTPUTS y".split()
    raw = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)
    assert server.connect().ask(raw) == [[b"m", b"a", b"b", b"y"]]


def test_no_run_within_a_transaction(resp2):
    store(resp2, "m", NET)
    put(resp2, "x", ROW)
    pipe = resp2.pipeline(transaction=True)
    pipe.set("k", 1)
    pipe.execute_command("AI.MODELEXECUTE", "m", "INPUTS", 1, "x", "OUTPUTS", 1, "y")
    replies = pipe.execute(raise_on_error=False)
    assert replies[0] and f"ERR {replies[1]}" == MULTI
    assert resp2.exists("y") == 0


def slow_network():
    """Some 50 ms for the rows of ``slow_rows``, in a worker."""
    return network(256, 2048, 2048, 256, seed=2)


def slow_rows():
    return np.ones((1024, 256), np.float32)


@pytest.fixture
def slow(resp2):
    store(resp2, "slow", slow_network())
    put(resp2, "big", slow_rows())
    return "slow"


def begin(server, *words):
    """Send a request on a connection of its own; read its reply later."""
    connection = server.connect()
    assert connection.is_open()  # the server has it
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    connection.send(b"*%d\r\n" % len(words)
                    + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
    return connection


def run_words(key, source, target, *options):
    return ("AI.MODELEXECUTE", key, "INPUTS", 1, source, "OUTPUTS", 1, target, *options)


def started(resp2, server, *words):
    """``begin``, and wait until the server has taken the request."""
    connection = begin(server, *words)
    resp2.ping()  # perhaps in the same turn of the loop, and before it
    resp2.ping()
    return connection


def test_what_waits_too_long_is_not_run(server, resp2, slow):
    runs = [begin(server, *run_words(slow, "big", f"y{i}")) for i in range(4)]
    late = begin(server, *run_words(slow, "big", "late", "TIMEOUT", 1))
    assert [run.read() for run in runs] == [[b"OK"]] * 4
    assert late.read() == [b"TIMEDOUT"]
    assert resp2.exists("y0", "late") == 1
    assert figures(resp2, slow)["calls"] == 4


def test_inputs_are_taken_when_the_command_arrives(server, resp2, slow):
    store(resp2, "m", NET)
    put(resp2, "x", ROW)
    first = started(resp2, server, *run_words(slow, "big", "y"))
    second = started(resp2, server, *run_words("m", "x", "z"))
    put(resp2, "x", ROW * 9)
    resp2.delete("big")
    store(resp2, "m", network(3, 4, 2, seed=5))
    assert first.read() + second.read() == [b"OK", b"OK"]
    assert np.array_equal(got(resp2, "z"), NET.predict(ROW))


def test_a_model_in_use_lives_until_its_run_ends(server, resp2, slow):
    first = started(resp2, server, *run_words(slow, "big", "y"))
    second = started(resp2, server, *run_words(slow, "big", "z"))
    assert resp2.execute_command("AI.MODELDEL", slow) == b"OK"
    assert resp2.exists(slow) == 0
    assert first.read() + second.read() == [b"OK", b"OK"]
    assert np.array_equal(got(resp2, "z"), slow_network().predict(slow_rows()))


def test_other_clients_go_on_and_replies_keep_their_order(server, resp2, slow):
    words = [run_words(slow, "big", "y"), ("PING",), run_words(slow, "big", "z"), ("GET", "k")]
    connection = server.connect()
    for one in words:
        one = [str(word).encode() for word in one]
        connection.send(b"*%d\r\n" % len(one)
                        + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in one))
    assert resp2.ping() and resp2.exists("z") == 0
    assert connection.read(4) == [b"OK", b"PONG", b"OK", None]


def test_outputs_are_written_for_a_client_that_is_gone(server, resp2, slow):
    started(resp2, server, *run_words(slow, "big", "y")).sock.close()
    execute(resp2, slow, ["big"], ["z"])
    assert resp2.exists("y", "z") == 2


def test_an_output_key_of_another_type_that_came_meanwhile(server, resp2, slow):
    first = started(resp2, server, *run_words(slow, "big", "y"))
    resp2.set("y", "mine")
    (error,) = first.read()
    assert str(error) == WRONGTYPE
    assert resp2.get("y") == b"mine"


def test_queues_of_two_devices_do_not_wait_for_each_other(server, resp2, slow):
    store(resp2, "m", slow_network(), device="cpu:1")
    runs = [begin(server, *run_words(slow, "big", "y")) for _ in range(6)]
    other = begin(server, *run_words("m", "big", "z"))
    assert other.read() == [b"OK"]
    assert figures(resp2, slow)["calls"] < 6
    assert [run.read() for run in runs] == [[b"OK"]] * 6


def test_sixteen_clients_at_once(server, resp2):
    models = {f"m{i}": network(3, 4 + i, 2, seed=i) for i in range(4)}
    for name, model in models.items():
        store(resp2, name, model)
    wrong = []

    def client(number):
        redis = server.redis(protocol=2)
        rng = np.random.default_rng(number)
        for i in range(30):
            name, rows = f"m{i % 4}", rng.normal(size=(1 + i % 3, 3)).astype("f4")
            put(redis, f"x{number}", rows)
            execute(redis, name, [f"x{number}"], [f"y{number}"])
            if not np.allclose(got(redis, f"y{number}"), models[name].predict(rows), atol=1e-6):
                wrong.append((number, i))

    threads = [threading.Thread(target=client, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    assert sum(figures(resp2, name)["calls"] for name in models) == 16 * 30


def test_a_large_model_is_stored_beside_other_clients(server, resp2):
    blob = blob_of(network(2000, 3000, seed=1))  # 24 MB
    connection = begin(server, "AI.MODELSTORE", "m", "RESPNET", "CPU", "BLOB", blob)
    assert resp2.ping()
    assert connection.read() == [b"OK"]
    assert resp2.execute_command("AI.MODELGET", "m", "BLOB") == blob
