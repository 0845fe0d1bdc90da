"""NR.*: replies in RESP2 and RESP3, of the original's commands and of ours."""

import math
import time

import numpy as np
import pytest
from nr_helpers import create, fields, info, said, sums, wait
from resp_helpers import pack

ORDER = [
    "id", "type", "auto-normalization", "training", "layout", "training-dataset-maxlen",
    "training-dataset-len", "test-dataset-maxlen", "test-dataset-len", "training-total-steps",
    "training-total-cycles", "training-total-seconds", "dataset-error", "test-error",
    "classification-errors-perc", "overfitting-detected"]


def f32(*rows):
    return np.array(rows, "<f4").tobytes()


@pytest.mark.parametrize("words, parameters", [
    ("REGRESSOR 2 3 -> 1", 13), ("classifier 9 15 -> 2 normalize dataset 1000 test 500", 182),
    ("REGRESSOR 2 -> 1", 3), ("CLASSIFIER 4 15 5 -> 3 TEST 5 TEST 7", 173),
])
def test_create_answers_the_number_of_parameters(client, words, parameters):
    assert create(client, words) == parameters
    assert client.type("net") == b"neural-NN"


def test_options_may_repeat_and_the_last_one_wins(client):
    create(client, "REGRESSOR 1 1 -> 1 TEST 5 DATASET 1 TEST 7")
    assert (info(client)["training-dataset-maxlen"], info(client)["test-dataset-maxlen"]) == (1, 7)


def test_info_has_the_fields_of_the_original_in_order(server):
    raw = server.connect()
    raw.ask(b"NR.CREATE c CLASSIFIER 2 3 -> 2 NORMALIZE DATASET 5 TEST 4\r\n")
    raw.ask(b"NR.CREATE r REGRESSOR 2 -> 1\r\n")
    reply = raw.ask(b"NR.INFO c\r\n")[0]
    assert [name.decode() for name in reply[::2]] == ORDER
    assert reply[3:18:2] == [b"classifier", 1, 0, [2, 3, 2], 5, 0, 4, 0]
    assert reply[19:32:2] == [0, 0, b"0.00", b"0", b"0", b"0.00", b"no"]
    raw.send(b"NR.INFO c\r\n")
    text = raw.sock.recv(4096)
    assert text.startswith(b"*32\r\n+id\r\n:") and b"+dataset-error\r\n$1\r\n0\r\n" in text
    reply = raw.ask(b"NR.INFO r\r\n")[0]
    assert [name.decode() for name in reply[::2]] == [n for n in ORDER if "perc" not in n]


def test_info_stays_a_flat_array_in_resp3(resp3):
    create(resp3, "REGRESSOR 1 -> 1")
    reply = resp3.execute_command("NR.INFO", "net")
    assert isinstance(reply, list) and len(reply) == 30
    assert fields(reply)["dataset-error"] == 0.0


def test_doubles_have_seventeen_digits(server):
    raw, resp3 = server.connect(), server.redis(protocol=3)
    create(resp3, "REGRESSOR 2 3 -> 2")
    values = resp3.execute_command("NR.RUN", "net", 1, -2)
    texts = raw.ask(b"NR.RUN net 1 -2\r\n")[0]
    assert [b"%.17g" % value for value in values] == texts
    assert [float(np.float32(value)) for value in values] == values


@pytest.mark.parametrize("text", ["0x10", "16", "1.6e1", "+16", "16.", "0.16E2", "160e-1"])
def test_numbers_are_read_as_redis_reads_doubles(client, text):
    create(client, "REGRESSOR 1 -> 1 DATASET 3")
    client.execute_command("NR.OBSERVE", "net", text, "->", text)
    assert [list(map(float, row)) for row in client.execute_command("NR.GETDATA", "net", "train", 0)
            ] == [[16.0], [16.0]]


def test_run_and_class_agree(client):
    create(client, "CLASSIFIER 3 5 -> 4")
    y = [float(value) for value in client.execute_command("NR.RUN", "net", 1, 2, 3)]
    assert math.isclose(sum(y), 1.0, abs_tol=1e-6) and len(y) == 4
    assert client.execute_command("NR.CLASS", "net", 1, 2, 3) == y.index(max(y))


def test_class_takes_the_first_of_equal_outputs(client):
    create(client, "CLASSIFIER 1 -> 3")
    client.execute_command("NR.CONFIGURE", "net", "HIDDEN", "linear")
    assert client.execute_command("NR.CLASS", "net", "ROWS", 1, 0) == [0]
    assert client.execute_command("NR.CLASS", "net", 0) == 0  # all outputs are 1/3


