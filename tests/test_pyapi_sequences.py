"""Sequences and steps of time through ``respnet.Network`` and ``respnet.connect``: the same."""

import json
import subprocess
import sys

import numpy as np
import pytest
import redis

from respnet import Network, connect
from respnet.engine import storage
from respnet.engine.errors import FileError, ShapeError, SpecError

MADE = {"role": "classifier", "train_rows": 300, "test_rows": 100, "seed": 5}
NETS = [((6, 3), "LSTM:12", 3), (6, "EMBED:3:4", "GRU:8:BEFORE", 3), ("6x3", "RNN:9", "LSTM:5", 3)]


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def remote(server, request):
    with connect(f"redis://127.0.0.1:{server.port}", protocol=request.param) as client:
        yield client


def symbols(net, count):
    """Sequences of 6 out of 3 symbols, as ``net`` takes them, with the first one as the class."""
    drawn = np.random.default_rng(5).integers(0, 3, (count, 6))
    return (drawn if net.units[0] == 6 else np.eye(3)[drawn]), drawn[:, 0]


@pytest.mark.parametrize("units", NETS)
def test_a_network_through_the_server_is_the_network_in_process(remote, units):
    here, there = Network(*units, **MADE), remote.create("net", *units, **MADE)
    x, label = symbols(here, 600)
    for net in (here, there):
        assert net.observe(x[:400], label[:400]) == (300, 100)
        net.train(max_cycles=15)
    assert np.array_equal(here.run(x), there.run(x))
    assert np.array_equal(here.classify(x), there.classify(x))
    assert np.allclose(here.run(x[3]), here.run(x)[3], atol=1e-6)
    assert isinstance(here.classify(x[0]), int) and there.classify(x[0]) == here.classify(x[0])
    ours, theirs = here.info(), there.info()
    assert theirs["layout"] == ours["layout"] == list(here.units)
    assert theirs["training-total-steps"] == ours["training-total-steps"] == 15 * 300


@pytest.mark.parametrize("units", NETS)
def test_steps_are_the_same_in_process_and_through_the_server(remote, units):
    here, there = Network(*units, **MADE), remote.create("net", *units, **MADE)
    row = symbols(here, 1)[0][0]
    steps = row.reshape(6, -1)
    for net in (here, there):
        whole = net.run(row)
        assert net.step("many", steps).shape == (6, 3)
        one = [net.step("one", x) for x in steps]
        assert one[-1].shape == (3,) and np.allclose(one[-1], whole, atol=1e-6)
        assert net.classify_step("class", steps[0]) == one[0].argmax()
        assert net.classify_step("classes", steps).tolist() == [y.argmax() for y in one]
        net.forget("one")
        assert np.array_equal(net.step("one", steps[0]), one[0])
        assert not np.array_equal(net.step("many", steps[0]), one[0])
    assert np.array_equal(here.step("x", steps), there.step("x", steps))


def test_a_word_alone_is_a_step():
    net = Network(4, "EMBED:9:3", "RNN:5", 2, role="regressor", seed=1)
    assert np.array_equal(net.step("a", 7), net.step("b", [[7]])[0])


def test_states_of_a_server_expire_if_asked(remote):
    net = remote.create("net", *NETS[0], **MADE)
    net.step("s", [1, 0, 0])
    assert remote.redis.ttl("s") == -1
    net.expire = 100
    net.step("s", [1, 0, 0])
    assert 95 < remote.redis.ttl("s") <= 100


def test_a_training_keeps_the_states_and_a_reset_does_not(remote):
    here, there = Network(*NETS[0], **MADE), remote.create("net", *NETS[0], **MADE)
    x, label = symbols(here, 400)
    for net in (here, there):
        net.observe(x, label)
        first = net.step("s", x[0, 0])
        net.train(max_cycles=3)
        assert not np.array_equal(net.step("s", x[0, 1]), net.step("t", x[0, 1]))
        net.reset()
        net.forget("t")
        net.step("t", x[0, 0])
    assert np.array_equal(here.step("s", x[0, 0]), first)
    with pytest.raises(redis.exceptions.ResponseError, match="belongs to another neural network"):
        there.step("s", x[0, 0])


