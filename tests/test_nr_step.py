"""NR.STEP: a sequence in pieces, its state under a key of its own, over restarts too."""

import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
from nr_helpers import create, info, said, wait

from respnet.redisproto.nr_state import StateValue
from respnet.redisproto.values import load

WRONGTYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
INPUTS = "ERR number of arguments does not match the number of inputs of one step: 2"
NUMBER = ("ERR invalid neural network input: must be a valid float precision floating point "
          "number")
SYNTAX = "ERR Syntax error in NR.STEP"
FOREIGN = ("ERR the state belongs to another neural network, or to this one before it was reset: "
           "delete the state or use another key")
EXPIRE = "ERR invalid expire time in 'nr.step' command"
ROW = np.random.default_rng(3).normal(size=(6, 2)).astype("<f4")
NETS = ["6x2 LSTM:5 -> 3", "6x2 GRU:7 4 RNN:5 -> 3", "6x2 LSTM:4:PEEPHOLE LSTM:70 6 -> 3"]


def floats(reply):
    return [float(value) for value in reply]


def step(client, x, *options, state="s", key="net"):
    return client.execute_command("NR.STEP", key, state, *options, *map(float, x))


def steps(client, count, **where):
    """``count`` steps of ROW, round and round -> the last answer."""
    return [floats(step(client, ROW[i % 6], **where)) for i in range(count)][-1]


@pytest.mark.parametrize("words", NETS)
def test_steps_from_nothing_end_where_the_whole_sequence_does(client, words):
    create(client, "CLASSIFIER " + words)
    whole = floats(client.execute_command("NR.RUN", "net", *ROW.ravel().tolist()))
    assert np.allclose(steps(client, 6), whole, atol=1e-6)
    assert not np.allclose(steps(client, 1), whole, atol=1e-4)  # the state is not zero any more
    assert client.type("s") == b"NR_STATE" and client.ttl("s") == -1


def test_words_one_after_another(client):
    create(client, "CLASSIFIER 4 EMBED:9:3:MASK GRU:5 -> 2")
    whole = floats(client.execute_command("NR.RUN", "net", 0, 7, 0, 3))
    for word in (0, 7, 0, 3):
        last = client.execute_command("NR.STEP", "net", "s", word)
    assert np.allclose(floats(last), whole, atol=1e-6)


def test_every_form_answers_the_same(client):
    create(client, "CLASSIFIER " + NETS[0])
    one = [floats(step(client, x, state="one")) for x in ROW]
    classes = [int(np.argmax(y)) for y in one]
    call = client.execute_command
    assert [step(client, x, "CLASS", state="class") for x in ROW] == classes
    assert [call("NR.STEP", "net", "blobs", "BLOB", x.tobytes()) for x in ROW] == [
        np.array(y, "<f4").tobytes() for y in one]
    assert [call("NR.STEP", "net", "many", "CLASS", "BLOB", x.tobytes()) for x in ROW] == [
        [number] for number in classes]
    rows = call("NR.STEP", "net", "rows", "ROWS", 6, *ROW.ravel().tolist())
    assert [floats(y) for y in rows] == one
    blob = call("NR.STEP", "net", "blob", "BLOB", ROW.tobytes())
    assert np.array_equal(np.frombuffer(blob, "<f4").reshape(6, 3), np.array(one, "<f4"))
    assert call("NR.STEP", "net", "c", "class", "EX", 9, "BLOB", ROW.tobytes()) == classes
    assert call("NR.STEP", "net", "d", "CLASS", "rows", 6, *ROW.ravel().tolist()) == classes
    after = [floats(step(client, ROW[0], state=key))
             for key in ("one", "class", "blobs", "rows", "blob", "c", "d")]
    assert all(y == after[0] for y in after)


def test_doubles_are_written_as_nr_run_writes_them(server):
    raw = server.connect()
    said(raw, "NR.CREATE net CLASSIFIER 1x2 LSTM:5 -> 2")
    raw.send(b"NR.RUN net 1 2\r\n")
    whole = raw.sock.recv(4096)
    for _ in range(2):  # a new state is made by the ordinary handler, an old one is not
        raw.send(b"NR.STEP net a 1 2\r\n")
        assert raw.sock.recv(4096)[:4] == whole[:4] == b"*2\r\n"
    said(raw, "HELLO 3")
    raw.send(b"NR.STEP net a 1 2\r\n")
    assert raw.sock.recv(4096).startswith(b"*2\r\n,0.")
    assert said(raw, "NR.STEP net a CLASS 1 2") in (0, 1)


def test_states_are_keys_like_others(client):
    create(client, "CLASSIFIER " + NETS[1])
    steps(client, 3)
    client.copy("s", "copy")
    client.rename("s", "moved")
    assert floats(step(client, ROW[3], state="copy")) == floats(
        step(client, ROW[3], state="moved"))
    assert client.exists("s") == 0 and client.delete("moved") == 1
    assert client.object("encoding", "copy") == b"raw" and client.memory_usage("copy") > 48
    assert sorted(client.scan_iter(_type="NR_STATE")) == [b"copy"]
    steps(client, 3)
    client.rename("net", "other")
    assert step(client, ROW[3], key="other")  # a renamed network is the same one
    client.swapdb(0, 1)
    client.execute_command("SELECT", 1)
    assert steps(client, 1, key="other")
    client.execute_command("SELECT", 0)
    client.flushall()