def test_many_rows_run_like_one(client):
    create(client, "REGRESSOR 3 4 -> 2")
    rows = [[1, 2, 3], [-1, 0.5, 0], [7, 8, 9]]
    one = [[float(v) for v in client.execute_command("NR.RUN", "net", *row)] for row in rows]
    many = client.execute_command("NR.RUN", "net", "rows", 3, *sum(rows, []))
    assert np.allclose([[float(v) for v in row] for row in many], one, rtol=1e-6)
    blob = client.execute_command("NR.RUN", "net", "BLOB", f32(*rows))
    assert np.allclose(np.frombuffer(blob, "<f4").reshape(3, 2), one, rtol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 32, 33, 500])
def test_blobs_of_any_number_of_rows(client, count):
    create(client, "CLASSIFIER 5 7 -> 3")
    x = np.random.default_rng(count).normal(size=(count, 5)).astype("<f4")
    blob = client.execute_command("NR.RUN", "net", "BLOB", x.tobytes())
    y = np.frombuffer(blob, "<f4").reshape(count, 3)
    last = [float(v) for v in client.execute_command("NR.RUN", "net", *x[-1].tolist())]
    assert np.allclose(y[-1], last, rtol=1e-5)
    classes = client.execute_command("NR.CLASS", "net", "BLOB", x.tobytes())
    assert classes == y.argmax(axis=1).tolist()


def test_rows_without_a_target_go_to_the_emptier_set(client):
    create(client, "CLASSIFIER 1 -> 2 DATASET 4 TEST 2")
    lengths = [client.execute_command("NR.OBSERVE", "net", i, "->", 1) for i in range(6)]
    assert lengths == [[1, 0], [1, 1], [2, 1], [3, 1], [3, 2], [4, 2]]


def test_a_target_is_followed_unless_its_set_has_no_room_at_all(client):
    create(client, "REGRESSOR 1 -> 1 DATASET 4 TEST 2", "both")
    create(client, "REGRESSOR 1 -> 1 TEST 2", "test")
    create(client, "REGRESSOR 1 -> 1", "none")
    assert client.execute_command("NR.OBSERVE", "both", 1, "->", 1, "TesT") == [0, 1]
    assert client.execute_command("NR.OBSERVE", "both", 1, "->", 1, "train") == [1, 1]
    assert client.execute_command("NR.OBSERVE", "test", 1, "->", 1, "TRAIN") == [0, 1]
    assert client.execute_command("NR.OBSERVE", "none", 1, "->", 1, "TRAIN") == [0, 0]


def test_full_sets_are_refreshed_both(client):
    create(client, "REGRESSOR 1 -> 1 DATASET 3 TEST 3")
    for i in range(200):
        lengths = client.execute_command("NR.OBSERVE", "net", i, "->", i)
    rows = {which: {float(client.execute_command("NR.GETDATA", "net", which, row)[0][0])
                    for row in range(3)} for which in ("TRAIN", "TEST")}
    assert lengths == [3, 3]
    assert max(rows["TRAIN"]) > 5 and max(rows["TEST"]) > 5
    client.execute_command("NR.OBSERVE", "net", 1000, "->", 0, "TEST")
    assert 1000 in {float(client.execute_command("NR.GETDATA", "net", "TEST", row)[0][0])
                    for row in range(3)}


def test_many_rows_are_observed_like_one(client):
    create(client, "CLASSIFIER 2 -> 3 DATASET 9 TEST 9")
    assert client.execute_command("NR.OBSERVE", "net", "ROWS", 2, 1, 2, 0, 3, 4, 2) == [1, 1]
    assert client.execute_command("NR.OBSERVE", "net", "BLOB", f32([5, 6], [7, 8]), f32(1, 2),
                                  "TEST") == [1, 3]
    rows = [client.execute_command("NR.GETDATA", "net", *place)
            for place in (("TRAIN", 0), ("TEST", 0), ("TEST", 2))]
    assert [[list(map(float, part)) for part in row] for row in rows] == [
        [[1, 2], [1, 0, 0]], [[3, 4], [0, 0, 1]], [[7, 8], [0, 0, 1]]]


def test_a_row_that_is_not_there_is_null(client):
    create(client, "REGRESSOR 1 -> 1 DATASET 10")
    assert client.execute_command("NR.GETDATA", "net", "TRAIN", 0) is None
    client.execute_command("NR.OBSERVE", "net", 1, "->", 2)
    assert client.execute_command("NR.GETDATA", "net", "TRAIN", 5) is None
    assert client.execute_command("NR.GETDATA", "net", "TEST", 2**40) is None


def test_null_of_resp2_and_resp3(server):
    raw = server.connect()
    raw.ask(b"NR.CREATE net REGRESSOR 1 -> 1\r\n")
    for hello, null in ((2, b"$-1\r\n"), (3, b"_\r\n")):
        raw.ask(b"HELLO %d\r\n" % hello)
        raw.send(b"NR.GETDATA net TRAIN 0\r\n")
        assert raw.sock.recv(100) == null


