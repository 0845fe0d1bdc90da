"""AI.DAGEXECUTE and its kin over a socket: steps, names, devices, what is kept, time limits."""

import numpy as np
import pytest
from ai_models import WRONGTYPE, execute, figures, got, network, put, said, store
from test_ai_execute import begin, run_words, slow, slow_network, slow_rows, started  # noqa: F401

NET = network()
ROW = np.array([[0.5, -1, 2]], np.float32)
ROUTED = ("AI.DAGEXECUTE", "ROUTING", "k")
SET_X = ("|>", "AI.TENSORSET", "x", "FLOAT", 1, 3, "VALUES", 0.5, -1, 2)
GET_Y = ("|>", "AI.TENSORGET", "y", "VALUES")
BAD = ("|>", "AI.TENSORSET", "bad", "FLOAT", 1, 4)
WIDE = "input 'input' wants shape (?, 3), got (1, 4)"


def run(model, inputs, outputs):
    return ("|>", "AI.MODELEXECUTE", model, "INPUTS", len(inputs), *inputs, "OUTPUTS",
            len(outputs), *outputs)


def ask(client, *words):
    """Replies, errors among them as their text."""
    replies = client.execute_command(*[one for word in words for one in flat(word)])
    if not isinstance(replies, list):
        return replies
    return [f"!{one}" if isinstance(one, Exception) else one for one in replies]


def flat(word):
    return word if isinstance(word, tuple) else (word,)


def numbers(reply):
    return np.array(reply, float)


def test_set_run_and_get_in_one_round(client):
    store(client, "m", NET)
    for _ in range(4):  # in a worker first, at once when the model is known to be small
        ok, ran, values = ask(client, ROUTED, SET_X, run("m", "x", "y"), GET_Y)
        assert (ok, ran) == (b"OK", b"OK")
        assert np.allclose(numbers(values), NET.predict(ROW)[0], atol=1e-6)
    assert client.exists("x", "y") == 0
    assert figures(client, "m")["calls"] == 4


def test_each_command_of_the_family(resp2):
    store(resp2, "m", NET)
    put(resp2, "a", ROW)
    wanted = NET.predict(ROW)[0]
    for command in ("AI.DAGEXECUTE", "ai.dagexecute_ro"):
        replies = ask(resp2, command, "LOAD", 1, "a", run("m", "a", "y"), GET_Y)
        assert np.allclose(numbers(replies[1]), wanted, atol=1e-6)
    old = ("|>", "AI.MODELRUN", "m", "INPUTS", "x", "OUTPUTS", "y")
    for command in ("AI.DAGRUN", "AI.DAGRUN_RO"):
        assert np.allclose(numbers(ask(resp2, command, SET_X, old, GET_Y)[2]), wanted, atol=1e-6)


def test_what_tensorget_answers(client):
    put(client, "a", ROW)
    tail = ("META", "BLOB")
    (reply,) = ask(client, "AI.DAGEXECUTE", "LOAD", 1, "a", "|>", "AI.TENSORGET", "a", tail)
    assert reply == client.execute_command("AI.TENSORGET", "a", *tail)
    words = [("a",), ("a", "META"), ("a", "BLOB"), ("a", "values", "meta")]
    steps = [("|>", "AI.TENSORGET", *word) for word in words]
    replies = ask(client, "AI.DAGEXECUTE", "LOAD", 1, "a", *steps)
    assert replies == [client.execute_command("AI.TENSORGET", *word) for word in words]


def test_the_last_writer_before_a_step_wins(resp2):
    values = [("|>", "AI.TENSORSET", "x", "INT8", 1, "VALUES", i) for i in (1, 2)]
    get = ("|>", "AI.TENSORGET", "x", "VALUES")
    put(resp2, "x", ROW)
    replies = ask(resp2, "AI.DAGEXECUTE", "LOAD", 1, "x", "PERSIST", 1, "x", get, values[0], get,
                  values[1], get)
    assert [numbers(one).tolist() for one in replies[::2]] == [[0.5, -1, 2], [1], [2]]
    assert resp2.execute_command("AI.TENSORGET", "x", "VALUES") == [2]


def test_a_blob_that_looks_like_an_arrow(resp2):
    step = ("|>", "AI.TENSORSET", "x", "UINT8", 2, "BLOB", "|>")
    assert ask(resp2, ROUTED, step, "|>", "AI.TENSORGET", "x", "BLOB") == [b"OK", b"|>"]