@pytest.mark.parametrize("units", [*NETS, (2, "DENSE:5:RELU", 3)])
def test_saved_and_loaded(tmp_path, units):
    net = Network(*units, role="classifier", train_rows=40, seed=2, normalize="EMBED" not in
                  str(units))
    x, label = symbols(net, 40)
    x = np.random.default_rng(1).normal(size=(40, 2)) if units[0] == 2 else x
    net.observe(x, label)
    net.train(max_cycles=3)
    net.save(tmp_path / "net")
    again = Network.load(tmp_path / "net")
    assert again.info() == net.info() and again.units == net.units
    assert np.array_equal(again.run(x), net.run(x))
    for each in (net, again):
        each.train(max_cycles=2)
    assert np.array_equal(again.run(x), net.run(x))


def test_a_file_with_other_layers_than_weights_is_refused(tmp_path):
    Network(*NETS[1], role="classifier").save(tmp_path / "net")
    saved = storage.load(tmp_path / "net")
    for units in ([6, "EMBED:4:4", "GRU:8:BEFORE", 3], [7, "EMBED:3:4", "GRU:8:BEFORE", 3], [6, 3],
                  ["6x1", "EMBED:3:4", "GRU:8:BEFORE", 3], 5, [6, "EMBED:3", "GRU:8", 3]):
        storage.save(tmp_path / "bad", storage.Saved(
            saved.spec, saved.tensors, {**saved.extra, "units": units}))
        with pytest.raises(FileError, match="no saved Network"):
            Network.load(tmp_path / "bad")


def test_what_does_not_fit_is_refused_in_words():
    net = Network((6, 3), "LSTM:4", 2, role="regressor", train_rows=5)
    with pytest.raises(ShapeError, match=r"got shape \(18,\), .* \(6, 3\) or \(rows, 6, 3\)"):
        net.run(np.zeros(18))
    with pytest.raises(ShapeError, match=r"got shape \(2,\), the network takes \(3,\)"):
        net.step("s", [1, 2])
    with pytest.raises(ShapeError, match="classify_step needs a classifier, .* use step"):
        net.classify_step("s", [1, 2, 3])
    words = Network(6, "EMBED:9:3", "LSTM:4", 2, role="classifier", train_rows=5)
    for wrong in (9, -1, 0.5):
        for method in (words.run, words.classify, lambda x: words.observe(x, 1)):
            with pytest.raises(ShapeError, match="words must be whole numbers from 0 to 8"):
                method([0, 1, 2, 3, 4, wrong])
    assert words.info()["training-dataset-len"] == 0
    with pytest.raises(SpecError, match="did you mean LSTM"):
        Network((6, 3), "LSTN:4", 2, role="regressor")
    with pytest.raises(SpecError, match="networks of 1 to 12 states .* has 0"):
        Network(2, 3, role="classifier").step("s", [1])


def test_show_and_top_of_such_networks(server, tmp_path):
    Network((6, 3), "LSTM:4", "GRU:4:BEFORE", 2, role="regressor").save(tmp_path / "net")
    address = f"127.0.0.1:{server.port}"
    with connect(f"redis://{address}") as client:
        client.create("net", *NETS[1], **MADE).step("state", 1)

    def respnet(*words):
        command = [sys.executable, "-m", "respnet.cli", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    shown = json.loads(respnet("show", tmp_path / "net", "--json"))
    assert shown["layout"] == ["6x3", "LSTM:4", "GRU:4:BEFORE", 2]
    assert shown["network"] == "6x3 -> lstm 4 return_sequences -> gru 4 -> dense 2 linear"
    assert "6-EMBED:3:4-GRU:8:BEFORE-3" in respnet("show", "net", "--server", address)
    top = json.loads(respnet("top", address, "--once", "--json"))
    assert [n["layout"] for n in top["networks"]] == [[6, "EMBED:3:4", "GRU:8:BEFORE", 3]]
    assert "GRU:8" in respnet("top", address, "--once")