def test_configure_shows_what_configure_takes(client):
    create(client, "CLASSIFIER 2 3 -> 2")
    client.execute_command("NR.CONFIGURE", "net", "HIDDEN", "ReLU", "OPTIMIZER", "adam",
                           "learning_rate", "0.5", "beta_1", "0.25", "BATCH", 16, "SEED", 3)
    found = fields(client.execute_command("NR.CONFIGURE", "net"))
    assert found["hidden"] == b"relu" and found["batch"] == 16 and found["seed"] == 3
    name, *constants = found["optimizer"]
    assert name == b"adam"
    assert {key.decode(): float(value) for key, value in zip(constants[::2], constants[1::2],
                                                             strict=True)
            } == {"learning_rate": 0.5, "beta_1": 0.25}


def test_a_seed_makes_equal_networks(client):
    for key in ("a", "b"):
        create(client, "REGRESSOR 3 5 -> 2", key)
        client.execute_command("NR.CONFIGURE", key, "SEED", 7)
    runs = [client.execute_command("NR.RUN", key, 1, 2, 3) for key in ("a", "b")]
    assert runs[0] == runs[1]
    client.execute_command("NR.CONFIGURE", "b", "SEED", 8)
    assert client.execute_command("NR.RUN", "b", 1, 2, 3) != runs[0]


def test_new_options_of_the_training_keep_the_weights(client):
    create(client, "REGRESSOR 3 5 -> 2")
    before, id = client.execute_command("NR.RUN", "net", 1, 2, 3), info(client)["id"]
    client.execute_command("NR.CONFIGURE", "net", "OPTIMIZER", "sgd", "LOSS", "mae")
    assert client.execute_command("NR.RUN", "net", 1, 2, 3) == before
    assert info(client)["id"] == id
    client.execute_command("NR.CONFIGURE", "net", "HIDDEN", "relu")
    assert client.execute_command("NR.RUN", "net", 1, 2, 3) != before
    assert info(client)["id"] > id


def test_threads_lists_nothing_and_then_a_line_for_each_training(client):
    assert client.execute_command("NR.THREADS") == []
    sums(client, "a\r\nb")
    client.execute_command("NR.TRAIN", "a\r\nb", "MAXTIME", 0, "MAXCYCLES", 2000000000)
    line = client.execute_command("NR.THREADS")[0]
    id = info(client, "a\r\nb")["id"]
    assert line.startswith(b"nn_id=%d cycle=" % id) and b" key=a\r\nb db=0 maxtime=0 " in line
    assert b" maxcycles=2000000000 trainerr=" in line and b" classerr=0.000000" in line
    client.execute_command("NR.STOP", "a\r\nb")


def test_progress_shows_a_curve(client):
    assert sums(client) is None
    assert fields(client.execute_command("NR.PROGRESS", "net"))["state"] == b"idle"
    client.execute_command("NR.TRAIN", "net", "MAXCYCLES", 300)
    wait(client)
    found = fields(client.execute_command("NR.PROGRESS", "net"))
    assert found["state"] == b"idle" and found["reason"] == b"epochs" and found["cycle"] == 300
    assert found["steps"] == 300 * info(client)["training-dataset-len"]
    assert len(found["curve"]) == len(found["points"]) >= 1
    assert float(found["error"]) == float(info(client)["dataset-error"])


def test_a_copy_is_a_network_of_its_own(client):
    sums(client)
    client.execute_command("COPY", "net", "twin")
    run = [client.execute_command("NR.RUN", key, 1, 2) for key in ("net", "twin")]
    assert run[0] == run[1] and info(client, "twin")["id"] != info(client)["id"]
    client.execute_command("NR.RESET", "twin")
    assert client.execute_command("NR.RUN", "net", 1, 2) == run[0]
    assert info(client, "twin")["training-dataset-len"] == info(client)["training-dataset-len"]
    assert client.memory_usage("twin") > 1000


def test_memory_usage_is_real(client):
    create(client, "REGRESSOR 100 100 -> 1")
    assert client.memory_usage("net") > 4 * 100 * 100


def test_networks_work_in_transactions(client):
    pipeline = client.pipeline(transaction=True)
    pipeline.execute_command("NR.CREATE", "net", "REGRESSOR", 1, "->", 1, "DATASET", 5)
    pipeline.execute_command("NR.OBSERVE", "net", 1, "->", 2)
    pipeline.execute_command("NR.RUN", "net", 1)
    created, lengths, outputs = pipeline.execute()
    assert created == 2 and lengths == [1, 0] and len(outputs) == 1


