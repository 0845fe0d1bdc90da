"""NR.*: every error text, word for word, and that nothing happens besides the error."""

import time

import pytest
from nr_helpers import create, endless, info, said

WRONGTYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
TYPE = "ERR invalid neural network type. Must be CLASSIFIER or REGRESSOR"
UNITS = "ERR invalid units count"
SIZE = "ERR invalid dataset size"
CREATE = "ERR Syntax error in NR.CREATE"
BUSY = "ERR the key name is busy"
INPUTS = "ERR number of arguments does not match the number of inputs in the neural network"
BOTH = ("ERR number of arguments does not match the number of inputs and outputs in the neural "
        "network")
ARROW = ("ERR no '->' separtor in the correct position between inputs and outputs: are you sure "
         "your training data is correct?")
NUMBER = ("ERR invalid neural network input: must be a valid float precision floating point "
          "number")
CLASS = "ERR classifier network output must be an integer in the range from 0 to outputs-1."
REGRESSOR = ("ERR you can't call NR.CLASS with a regressor network. Use this command with a "
             "classifier network")
TRAIN = "ERR Syntax error in NR.TRAIN"
CYCLES = "ERR invalid number of cycles"
TIME = "ERR invalid number of milliseconds of time"
AUTOSTOP = ("ERR Can't start training with AUTOSTOP option: overfitting detection requires a non "
            "zero length testing dataset")
WHICH = "ERR please specify as source either TRAIN or TEST"
ROW = "ERR invalid row specified"

