"""NR.* with recurrent and embedding layers: replies, errors, limits, a trained toy."""

import signal
import time

import numpy as np
import pytest
from nr_helpers import create, info, said, until, wait

NET = "CLASSIFIER 6x2 LSTM:5 -> 3 DATASET 10 TEST 5"
WORDS = "CLASSIFIER 5 EMBED:20:4 RNN:6 -> 3 DATASET 10"
UNITS = "ERR invalid units count"
INPUTS = "ERR number of arguments does not match the number of inputs in the neural network"
BOTH = ("ERR number of arguments does not match the number of inputs and outputs in the neural "
        "network")


def floats(reply):
    return [float(value) for value in reply]


@pytest.mark.parametrize("words, parameters, layout", [
    ("CLASSIFIER 30x4 LSTM:50 -> 3", 11153, [b"30x4", b"LSTM:50", 3]),
    ("CLASSIFIER 150 EMBED:10000:32 RNN:32 -> 5", 322245,
     [150, b"EMBED:10000:32", b"RNN:32", 5]),
    ("REGRESSOR 50x1 LSTM:50 LSTM:100 -> 1", 70901, [b"50x1", b"LSTM:50", b"LSTM:100", 1]),
    ("regressor 9X2 gru:4:before dense:5:Relu 6 -> 1 normalize", 152,
     [b"9x2", b"GRU:4:BEFORE", b"DENSE:5:RELU", 6, 1]),
    ("REGRESSOR 2 dense:5 DENSE:3:TANH -> 1", 37, [2, 5, b"DENSE:3:TANH", 1]),
    ("CLASSIFIER 7 Embed:9:2:Mask lstm:3:peephole -> 2", 107,
     [7, b"EMBED:9:2:MASK", b"LSTM:3:PEEPHOLE", 2]),
])
def test_networks_of_words(client, words, parameters, layout):
    assert create(client, words) == parameters
    assert info(client)["layout"] == layout
    assert client.type("net") == b"neural-NN"


def test_the_reply_to_info_on_the_wire(server):
    raw = server.connect()
    assert said(raw, "NR.CREATE net " + NET) == 178
    raw.send(b"NR.INFO net\r\n")
    text = raw.sock.recv(4096)
    assert b"+layout\r\n*3\r\n+6x2\r\n+LSTM:5\r\n:3\r\n+training-dataset-maxlen\r\n:10\r\n" in text
    assert text.startswith(b"*32\r\n+id\r\n:")