def test_a_watched_network_that_observes_has_changed(server):
    one, other = server.redis(), server.redis()
    create(one, "REGRESSOR 1 -> 1 DATASET 5")
    one.execute_command("NR.OBSERVE", "net", 1, "->", 2)
    pipeline = one.pipeline(transaction=True)
    pipeline.watch("net")
    other.execute_command("NR.OBSERVE", "net", 2, "->", 3)
    pipeline.multi()
    pipeline.execute_command("NR.RUN", "net", 1)
    with pytest.raises(Exception, match="Watched variable changed"):
        pipeline.execute()


def test_keys_that_move_expire_and_change_their_type_are_followed(server):
    client, raw = server.redis(), server.connect()
    create(client, "REGRESSOR 1 -> 1", "a")
    first = said(raw, "NR.RUN a 1")
    client.rename("a", "b")
    assert said(raw, "NR.RUN b 1") == first and said(raw, "NR.RUN a 1").startswith("WRONGTYPE")
    client.swapdb(0, 1)
    assert said(raw, "NR.RUN b 1").startswith("WRONGTYPE")
    raw.ask(b"SELECT 1\r\n")
    assert said(raw, "NR.RUN b 1") == first
    client.swapdb(0, 1)
    raw.ask(b"SELECT 0\r\n")
    assert said(raw, "NR.RUN b 1") == first
    client.pexpire("b", 30)
    assert said(raw, "NR.RUN b 1") == first
    said(raw, "NR.RUN b 1")
    time.sleep(0.05)
    assert said(raw, "NR.RUN b 1").startswith("WRONGTYPE")
    create(client, "REGRESSOR 1 -> 1", "b")
    assert said(raw, "NR.RUN b 1") != first
    client.set("b", "text")
    assert said(raw, "NR.RUN b 1").startswith("WRONGTYPE")


def test_the_counters_of_the_keyspace_count_networks(client):
    create(client, "REGRESSOR 1 -> 1 DATASET 5")
    before = client.info("stats")["keyspace_hits"]
    for _ in range(10):
        client.execute_command("NR.RUN", "net", 1)
    assert client.info("stats")["keyspace_hits"] - before >= 10


@pytest.mark.parametrize("command", ["NR.RUN", "NR.CLASS"])
@pytest.mark.parametrize("cut", [0, 7, 1000])
def test_pipelined_runs_are_answered_each_in_its_place(server, command, cut):
    client, raw = server.redis(), server.connect()
    create(client, "CLASSIFIER 3 5 -> 4 DATASET 10")
    create(client, "CLASSIFIER 3 5 -> 4", "nex")
    rows = np.random.default_rng(1).integers(-20, 20, (100, 3)).tolist()
    lines = [(command, "net", *row) for row in rows]
    lines[10] = (command, "net", 1, 2)
    lines[20] = (command, "net", 1, 2, "x")
    lines[21] = ("PING",)
    lines[30] = (command, "nex", 1, 2, 3)
    lines[40] = ("NR.OBSERVE", "net", 1, 2, 3, "->", 1)
    lines[99] = (command, "net", "x", 2, 3)
    one_by_one = [said(raw, " ".join(map(str, line))) for line in lines]
    data = b"".join(b"*%d\r\n" % len(line) + b"".join(
        b"$%d\r\n%s\r\n" % (len(str(w)), str(w).encode()) for w in line) for line in lines)
    raw.send(data[:cut])
    time.sleep(0.02)
    together = raw.ask(data[cut:], len(lines))
    for one, other in zip(one_by_one, together, strict=True):
        if isinstance(one, list) and command == "NR.RUN" and isinstance(one[0], bytes):
            assert np.allclose([float(v) for v in one], [float(v) for v in other], rtol=1e-5)
        elif one != [1, 0]:
            assert str(one) == str(other)
    calls = client.info("commandstats")[f"cmdstat_{command.lower()}"]["calls"]
    assert calls >= 2 * 97


def test_pipelined_rows_too_long_for_one_read(server):
    """Rows that arrive in pieces are not taken for repetitions of one another."""
    link = server.connect()
    inputs = 17_000
    link.ask(pack(b"NR.CREATE", b"wide", b"REGRESSOR", b"%d" % inputs, b"2", b"->", b"1",
                  b"DATASET", b"4"))
    rows = [np.full(inputs, n / 10, "<f4").tobytes() for n in range(8)]
    commands = [pack(b"NR.RUN", b"wide", b"BLOB", row) for row in rows]
    alone = [link.ask(command)[0] for command in commands]
    assert len(set(alone)) == 8
    assert link.ask(b"".join(commands), 8) == alone
    long_key = pack(b"NR.RUN", b"wide" * 20_000, b"BLOB", rows[0])
    replies = link.ask(long_key + b"".join(commands), 9)
    assert str(replies[0]).startswith("WRONGTYPE")
    assert replies[1:] == alone
