"""``deploy`` and the tensors and models of ``respnet.connect``, against a real server."""

import numpy as np
import pytest
import redis
from ai_models import blob_of, network

import respnet
from respnet import Network, connect
from respnet.layers import LSTM, Concatenate, Dense

X = np.random.default_rng(2).normal(size=(5, 3)).astype("f4")


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def remote(server, request):
    with connect(url(server), protocol=request.param) as client:
        yield client


def url(server):
    return f"redis://127.0.0.1:{server.port}"


@pytest.mark.parametrize("array", [
    X, X.astype("f8"), X.T, np.arange(6, dtype="i4").reshape(1, 2, 3), np.array(7, "i8"),
    np.array([True, False]), np.array([[1, 255]], "u1"), X.astype(">f4")])
def test_arrays_come_back(remote, array):
    remote.tensor_set("t", array)
    found = remote.tensor_get("t")
    assert found.dtype == array.dtype.newbyteorder("=")
    assert np.array_equal(found, array) and found.flags.writeable


def test_text_comes_back_as_bytes(remote):
    remote.tensor_set("t", np.array([["a", "b c"], ["", "d"]]))
    assert remote.tensor_get("t").tolist() == [[b"a", b"b c"], [b"", b"d"]]


def test_an_array_that_is_no_tensor(remote):
    with pytest.raises(TypeError, match="a tensor holds float32, .* or text, got .* complex128"):
        remote.tensor_set("t", np.array([1j]))


def test_layers_are_deployed_and_run(server, remote):
    model = respnet.Sequential([respnet.Input((4, 3)), LSTM(5), Dense(2, activation="softmax")])
    x = np.random.default_rng(1).normal(size=(6, 4, 3)).astype("f4")
    model.deploy(url(server), "m", tag="v1", batch=8)
    assert np.allclose(remote.model_run("m", x), model.predict(x, verbose=0), atol=1e-6)
    assert remote.redis.keys("respnet:*") == []
    assert remote.redis.execute_command("AI.MODELGET", "m", "META")[4:8] == [
        b"tag", b"v1", b"batchsize", 8]


def test_several_inputs_and_outputs(server, remote):
    a, b = respnet.Input((3,)), respnet.Input((2,))
    both = Concatenate()([a, b])
    model = respnet.Model([a, b], [Dense(4)(both), Dense(1)(both)])
    model.deploy(url(server), "m")
    y = np.ones((5, 2), "f4")
    first, second = remote.model_run("m", X, y)
    wanted = model.predict([X, y], verbose=0)
    assert np.allclose(first, wanted[0], atol=1e-6) and np.allclose(second, wanted[1], atol=1e-6)


def test_a_network_is_deployed(server, remote):
    net = Network(3, 4, 2, role="classifier", train_rows=9, seed=1, normalize=True)
    net.deploy(url(server), "m")
    assert np.allclose(remote.model_run("m", X), net.run(X), atol=1e-6)


def test_bytes_of_files_and_another_model_at_the_key(server, remote):
    remote.model_store("m", blob_of(network()))
    assert np.allclose(remote.model_run("m", X), network().predict(X), atol=1e-6)
    two = respnet.Sequential([respnet.Input((3,)), Dense(2)])
    remote.model_store("m", respnet.onnx.convert_keras(two))
    assert np.allclose(remote.model_run("m", X), two.predict(X, verbose=0), atol=1e-6)
    assert remote.redis.execute_command("AI.MODELGET", "m", "META")[1] == b"ONNX"
    a = respnet.Input((3,))
    respnet.Model(a, [Dense(4)(a), Dense(1)(a)]).deploy(url(server), "m")
    assert [one.shape for one in remote.model_run("m", X)] == [(5, 4), (5, 1)]


def test_errors_are_the_servers(server, remote):
    with pytest.raises(redis.ResponseError, match="model key is empty"):
        remote.model_run("no", X)
    remote.model_store("m", network_of_three())
    with pytest.raises(redis.ResponseError, match="INPUTS here does not match"):
        remote.model_run("m", X, X)
    with pytest.raises(redis.ResponseError, match="wants shape"):
        remote.model_run("m", X[:, :2])
    assert remote.redis.keys("respnet:*") == []
    with pytest.raises(redis.ResponseError, match="unsupported backend"):
        remote.model_store("m", b"x", backend="FOO")


def test_a_run_that_waits_too_long(remote):
    remote.model_store("m", network_of_three(), batch=9, min_batch=9)
    with pytest.raises(TimeoutError, match="the model m was not run in time"):
        remote.model_run("m", X, timeout=10)
    remote.model_store("m", network_of_three(), batch=9, min_batch=9, min_timeout=10)
    assert remote.model_run("m", X).shape == (5, 2)


def network_of_three():
    return Network(3, 2, role="regressor", seed=1)