ANSWERS = {
    "NR.CREATE k CLASSIFIER 30x4 LSTN:50 -> 3": "ERR unknown layer 'LSTN'; did you mean LSTM?",
    "NR.CREATE k CLASSIFIER 30x4 LSTM:0 -> 3":
        "ERR layer 'LSTM:0' should be LSTM:units[:PEEPHOLE]",
    "NR.CREATE k CLASSIFIER 30x4 LSTM:4:4 -> 3":
        "ERR layer 'LSTM:4:4' should be LSTM:units[:PEEPHOLE]",
    "NR.CREATE k CLASSIFIER 30x4 EMBED:9 -> 3":
        "ERR layer 'EMBED:9' should be EMBED:words:units[:MASK]",
    "NR.CREATE k CLASSIFIER 30x4 -> 3": "ERR sequences need a recurrent layer: RNN, LSTM or GRU",
    "NR.CREATE k CLASSIFIER 30 EMBED:9:2 -> 3":
        "ERR sequences need a recurrent layer: RNN, LSTM or GRU",
    "NR.CREATE k CLASSIFIER 30 LSTM:5 -> 3": "ERR recurrent layers need sequences: TxI inputs, or "
        "30 EMBED:words:units; got 30 inputs",
    "NR.CREATE k CLASSIFIER 30x4 EMBED:9:2 RNN:5 -> 3":
        "ERR EMBED is the first layer, behind the number of words in a row",
    "NR.CREATE k CLASSIFIER 30 EMBED:9:2 RNN:5 -> 3 NORMALIZE":
        "ERR the numbers of words cannot be scaled: leave out NORMALIZE",
    "NR.CREATE k CLASSIFIER 30 EMBED:16777217:1 RNN:5 -> 3":
        "ERR EMBED has at most 16777216 words, got 16777217",
    "NR.CREATE k CLASSIFIER 9x2 " + "LSTM:2 " * 7 + "-> 1": "ERR step by step go networks of 1 to "
        "12 states (an LSTM layer has 2), this one has 14",
    "NR.CREATE k CLASSIFIER 3x LSTM:5 -> 3": UNITS,
    "NR.CREATE k CLASSIFIER 0x10 LSTM:5 -> 3": UNITS,
    "NR.CREATE k CLASSIFIER 30x4 LSTM -> 3": UNITS,
    "NR.CREATE k CLASSIFIER 2 3x4 -> 3": UNITS,
    "NR.CREATE k CLASSIFIER 30x4 LSTM:5 -> 3x4": UNITS,
    "NR.CREATE k CLASSIFIER 30x4 LSTM:5 -> LSTM:3": UNITS,
    "NR.CREATE k CLASSIFIER LSTM:5 LSTM:5 -> 3": UNITS,
    "NR.CREATE k CLASSIFIER 30x4 LSTM:5 -> 3 FOO": "ERR Syntax error in NR.CREATE",
    "NR.CREATE net CLASSIFIER 30x4 LSTM:5 -> 3": "ERR the key name is busy",
    "NR.RUN net 1 2": INPUTS,
    "NR.RUN net ROWS 1 1 2": INPUTS,
    "NR.OBSERVE net 1 2 3 4 5 6 7 8 9 10 11 12 13 -> 1": BOTH,
    "NR.CONFIGURE net ALGORITHM original": "ERR the original algorithm knows dense layers only",
    "NR.CONFIGURE who NORMALIZE yes":
        "ERR the numbers of words cannot be scaled: leave out NORMALIZE",
}


@pytest.fixture
def raw(server):
    client = server.redis()
    create(client, NET)
    create(client, WORDS, "who")
    return server.connect()


@pytest.mark.parametrize("line", ANSWERS)
def test_each_error_has_its_text_and_no_effect(raw, server, line):
    client = server.redis()
    before = [info(client, key) for key in ("net", "who")]
    assert said(raw, line) == ANSWERS[line]
    assert [info(client, key) for key in ("net", "who")] == before and client.dbsize() == 2


@pytest.mark.parametrize("word, got", [
    ("20", "20"), ("-1", "-1"), ("1.5", "1.5"), ("1e9", "1e+09"), ("16777217", "16777216")])
def test_a_number_that_is_no_word_is_refused_and_nothing_stored(raw, server, word, got):
    text = f"ERR neural network inputs must be the numbers of words, from 0 to 19, got {got}"
    for line in ("NR.RUN who 0 1 2 3 {}", "NR.CLASS who {} 1 2 3 4", "NR.RUN who ROWS 1 1 1 1 1 {}",
                 "NR.OBSERVE who 0 {} 2 3 4 -> 1", "NR.OBSERVE who ROWS 1 0 1 2 3 {} 1"):
        assert said(raw, line.format(word)) == text
    row = np.array([[0, 1, 2, 3, float(word)]] * 3, "<f4")
    client = server.redis()
    for words in (("NR.RUN", "who", "BLOB", row[0].tobytes()),
                  ("NR.RUN", "who", "BLOB", row.tobytes()),
                  ("NR.CLASS", "who", "BLOB", row.tobytes()),
                  ("NR.OBSERVE", "who", "BLOB", row.tobytes(), bytes(12))):
        with pytest.raises(Exception, match="must be the numbers of words"):
            client.execute_command(*words)
    assert info(client, "who")["training-dataset-len"] == 0
    assert len(said(raw, "NR.RUN who 0 1 2 3 19")) == 3