def test_a_state_may_expire(server):
    client = server.redis()
    create(client, "CLASSIFIER " + NETS[0])
    first = floats(step(client, ROW[0], "EX", 100))
    assert 98 <= client.ttl("s") <= 100
    step(client, ROW[0])
    assert 98 <= client.ttl("s") <= 100, "a step without EX leaves the time to live as it was"
    step(client, ROW[0], "CLASS", "ex", 1000)
    assert 998 <= client.ttl("s") <= 1000
    client.persist("s")
    step(client, ROW[0], "PX", 30)
    time.sleep(0.05)
    assert client.exists("s") == 0 and floats(step(client, ROW[0])) == first
    step(client, ROW[0], "EXAT", 33177117420)
    assert client.execute_command("EXPIRETIME", "s") == 33177117420


def test_transactions_and_watches(server):
    client, other = server.redis(), server.redis()
    create(client, "CLASSIFIER " + NETS[0])
    steps(client, 2)
    with client.pipeline() as pipeline:
        pipeline.watch("s")
        step(other, ROW[0])
        pipeline.multi()
        pipeline.ping()
        with pytest.raises(Exception, match="Watched"):
            pipeline.execute()
    with client.pipeline() as pipeline:
        for x in ROW[:3]:
            pipeline.execute_command("NR.STEP", "net", "t", *map(float, x))
        together = pipeline.execute()
    assert floats(together[-1]) == steps(client, 3, state="u")


# r: a regressor 6x2 LSTM:3 -> 1; d: a dense net 2 -> 1; w: of 9 words; s: a state of net
ANSWERS = {
    "NR.STEP net s": "ERR wrong number of arguments for 'nr.step' command",
    "NR.STEP none s 1 2": WRONGTYPE,
    "NR.STEP text s 1 2": WRONGTYPE,
    "NR.STEP s s 1 2": WRONGTYPE,
    "NR.STEP net text 1 2": WRONGTYPE,
    "NR.STEP net net 1 2": WRONGTYPE,
    "NR.RUN s 1 2": WRONGTYPE,
    "GET s": WRONGTYPE,
    "NR.STEP d new 1 2": "ERR NR.STEP wants a network with recurrent layers",
    "NR.STEP r new CLASS 1 2": "ERR CLASS wants a classifier network",
    "NR.STEP net s 1": INPUTS,
    "NR.STEP net s 1 2 3": INPUTS,
    "NR.STEP net s 1 2 CLASS": INPUTS,
    "NR.STEP net new ROWS 2 1 2 3": INPUTS,
    "NR.STEP net new ROWS": INPUTS,
    "NR.STEP net s BLOB": "ERR wrong number of blobs: wanted 1, got 0",
    "NR.STEP net s BLOB 1234": "ERR a blob of inputs holds rows of 2 float32 numbers: wanted a "
        "multiple of 8 bytes, got 4",
    "NR.STEP net s 1 x": NUMBER,
    "NR.STEP net s nan 1": NUMBER,
    "NR.STEP net s ROWS 2 1 2 3 1e99": NUMBER,
    "NR.STEP w new 9": "ERR neural network inputs must be the numbers of words, from 0 to 8, got 9",
    "NR.STEP w new ROWS 2 1 9":
        "ERR neural network inputs must be the numbers of words, from 0 to 8, got 9",
    "NR.STEP net s EX": SYNTAX,
    "NR.STEP net s EX 1": SYNTAX,
    "NR.STEP net s EX 1 PX 1 1 2": SYNTAX,
    "NR.STEP net s EX 0 1 2": EXPIRE,
    "NR.STEP net s EX -1 1 2": EXPIRE,
    "NR.STEP net s EX 9223372036854775807 1 2": EXPIRE,
    "NR.STEP net s EX x 1 2": "ERR value is not an integer or out of range",
    "NR.STEP r s 1 2": FOREIGN,
    "NR.STEP w s 1": FOREIGN,
    "NR.STEP twin s 1 2": FOREIGN,
}


@pytest.fixture
def raw(server):
    client = server.redis()
    create(client, "CLASSIFIER " + NETS[0])
    client.copy("net", "twin")
    create(client, "REGRESSOR 6x2 LSTM:3 -> 1", "r")
    create(client, "REGRESSOR 2 -> 1", "d")
    create(client, "CLASSIFIER 4 EMBED:9:3 RNN:5 -> 2", "w")
    client.set("text", "x")
    return server.connect()


@pytest.mark.parametrize("line", ANSWERS)
def test_each_error_has_its_text_and_no_effect(raw, server, line):
    client = server.redis()
    steps(client, 2)
    client.copy("s", "before")
    assert said(raw, line) == ANSWERS[line]
    assert client.dbsize() == 8 and client.ttl("s") == -1
    assert steps(client, 1) == steps(client, 1, state="before")