def test_outputs_are_kept_under_their_keys(resp2):
    store(resp2, "m", NET)
    put(resp2, "y", np.zeros((5,), "i8"))
    resp2.expire("y", 1000)
    assert ask(resp2, "AI.DAGEXECUTE", "PERSIST", 2, "x", "y", "TIMEOUT", 5000, SET_X,
               run("m", "x", "y")) == [b"OK", b"OK"]
    assert np.array_equal(got(resp2, "x"), ROW) and resp2.ttl("y") == -1
    assert np.allclose(got(resp2, "y"), NET.predict(ROW), atol=1e-6)
    assert ask(resp2, "AI.DAGEXECUTE", "LOAD", 1, "x", "PERSIST", 1, "x",
               "|>", "AI.TENSORGET", "x", "BLOB") == [ROW.tobytes()]
    assert np.array_equal(got(resp2, "x"), ROW)


def test_an_error_stands_in_its_place_and_nothing_is_kept(resp2):
    store(resp2, "m", NET)
    for _ in range(3):
        replies = ask(resp2, "AI.DAGEXECUTE", "PERSIST", 2, "x", "y", SET_X, BAD,
                      "|>", "AI.TENSORGET", "x", "META", run("m", ["bad"], "y"), GET_Y,
                      "|>", "AI.TENSORGET", "x", "META", SET_X, run("m", "x", "y"))
        assert replies == [b"OK", b"OK", [b"dtype", b"FLOAT", b"shape", [1, 3]], f"!{WIDE}", b"NA",
                           b"NA", b"OK", b"NA"]
    assert resp2.dbsize() == 1
    assert figures(resp2, "m")["errors"] == 3


def test_a_key_of_another_type_is_told_behind_the_replies(resp2):
    resp2.set("s", "x")
    kept = ("AI.DAGEXECUTE", "PERSIST", 2, "x", "s")
    step = ("|>", "AI.TENSORSET", "s", "INT8", 1)
    assert ask(resp2, kept, SET_X, step) == [b"OK", b"OK", f"!{WRONGTYPE}"]
    assert resp2.get("s") == b"x" and resp2.exists("x") == 0


def test_keys_that_move_while_it_runs(server, resp2, slow):
    connection = started(resp2, server, "AI.DAGEXECUTE", "LOAD", 1, "big", "PERSIST", 2, "y", "z",
                         *run("slow", ["big"], "y"), "|>", "AI.TENSORSET", "z", "INT8", 1)
    assert resp2.exists("y", "z") == 0  # the loop goes on
    resp2.delete("big", "slow")
    resp2.set("y", "string")
    (reply,) = connection.read()
    assert reply[:2] == [b"OK", b"OK"] and str(reply[2]) == WRONGTYPE
    assert resp2.exists("z") == 0


def test_devices_meet_at_their_tensors(resp2):
    square = network(3, 3)
    for key, device in (("one", "CPU"), ("two", "CPU:1"), ("three", "cpu:2")):
        store(resp2, key, square, device=device)
    chain = [run(("one", "two", "three")[i % 3], [f"t{i}"], [f"t{i + 1}"]) for i in range(9)]
    for _ in range(3):
        wanted = ROW
        replies = ask(resp2, "AI.DAGEXECUTE", "PERSIST", 1, "t9", "|>", "AI.TENSORSET", "t0",
                      "FLOAT", 1, 3, "VALUES", 0.5, -1, 2, *chain, "|>", "AI.TENSORGET", "t9")
        assert replies[:-1] == [b"OK"] * 10
        for _ in range(9):
            wanted = square.predict(wanted)
        assert np.allclose(got(resp2, "t9"), wanted, atol=1e-6)
        assert replies[-1][-1] == got(resp2, "t9").tobytes()


def test_a_failure_on_one_device_stops_the_others(resp2):
    store(resp2, "one", NET)
    store(resp2, "two", network(2, 2), device="CPU:1")
    replies = ask(resp2, ROUTED, BAD, run("one", ["bad"], "y"), run("two", "y", "z"),
                  "|>", "AI.TENSORGET", "z")
    assert replies == [b"OK", f"!{WIDE}", b"NA", b"NA"]


def test_devices_run_side_by_side(server, resp2):
    for key, device in (("one", "CPU"), ("two", "CPU:1")):
        store(resp2, key, slow_network(), device=device)
    put(resp2, "big", slow_rows())
    steps = [run("one", ["big"], "a")] * 20 + [run("two", ["big"], "b")] * 20
    waiting = started(resp2, server, "AI.DAGEXECUTE", "LOAD", 1, "big",
                      *[word for step in steps for word in step])
    while figures(resp2, "two")["calls"] == 0:  # the lane of ``two`` does not wait for ``one``
        pass
    assert figures(resp2, "one")["calls"] < 20
    assert waiting.read() == [[b"OK"] * 40]


