"""``respnet.connect(url).dag()``: several steps in one round trip."""

import numpy as np
import pytest
from ai_models import blob_of, network

import respnet

redis = pytest.importorskip("redis")
NET = network()
ROW = np.array([[0.5, -1, 2]], np.float32)


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def remote(server, request):
    with respnet.connect(f"redis://127.0.0.1:{server.port}", protocol=request.param) as remote:
        remote.model_store("m", blob_of(NET))
        yield remote


def test_set_run_get_and_keep(remote):
    dag = remote.dag(persist="y").tensor_set("x", ROW).model_run("m", "x", "y")
    for _ in range(2):
        assert dag.run() == []
        assert np.allclose(remote.tensor_get("y"), NET.predict(ROW), atol=1e-6)
    y, x = remote.dag(load=["y"]).tensor_set("x", ROW).tensor_get("y").tensor_get("x").run()
    assert np.array_equal(y, remote.tensor_get("y")) and np.array_equal(x, ROW)


def test_nothing_is_kept_of_a_failure(remote):
    dag = remote.dag(persist=["x", "y"]).tensor_set("x", ROW[:, :2]).model_run("m", ["x"], ["y"])
    with pytest.raises(redis.ResponseError, match="wants shape"):
        dag.run()
    with pytest.raises(redis.ResponseError, match="INPUT key cannot be found in DAG"):
        remote.dag().tensor_get("no").run()
    assert remote.redis.exists("x", "y") == 0


def test_too_late(remote):
    remote.model_store("patient", blob_of(NET), batch=4, min_batch=3)
    dag = remote.dag(timeout=20).tensor_set("x", ROW).model_run("patient", "x", "y")
    with pytest.raises(TimeoutError, match="not run in time"):
        dag.run()