def test_all_forms_of_rows_agree(client):
    create(client, NET)
    x = np.random.default_rng(1).normal(size=(7, 12)).astype("<f4")
    one = [floats(client.execute_command("NR.RUN", "net", *row.tolist())) for row in x]
    assert len({tuple(row) for row in one}) == 7
    rows = client.execute_command("NR.RUN", "net", "ROWS", 7, *x.ravel().tolist())
    assert np.allclose([floats(row) for row in rows], one, rtol=1e-5)
    blob = client.execute_command("NR.RUN", "net", "BLOB", x.tobytes())
    assert np.allclose(np.frombuffer(blob, "<f4").reshape(7, 3), one, rtol=1e-5)
    pipeline = client.pipeline(transaction=False)
    for row in x:
        pipeline.execute_command("NR.RUN", "net", *row.tolist())
    assert np.allclose([floats(row) for row in pipeline.execute()], one, rtol=1e-5)
    classes = np.argmax(one, axis=1).tolist()
    assert client.execute_command("NR.CLASS", "net", "BLOB", x.tobytes()) == classes
    assert client.execute_command("NR.CLASS", "net", *x[0].tolist()) == classes[0]


def test_rows_are_kept_as_they_were_observed(client):
    create(client, NET)
    row = list(range(12))
    assert client.execute_command("NR.OBSERVE", "net", *row, "->", 2) == [1, 0]
    assert client.execute_command("NR.OBSERVE", "net", "ROWS", 2, *row, 0, *row, 1) == [2, 1]
    blob = np.array(row, "<f4").tobytes(), np.array([1], "<f4").tobytes()
    assert client.execute_command("NR.OBSERVE", "net", "BLOB", *blob, "TRAIN") == [3, 1]
    inputs, outputs = client.execute_command("NR.GETDATA", "net", "TRAIN", 0)
    assert (floats(inputs), floats(outputs)) == (row, [0, 0, 1])


def test_recurrent_networks_begin_with_adam_and_can_be_configured(client):
    create(client, NET)
    create(client, "CLASSIFIER 2 DENSE:3:RELU -> 2", "dense")
    shown = client.execute_command("NR.CONFIGURE", "net")
    shown = shown if isinstance(shown, dict) else dict(zip(shown[::2], shown[1::2], strict=True))
    name, *constants = shown[b"optimizer"]
    assert (name, constants[0], float(constants[1])) == (b"adam", b"learning_rate", 0.005)
    assert shown[b"batch"] == 32 and shown[b"algorithm"] == b"default"
    assert b"rprop" in client.execute_command("NR.CONFIGURE", "dense").__repr__().encode()
    assert client.execute_command("NR.CONFIGURE", "net", "OPTIMIZER", "rprop", "BATCH", 0) == b"OK"
    for i in range(6):
        client.execute_command("NR.OBSERVE", "net", *[i] * 12, "->", i % 3)
    client.execute_command("NR.TRAIN", "net", "MAXCYCLES", 20)
    assert wait(client)["training-total-cycles"] == 20


def test_a_training_can_be_watched_stopped_and_forgotten(client):
    create(client, NET)
    for i in range(9):
        client.execute_command("NR.OBSERVE", "net", *[i] * 12, "->", i % 3)
    row, fresh = [1] * 12, info(client)["id"]
    client.execute_command("NR.TRAIN", "net", "MAXTIME", 0)
    until(lambda: b"cycle" in str(client.execute_command("NR.PROGRESS", "net")).encode())
    before = client.execute_command("NR.RUN", "net", *row)
    assert client.execute_command("NR.STOP", "net") == b"OK"
    wait(client)
    assert client.execute_command("NR.RUN", "net", *row) != before
    assert client.execute_command("NR.RESET", "net") == b"OK"
    found = info(client)
    assert found["id"] > fresh and found["training-total-steps"] == 0
    assert found["training-dataset-len"] + found["test-dataset-len"] == 9


@pytest.mark.parametrize("words", [
    "CLASSIFIER 30x4 LSTM:1000000000 -> 3", "CLASSIFIER 30x4 GRU:9000 -> 3",
    "CLASSIFIER 10 EMBED:16777216:8 RNN:4 -> 3", "CLASSIFIER 1000000000x1 RNN:1 -> 3",
    "CLASSIFIER 1000000000 EMBED:2:1 RNN:1 -> 3", "CLASSIFIER 100000x4 LSTM:500 -> 3",
    "REGRESSOR 9999999999999999999x9999999999999999999 RNN:1 -> 1",
    "REGRESSOR 9x1 " + "RNN:1 " * 1100 + "-> 1"])
