"""``respnet.connect`` against a real server: the methods of ``Network``, the same answers."""

import inspect

import numpy as np
import pytest
import redis

from respnet import Network, connect
from respnet.demos import circles, subtraction
from respnet.engine.errors import ShapeError
from respnet.remote import RemoteNetwork, blocks

RINGS = {"role": "classifier", "train_rows": 600, "test_rows": 300, "seed": 3}


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def remote(server, request):
    """A client in both protocols."""
    with connect(f"redis://127.0.0.1:{server.port}", protocol=request.param) as client:
        yield client


def test_it_has_the_methods_of_network_with_the_same_arguments():
    own = {"load", "parameters", "role", "units", "save", "deploy"}  # of files, and properties
    for name, method in inspect.getmembers(Network, inspect.isfunction):
        if not name.startswith("_") and name not in own:
            assert inspect.signature(getattr(RemoteNetwork, name)) == inspect.signature(method)


def test_a_network_through_the_server_is_the_network_in_process(remote):
    x, label = circles(1200, seed=2)
    here, there = Network(2, 20, 3, **RINGS), remote.create("rings", 2, 20, 3, **RINGS)
    for net in (here, there):
        assert net.observe(x[:900], label[:900]) == (600, 300)
        net.train(max_cycles=40)
    assert np.array_equal(here.run(x), there.run(x))
    assert np.array_equal(here.classify(x), there.classify(x))
    ours, theirs = here.info(), there.info()
    assert theirs.pop("id") >= 0
    for info in (ours, theirs):
        assert info.pop("training-total-seconds") >= 0
    assert theirs == ours


def test_a_regressor(remote):
    x, y = subtraction(900, seed=1)
    net = remote.create("minus", 2, 10, 1, role="regressor", train_rows=400, test_rows=200,
                        normalize=True, seed=1)
    net.observe(x[:600], y[:600])
    net.train(autostop=True, max_time=20)
    assert abs(net.run(x[600:]) - y[600:]).mean() < 0.3
    assert net.run([3, 45]).shape == (1,)


def test_one_row_many_rows_no_rows(remote):
    net = remote.create("k", 3, 2, role="classifier", train_rows=9)
    assert net.observe([1, 2, 3], 1) == (1, 0)
    assert net.observe([[1, 2, 3], [4, 5, 6]], [0, 1], where="train") == (3, 0)
    x = np.ones((5, 3))
    assert net.run(x).shape == (5, 2) and net.run(x[0]).shape == (2,)
    assert net.classify(x).shape == (5,) and isinstance(net.classify(x[0]), int)


def test_many_rows_go_in_blocks(remote, monkeypatch):
    monkeypatch.setattr("respnet.remote.CHUNK_BYTES", 100)
    net = remote.create("k", 2, 4, 2, role="regressor", train_rows=1000, seed=1)
    x = np.random.default_rng(1).uniform(-1, 1, (101, 2)).astype(np.float32)
    assert len(blocks(x)) == 9
    assert net.observe(x, x) == (101, 0)
    assert np.array_equal(net.run(x)[37], net.run(x[37]))


def test_background_training_stop_progress(remote):
    x, label = circles(900, seed=2)
    net = remote.create("rings", 2, 20, 3, **RINGS)
    net.observe(x, label)
    before = net.run(x)
    net.train(max_time=30, wait=False)
    assert not net.wait(timeout=0.05)
    assert np.array_equal(net.run(x), before)
    with pytest.raises(redis.ResponseError, match="already in progress"):
        net.train(max_cycles=1)
    net.stop()
    assert net.wait(timeout=10)
    progress = net.progress()
    assert progress["state"] == "idle" and progress["reason"] == "stopped"
    assert progress["cycle"] > 0 and progress["curve"][-1] < progress["curve"][0]
    net.stop()
    net.reset()
    assert net.info()["training-total-cycles"] == 0


def test_settings(remote):
    net = remote.create("k", 2, 3, 1, role="regressor", train_rows=5, seed=7, hidden="relu")
    net.configure(optimizer="adam", learning_rate=0.25)
    shown = remote.redis.execute_command("NR.CONFIGURE", "k")
    words = str(shown)
    assert "relu" in words and "adam" in words and "0.25" in words and "7" in words


def test_networks_that_are_there_are_found(remote):
    remote.create("one", 2, 1, role="regressor")
    remote.create("two", 2, 1, role="classifier")
    remote.redis.set("text", "x")
    assert sorted(remote.networks()) == ["one", "two"]
    assert remote.network("two").info()["type"] == "classifier"
    remote.network("two").delete()
    assert list(remote.networks()) == ["one"]


def test_wrong_use(remote):
    net = remote.create("k", 2, 1, role="regressor")
    with pytest.raises(ShapeError, match="takes"):
        net.run([1, 2, 3])
    with pytest.raises(redis.ResponseError, match="busy"):
        remote.create("k", 2, 1, role="regressor")
    with pytest.raises(redis.ResponseError, match="Must be CLASSIFIER or REGRESSOR"):
        remote.create("other", 2, 1, role="oracle")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        remote.network("missing").info()


def test_saved_networks_survive_a_restart(serve):
    server = serve()
    with connect(f"redis://127.0.0.1:{server.port}") as client:
        net = client.create("k", 2, 3, 1, role="regressor", train_rows=5, seed=7)
        net.observe([1, 2], 3)
        net.save()
        answer = net.run([1, 2])
    server.end()
    server.start()
    with connect(f"redis://127.0.0.1:{server.port}") as client:
        net = client.network("k")
        assert np.array_equal(net.run([1, 2]), answer)
        assert net.info()["training-dataset-len"] == 1