def test_too_late_is_told_as_a_whole(server, resp2, slow):
    first = started(resp2, server, *run_words("slow", "big", "y"))
    assert ask(resp2, "AI.DAGEXECUTE", "LOAD", 1, "big", "PERSIST", 1, "x", "TIMEOUT", 1, SET_X,
               run("slow", ["big"], "z"), "|>", "AI.TENSORGET", "z") == b"TIMEDOUT"
    assert first.read() == [b"OK"] and resp2.exists("x", "z") == 0
    assert figures(resp2, "slow")["calls"] == 1


def test_a_client_that_goes_away_still_has_its_outputs(server, resp2, slow):
    gone = started(resp2, server, "AI.DAGEXECUTE", "LOAD", 1, "big", "PERSIST", 1, "y",
                   *run("slow", ["big"], "y"))
    gone.sock.close()
    assert execute(resp2, "slow", ["big"], ["z"]) == b"OK"  # behind it in the queue
    assert np.array_equal(got(resp2, "y"), got(resp2, "z"))


def test_steps_of_dags_are_joined_to_batches(server, resp2):
    store(resp2, "m", NET, "BATCHSIZE", 4, "MINBATCHSIZE", 2)
    put(resp2, "a", ROW)
    waiting = started(resp2, server, *run_words("m", "a", "w"))
    replies = ask(resp2, ROUTED, SET_X, run("m", "x", "y"), GET_Y)
    assert replies[:2] == [b"OK", b"OK"] and waiting.read() == [b"OK"]
    assert figures(resp2, "m")["samples"] == 2


def test_a_network_of_nr_runs_in_a_dag(resp2):
    resp2.execute_command("NR.CREATE", "nr", "REGRESSOR", 3, 4, "->", 2)
    wanted = resp2.execute_command("NR.RUN", "nr", 0.5, -1, 2)
    values = ask(resp2, ROUTED, SET_X, run("nr", "x", "y"), GET_Y)[2]
    assert np.allclose(numbers(values), numbers(wanted), atol=1e-6)


@pytest.mark.parametrize("command", ["AI.DAGEXECUTE", "AI.DAGRUN_RO"])
def test_no_dag_within_a_transaction(resp2, command):
    pipe = resp2.pipeline(transaction=True)
    pipe.execute_command(command, "ROUTING", "k", *SET_X)
    (reply,) = pipe.execute(raise_on_error=False)
    assert str(reply) == "Cannot run RedisAI command within a transaction or a LUA script"


def test_what_is_kept_survives_a_restart(serve):
    server = serve(appendfsync="always")
    store(server.redis(protocol=2), "m", NET)
    ask(server.redis(protocol=2), "AI.DAGEXECUTE", "PERSIST", 2, "x", "y", SET_X,
        run("m", "x", "y"))
    server.process.kill()
    server.process.wait()
    server.start()
    assert np.allclose(got(server.redis(protocol=2), "y"), NET.predict(ROW), atol=1e-6)


def test_a_long_dag(resp2):
    square = network(3, 3)
    store(resp2, "m", square)
    steps = [run("m", [f"t{i}"], [f"t{i + 1}"]) for i in range(300)]
    replies = ask(resp2, ROUTED, "|>", "AI.TENSORSET", "t0", "FLOAT", 1, 3, *steps,
                  "|>", "AI.TENSORGET", "t300", "META")
    assert replies == [b"OK"] * 301 + [[b"dtype", b"FLOAT", b"shape", [1, 3]]]


def test_keys_of_a_request(server):
    words = ("COMMAND GETKEYS AI.DAGEXECUTE LOAD 1 a PERSIST 2 b c ROUTING d |> AI.TENSORSET x "
             "FLOAT 1 |> AI.MODELEXECUTE m INPUTS 1 x OUTPUTS 1 y |> AI.SCRIPTEXECUTE s f").split()
    assert begin(server, *words).read() == [[b"a", b"b", b"c", b"d", b"m", b"s"]]


def test_too_much_is_refused(resp2):
    zeros = ("|>", "AI.TENSORSET", "x", "DOUBLE", 1 << 26)  # 512 MiB that nobody touches
    assert said(resp2, *ROUTED, *zeros * 3) == (
        "ERR tensors and replies of a DAG take at most 1073741824 bytes")
    text = ("|>", "AI.TENSORGET", "x", "VALUES")
    step = ("|>", "AI.TENSORSET", "x", "INT8", 50_000_000)
    assert ask(resp2, ROUTED, step, text) == [
        b"OK", "!tensors and replies of a DAG take at most 1073741824 bytes"]