def test_what_is_too_large_is_refused_at_once(server, words):
    client, raw = server.redis(), server.connect()
    used = client.info("memory")["used_memory"]
    start = time.monotonic()
    reply = said(raw, f"NR.CREATE big {words}")
    assert time.monotonic() - start < 1.0
    assert reply.startswith("ERR a neural network has at most ")
    assert client.info("memory")["used_memory"] == used and not client.exists("big")


@pytest.mark.parametrize("layers", ["6x3 LSTM:12", "6x3 GRU:12", "6x3 RNN:12 RNN:6",
                                    "6 EMBED:3:4 LSTM:8"])
def test_the_first_symbol_of_a_sequence_is_learned(server, layers):
    """Every sequence of 6 out of 3 symbols: its class is the first one."""
    client = server.redis()
    words = layers.startswith("6 ")
    create(client, f"CLASSIFIER {layers} -> 3 DATASET 400 TEST 100")
    client.execute_command("NR.CONFIGURE", "net", "SEED", 5)
    symbols = np.random.default_rng(5).integers(0, 3, (900, 6))
    x = (symbols if words else np.eye(3)[symbols].reshape(900, 18)).astype("<f4")
    y = symbols[:, 0].astype("<f4")
    client.execute_command("NR.OBSERVE", "net", "BLOB", x[:500].tobytes(), y[:500].tobytes())
    client.execute_command("NR.TRAIN", "net", "AUTOSTOP", "MAXTIME", 20_000)
    assert wait(client)["classification-errors-perc"] in (b"0.00", "0.00", 0.0)
    found = client.execute_command("NR.CLASS", "net", "BLOB", x[500:].tobytes())
    assert found == y[500:].astype(int).tolist()


@pytest.mark.parametrize("words, columns", [(NET, 12), (WORDS, 5)])
def test_rows_weights_and_configuration_survive_a_kill(serve, words, columns):
    server = serve(appendfsync="always")
    client = server.redis()
    create(client, words)
    rng = np.random.default_rng(2)
    for i in range(30):  # more than there is room for
        client.execute_command("NR.OBSERVE", "net", *rng.integers(0, 20, columns).tolist(), "->",
                               i % 3)
    client.execute_command("NR.CONFIGURE", "net", "BATCH", 5)
    client.execute_command("NR.TRAIN", "net", "MAXCYCLES", 4)
    wait(client)
    rows = rng.integers(0, 20, (9, columns)).astype("<f4")
    for row in rows[:4]:
        client.execute_command("NR.OBSERVE", "net", "BLOB", row.tobytes(), bytes(4))

    def everything(client):
        found = info(client)
        kept = {name: found[name] for name in found if name != "training-total-seconds"}
        data = [client.execute_command("NR.GETDATA", "net", "TRAIN", i) for i in range(10)]
        return kept, data, [client.execute_command(*words) for words in (
            ("NR.RUN", "net", "BLOB", rows.tobytes()), ("NR.CONFIGURE", "net"))]

    before = everything(client)
    server.end(signal.SIGKILL)
    server.start()
    assert everything(server.redis()) == before


def test_a_regressor_of_scaled_sequences(server):
    """The mean of the second feature, far from zero; one net normalised, in the user's units."""
    client = server.redis()
    create(client, "REGRESSOR 5x2 LSTM:8 -> 1 NORMALIZE DATASET 300 TEST 100")
    client.execute_command("NR.CONFIGURE", "net", "SEED", 1)
    x = np.random.default_rng(2).normal([500, 20], [100, 5], (600, 5, 2)).astype("<f4")
    y = x[:, :, 1].mean(axis=1)
    client.execute_command("NR.OBSERVE", "net", "BLOB", x[:400].tobytes(), y[:400].tobytes())
    client.execute_command("NR.TRAIN", "net", "AUTOSTOP", "MAXTIME", 20_000)
    wait(client)
    blob = client.execute_command("NR.RUN", "net", "BLOB", x[400:].tobytes())
    error = np.abs(np.frombuffer(blob, "<f4") - y[400:]).mean()
    assert error < 0.3 * y.std()