# r: a regressor 2-1 with a row; c: a classifier 2-3 with a row; e: a regressor without rows
ANSWERS = {
    "NR.CREATE k REGRESSOR 2 ->": "ERR wrong number of arguments for 'nr.create' command",
    "NR.OBSERVE r": "ERR wrong number of arguments for 'nr.observe' command",
    "nr.run r": "ERR wrong number of arguments for 'nr.run' command",
    "NR.CLASS r": "ERR wrong number of arguments for 'nr.class' command",
    "NR.TRAIN": "ERR wrong number of arguments for 'nr.train' command",
    "NR.RESET": "ERR wrong number of arguments for 'nr.reset' command",
    "NR.RESET r x": "ERR wrong number of arguments for 'nr.reset' command",
    "NR.INFO r x": "ERR wrong number of arguments for 'nr.info' command",
    "NR.THREADS x": "ERR wrong number of arguments for 'nr.threads' command",
    "NR.GETDATA r TRAIN": "ERR wrong number of arguments for 'nr.getdata' command",
    "NR.GETDATA r TRAIN 0 0": "ERR wrong number of arguments for 'nr.getdata' command",
    "NR.CREATE k MODEL 2 3 -> 1": TYPE,
    "NR.CREATE k REGRESSOR 2 x -> 1": UNITS,
    "NR.CREATE k REGRESSOR 2 0 -> 1": UNITS,
    "NR.CREATE k REGRESSOR 2 -3 -> 1": UNITS,
    "NR.CREATE k REGRESSOR 2 3 -> 1.5": UNITS,
    "NR.CREATE k REGRESSOR 2 3 -> 4294967298": UNITS,
    "NR.CREATE k REGRESSOR 2 +3 -> 1": UNITS,
    "NR.CREATE k REGRESSOR 2 03 -> 1": UNITS,
    "NR.CREATE k REGRESSOR -> 2 DATASET 5": CREATE,
    "NR.CREATE k REGRESSOR 2 3 4 5": CREATE,
    "NR.CREATE k REGRESSOR 2 3 4 ->": CREATE,
    "NR.CREATE k REGRESSOR 2 -> -> 1": UNITS,
    "NR.CREATE k REGRESSOR 2 -> 1 2": CREATE,
    "NR.CREATE k REGRESSOR 2 -> 1 DATASET": CREATE,
    "NR.CREATE k REGRESSOR 2 -> 1 FOO": CREATE,
    "NR.CREATE k REGRESSOR 2 -> 1 DATASET x": SIZE,
    "NR.CREATE k REGRESSOR 2 -> 1 TEST -1": SIZE,
    "NR.CREATE k REGRESSOR 2 -> 1 DATASET 4294967301": SIZE,
    "NR.CREATE r REGRESSOR 2 -> 1": BUSY,
    "NR.CREATE text REGRESSOR 2 -> 1": BUSY,
    "NR.CREATE text REGRESSOR 2 -> 1 FOO": CREATE,
    "NR.RUN none 1 2": WRONGTYPE,
    "NR.RUN text 1 2": WRONGTYPE,
    "NR.CLASS none 1 2": WRONGTYPE,
    "NR.OBSERVE text 1 2 -> 3": WRONGTYPE,
    "NR.TRAIN none": WRONGTYPE,
    "NR.RESET none": WRONGTYPE,
    "NR.INFO text": WRONGTYPE,
    "NR.GETDATA none TRAIN 0": WRONGTYPE,
    "NR.STOP none": WRONGTYPE,
    "NR.PROGRESS none": WRONGTYPE,
    "NR.CONFIGURE none": WRONGTYPE,
    "GET r": WRONGTYPE,
    "NR.RUN r 1": INPUTS,
    "NR.RUN r 1 2 3": INPUTS,
    "NR.CLASS c 1": INPUTS,
    "NR.RUN r ROWS": INPUTS,
    "NR.RUN r ROWS 2 1 2 3": INPUTS,
    "NR.RUN r ROWS 0": INPUTS,
    "NR.RUN r ROWS -1 1 2": INPUTS,
    "NR.RUN r ROWS 9223372036854775807 1 2": INPUTS,
    "NR.RUN r ROWS x 1 2": INPUTS,
    "NR.CLASS r 1": REGRESSOR,
    "NR.OBSERVE r 1 2 3": BOTH,
    "NR.OBSERVE r 1 2 -> 3 4": BOTH,
    "NR.OBSERVE r 1 2 -> 3 TRAINING": BOTH,
    "NR.OBSERVE r TRAIN": BOTH,
    "NR.OBSERVE c 1 2 -> 0 0 1": BOTH,
    "NR.OBSERVE r 1 -> 2 3": ARROW,
    "NR.OBSERVE r 1 2 => 3": ARROW,
    "NR.OBSERVE r ROWS 1 1 2": BOTH,
    "NR.OBSERVE r ROWS 1 1 2 -> 3": BOTH,
    "NR.OBSERVE r ROWS": BOTH,
    "NR.OBSERVE c 1 2 -> 3": CLASS,
    "NR.OBSERVE c 1 2 -> -1": CLASS,
    "NR.OBSERVE c 1 2 -> 1.5": CLASS,
    "NR.OBSERVE c ROWS 2 1 2 0 1 2 3": CLASS,
    "NR.TRAIN r FOO": TRAIN,
    "NR.TRAIN r MAXCYCLES": TRAIN,
    "NR.TRAIN r MAXCYCLES x": CYCLES,
    "NR.TRAIN r MAXCYCLES -1": CYCLES,
    "NR.TRAIN r MAXCYCLES 4294967297": CYCLES,
    "NR.TRAIN r MAXTIME 1.5": TIME,
    "NR.TRAIN r MAXTIME -5": TIME,
    "NR.TRAIN r AUTOSTOP": AUTOSTOP,
    "NR.TRAIN e": "ERR Can't start training: the training dataset is empty",
    "NR.STOP r": "ERR no training in progress for this neural network",
    "NR.GETDATA r FOO 0": WHICH,
    "NR.GETDATA r TRAIN x": ROW,
    "NR.GETDATA r TRAIN -1": ROW,
    "NR.CONFIGURE r FOO 1": "ERR Syntax error in NR.CONFIGURE near 'FOO'",
    "NR.CONFIGURE r SEED -1": "ERR invalid seed: must be an integer of at least 0, or RANDOM",
    "NR.CONFIGURE r NORMALIZE maybe": "ERR invalid normalize: must be one of yes, no",
    "NR.CONFIGURE r ALGORITHM original HIDDEN relu":
        "ERR the original algorithm has its own hidden",
    "NR.CONFIGURE r LOSS sparse_crossentropy":
        "ERR loss sparse_crossentropy wants class numbers: it is for classifiers",
    "NR.CONFIGURE c LOSS sparse_crossentropy OUTPUT linear":
        "ERR loss sparse_crossentropy wants an output activation softmax",
    "NR.CONFIGURE r OPTIMIZER sgd beta_1 0.5": "ERR optimizer sgd has no constant 'beta_1'; "
        "it has learning_rate, momentum, nesterov, weight_decay",
}

NO_NUMBERS = ["nan", "-nan", "inf", "-inf", "infinity", "1e999", "1e39", "1_0", "1,5", "0x", "x",
              "''", "' 1'", "'1 '", "--1", "1e", r'"\x00"', r'"1\x00"', r'"\xd9\xa3"']


@pytest.fixture
def raw(server):
    """A connection; the networks of ANSWERS are there."""
    client = server.redis()
    create(client, "REGRESSOR 2 -> 1 DATASET 5", "r")
    create(client, "CLASSIFIER 2 -> 3 DATASET 5", "c")
    create(client, "REGRESSOR 2 -> 1 DATASET 5", "e")
    client.execute_command("NR.OBSERVE", "r", 1, 2, "->", 3)
    client.execute_command("NR.OBSERVE", "c", 1, 2, "->", 0)
    client.set("text", "x")
    return server.connect()


@pytest.fixture
def all_infos(server):
    client = server.redis()
    return lambda: [info(client, key) for key in "rce"]