def test_a_state_outlives_a_training_but_not_a_reset(server):
    client = server.redis()
    create(client, "CLASSIFIER 6x2 LSTM:5 -> 2 DATASET 9")
    before = steps(client, 3)
    client.copy("s", "t")
    for i in range(4):
        client.execute_command("NR.OBSERVE", "net", *ROW.ravel().tolist(), "->", i % 2)
    client.execute_command("NR.TRAIN", "net", "MAXCYCLES", 30)
    wait(client)
    assert steps(client, 1) != before
    client.execute_command("NR.CONFIGURE", "net", "OPTIMIZER", "rprop", "BATCH", 0)
    steps(client, 1)
    for change in (["NR.RESET", "net"], ["NR.CONFIGURE", "net", "SEED", 4]):
        client.execute_command(*change)
        with pytest.raises(Exception, match="belongs to another neural network"):
            steps(client, 1)
        client.delete("s")
        steps(client, 1)
    client.delete("net")
    with pytest.raises(Exception, match="WRONGTYPE"):
        steps(client, 1)
    create(client, "CLASSIFIER 6x2 LSTM:5 -> 2 DATASET 9")
    with pytest.raises(Exception, match="belongs to another neural network"):
        steps(client, 1)


@pytest.mark.parametrize("count, number", [
    (1, signal.SIGKILL), (33, signal.SIGKILL), (70, signal.SIGKILL), (40, signal.SIGTERM)])
def test_a_conversation_survives_a_restart(serve, count, number):
    """Every step before the end counts, whichever of them was stored whole."""
    server = serve(appendfsync="always")
    client = server.redis()
    create(client, "CLASSIFIER 6x2 LSTM:5 GRU:40 -> 3")
    steps(client, count)
    steps(client, count, state="other")
    step(client, ROW[0], "EX", 500, state="mortal")
    client.rename("other", "renamed")
    server.end(number)
    server.start()
    client = server.redis()
    assert 400 < client.ttl("mortal") <= 500 and client.type("s") == b"NR_STATE"
    twin = [floats(step(client, ROW[i % 6], state="twin")) for i in range(count + 1)][-1]
    assert floats(step(client, ROW[count % 6])) == twin
    assert floats(step(client, ROW[count % 6], state="renamed")) == twin


@pytest.mark.parametrize("size", [4, 400, 65_524, 65_528, 3 << 20])
def test_states_of_any_size_come_back_from_their_dump(size):
    numbers = bytearray(np.random.default_rng(size).bytes(size))
    head, parts = StateValue(77, numbers).dump()
    assert len(head) <= 65_536 and all(len(part) <= 1 << 20 for part in parts)
    value = load(StateValue.kind, head, parts)
    assert (value.network, value.numbers) == (77, numbers)
    value.apply(1, bytes(size))
    assert value.numbers == bytes(size) and value.copy().numbers == bytes(size)


@pytest.mark.parametrize("frame", [(2, bytes(8)), (1, bytes(7)), (1, b"")])
def test_frames_that_are_no_states_are_refused(frame):
    with pytest.raises(ValueError, match="has 8 bytes, got a frame of type"):
        StateValue(1, bytearray(8)).apply(*frame)


@pytest.mark.parametrize("head", [b"", b"\x01", b"\x02" + bytes(20)])
def test_dumps_that_are_no_states_are_refused(head):
    with pytest.raises(ValueError, match="states of networks of format"):
        load(StateValue.kind, head, [])


def test_the_log_of_a_state_stays_short(serve):
    server = serve(appendfsync="always")
    client = server.redis()
    create(client, "CLASSIFIER 6x2 LSTM:100 -> 3")
    pipeline = client.pipeline(transaction=False)
    for i in range(30_000):
        pipeline.execute_command("NR.STEP", "net", "s", *ROW[i % 6].tolist())
    pipeline.execute()
    written = 30_000 * 817
    assert written > 20_000_000
    deadline = time.monotonic() + 20
    while client.info("persistence")["store_log_bytes"] > 12_000_000:
        assert time.monotonic() < deadline, client.info("persistence")
        step(client, ROW[0])
        time.sleep(0.02)


def test_redis_cli(server):
    cli = shutil.which("redis-cli")
    if cli is None:
        pytest.skip("redis-cli is not installed")
    create(server.redis(), "CLASSIFIER 6x2 LSTM:5 -> 3")

    def run(line):
        command = [cli, "-p", str(server.port), *line.split()]
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout

    assert run("NR.INFO net").splitlines()[8:12] == ["layout", "6x2", "LSTM:5", "3"]
    assert len(run("NR.STEP net s EX 60 0.5 0.25").splitlines()) == 3
    assert run("NR.STEP net s CLASS 1 1").strip() in "012"
    assert run("TYPE s") == "NR_STATE\n" and int(run("TTL s")) > 50
    assert run("NR.STEP net s 1").strip() == INPUTS
    assert info(server.redis())["layout"][-1] == 3