@pytest.mark.parametrize("line", ANSWERS)
def test_each_error_has_its_text_and_no_effect(raw, all_infos, line):
    before = all_infos()
    assert said(raw, line) == ANSWERS[line]
    assert all_infos() == before and said(raw, "DBSIZE") == 4


@pytest.mark.parametrize("word", NO_NUMBERS)
@pytest.mark.parametrize("line", [
    "NR.RUN r 1 {}", "NR.CLASS c {} 1", "NR.OBSERVE r {} 2 -> 3", "NR.OBSERVE r 1 2 -> {}",
    "NR.OBSERVE c 1 2 -> {}", "NR.RUN r ROWS 1 {} 1", "NR.OBSERVE r ROWS 1 1 2 {}"])
def test_what_is_no_number_is_refused(raw, all_infos, line, word):
    before = all_infos()
    assert said(raw, line.format(word)) == NUMBER
    assert all_infos() == before


def test_whole_numbers_may_be_written_as_doubles(raw):
    assert said(raw, "NR.OBSERVE c 1 2 -> 2.0") == [2, 0]
    assert said(raw, "NR.OBSERVE c 1 2 -> 0x1") == [3, 0]


@pytest.mark.parametrize("words, answer", [
    (("NR.RUN", "r", "BLOB", b""), "a blob of inputs holds rows of 2 float32 numbers"),
    (("NR.RUN", "r", "BLOB", b"1234567"), "wanted a multiple of 8 bytes, got 7"),
    (("NR.RUN", "r", "BLOB"), "wrong number of blobs: wanted 1, got 0"),
    (("NR.RUN", "r", "BLOB", b"12345678", "x"), "wrong number of blobs: wanted 1, got 2"),
    (("NR.RUN", "r", "BLOB", b"\0\0\xc0\x7f\0\0\0\0"), NUMBER[4:]),
    (("NR.RUN", "r", "BLOB", b"\0\0\x80\x7f\0\0\0\0" * 100), NUMBER[4:]),
    (("NR.CLASS", "c", "BLOB", b"\0\0\x80\xff\0\0\0\0"), NUMBER[4:]),
    (("NR.OBSERVE", "r", "BLOB", bytes(16), bytes(4)), "blobs of 2 rows of inputs and 1 of"),
    (("NR.OBSERVE", "r", "BLOB", bytes(8)), "wrong number of blobs: wanted 2, got 1"),
    (("NR.OBSERVE", "r", "BLOB", bytes(8), b"\0\0\xc0\x7f"), NUMBER[4:]),
    (("NR.OBSERVE", "c", "BLOB", bytes(8), b"\0\0\x80?\0"), "a blob of outputs"),
    (("NR.OBSERVE", "c", "BLOB", bytes(8), b"\0\0\xc0?"), CLASS[4:]),
])
def test_blobs_that_do_not_fit(raw, server, all_infos, words, answer):
    before = all_infos()
    with pytest.raises(Exception) as found:
        server.redis().execute_command(*words)
    assert answer in str(found.value)
    assert all_infos() == before


@pytest.mark.parametrize("words", [
    "REGRESSOR 1000000 1000000 -> 1", "REGRESSOR 2147483647 -> 2147483647",
    "CLASSIFIER 2 2147483647 -> 2", "REGRESSOR " + "1 " * 1100 + "-> 1",
    "REGRESSOR 7000 7000 500 -> 1"])
def test_networks_that_are_too_large_are_refused_at_once(server, words):
    client, raw = server.redis(), server.connect()
    used = client.info("memory")["used_memory"]
    start = time.monotonic()
    reply = said(raw, f"NR.CREATE big {words}")
    assert time.monotonic() - start < 1.0
    assert reply.startswith("ERR a neural network has at most ")
    assert client.info("memory")["used_memory"] == used and not client.exists("big")


def test_a_huge_data_set_takes_no_memory_until_it_is_filled(server):
    client = server.redis()
    create(client, "REGRESSOR 10 -> 1 DATASET 2147483647 TEST 2147483647")
    assert client.memory_usage("net") < 20_000


def test_a_reply_that_would_be_too_long_is_refused(server):
    client = server.redis()
    create(client, "REGRESSOR 1 -> 1000000")
    with pytest.raises(Exception, match="the reply would be longer than 536870912 bytes"):
        client.execute_command("NR.RUN", "net", "BLOB", bytes(4 * 1000))
    assert client.ping()


def test_training_twice(server):
    client, raw = server.redis(), server.connect()
    endless(client)
    text = "ERR neural network training already in progress"
    assert said(raw, "NR.TRAIN net") == text
    assert said(raw, "NR.CONFIGURE net HIDDEN relu") == text
    assert said(raw, "NR.STOP net") == b"OK"
