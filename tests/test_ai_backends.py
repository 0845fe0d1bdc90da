"""Other runtimes in a child: switched on, killed in mid-run, late, too large, never without."""

import os
import signal
import threading
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import numpy as np
import pytest
from ai_models import execute, got, put, said

pytest.importorskip("onnx", reason="onnx is in the test extra")
from runtime_models import ROWS, X, children, each, need

from respnet.redisproto.child_wire import RUN, Frame, pack, unpack
from respnet.redisproto.errors import CommandError

NOT_LOADED = "ERR Could not load backend"
ENDED = "ERR the runtime ended while the model was in it"
WHEELS = {"tensorflow": ("tensorflow", "tensorflow-cpu"), "ai_edge_litert": ("ai-edge-litert",)}


def run(key):
    return "AI.MODELEXECUTE", key, "INPUTS", 1, "x", "OUTPUTS", 1, "y"


@pytest.fixture
def started(serve, row):
    """(server, client) with the tensor x and the model m in a child."""
    need(row.package)
    server = serve(backends=row.backend.lower(), model_execution_timeout=2000,
                   backend_memory_limit="256mb")
    client = server.redis(protocol=2)
    put(client, "x", X)
    row.store(client, "m", row.plain())
    return server, client


def check_plain(client, row):
    execute(client, "m", ["x"], ["y"])
    assert tuple(got(client, "y").tolist()) == row.result


@pytest.mark.parametrize("row", [row for row in ROWS if row.backend != "TF"],
                         ids=lambda row: row.backend.lower())
def test_without_the_setting_nothing_is_started(server, resp2, row):
    need(row.package)
    assert row.refused(resp2, "m", row.plain()) == NOT_LOADED
    word = row.backend.lower()
    assert children(server) == [] and f"--backends {word}" in server.log
    assert f'"respnet[{word}]"' in server.log


def test_without_the_setting_a_graph_is_refused_by_the_engine(server, resp2):
    row = next(one for one in ROWS if one.backend == "TF")
    assert row.refused(resp2, "m", row.plain()) == (
        "ERR node 'u' (MulNoNan): this operator is not supported")
    assert children(server) == []


@each
def test_a_runtime_that_is_missing(serve, row):
    if find_spec(row.package) is not None:
        pytest.skip(f"{row.package} is there")
    server = serve(backends=row.backend.lower())
    blob = b"anything" if row.backend in ("TORCH", "TFLITE") else row.plain()
    assert row.refused(server.redis(), "m", blob) == NOT_LOADED
    assert f'its runtime is missing: pip install "respnet[{row.backend.lower()}]"' in server.log


def test_more_tensors_than_a_frame_holds_are_refused_before_they_are_sent():
    with pytest.raises(CommandError, match="ERR the tensors of a run on another runtime hold"):
        pack([np.zeros(16, "u1")] * 70_000)


def test_a_frame_that_lies_is_refused():
    body, parts = pack([np.arange(4, dtype="f4"), np.arange(50_000)])
    frame = Frame(RUN, 1, body, b"".join(parts), 1.0)
    assert [array.tolist() for array in unpack(frame)] == [list(range(4)), list(range(50_000))]
    for cut in (0, 1, 5, 20, len(body) - 1):
        with pytest.raises(ValueError):
            unpack(Frame(RUN, 1, body[:cut], b"".join(parts), 1.0))
    with pytest.raises(ValueError):
        unpack(Frame(RUN, 1, body, b"".join(parts)[:-1], 1.0))


@each
def test_a_model_our_engine_does_not_run(started, row):
    server, client = started
    for _ in range(3):
        check_plain(client, row)
    big = np.arange(1_000_000, dtype="f4")
    put(client, "x", big)
    execute(client, "m", ["x"], ["y"])
    assert (np.abs(got(client, "y")) == big).all()
    wheels = WHEELS.get(row.package, (row.package,))
    shown = str(client.info("modules")[f"ai_{row.info}_version"])
    assert shown.partition("+")[0] in {found(wheel) for wheel in wheels}
    assert len(children(server)) == 1


def found(wheel):
    try:
        return version(wheel).partition("+")[0]
    except PackageNotFoundError:
        return None


@each
def test_a_child_that_is_killed_in_mid_run(started, row):
    server, client = started
    row.store(client, "e", row.endless())
    (child,) = children(server)
    put(client, "x", X[:1])
    threading.Timer(0.5, os.kill, (child, signal.SIGKILL)).start()
    assert said(client, *run("e")) == ENDED
    put(client, "x", X)
    check_plain(client, row)
    assert children(server) != [child] and len(children(server)) == 1


@each
def test_a_run_without_end(started, row):
    server, client = started
    row.store(client, "e", row.endless())
    put(client, "x", X[:1])
    other = server.redis()
    pings = []
    thread = threading.Timer(0.3, lambda: pings.append(other.ping()))
    thread.start()
    assert said(client, *run("e")) == "ERR more than 2.0 seconds"
    assert pings == [True]
    put(client, "x", X)
    check_plain(client, row)


@each
def test_more_memory_than_it_may_have(started, row):
    _, client = started
    row.store(client, "q", row.outer())
    execute(client, "q", ["x"], ["y"])
    assert got(client, "y").sum() == 81
    put(client, "x", np.ones(20_000, "f4"))  # each with each: 1.6 GB
    error = said(client, *run("q"))
    assert error == ENDED or "memory" in error or "allocate" in error
    put(client, "x", X)
    execute(client, "q", ["x"], ["y"])
    assert got(client, "y").sum() == 81


@each
def test_bytes_that_are_no_model(started, row):
    _, client = started
    for blob in (b"nonsense", b"", row.plain()[:-20], b"\xff" * 1000):
        error = row.refused(client, "n", blob)
        assert error.startswith("ERR ") and "/" not in error and len(error) < 410
    check_plain(client, row)


@each
def test_the_child_ends_with_the_server(started, row):
    server, client = started
    (child,) = children(server)
    server.end()
    for _ in range(100):
        if not os.path.exists(f"/proc/{child}"):
            break
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{child}")


@each
def test_a_stored_model_is_loaded_again_after_a_restart(serve, row):
    need(row.package)
    server = serve(backends=row.backend.lower(), appendfsync="always")
    client = server.redis(protocol=2)
    row.store(client, "m", row.plain())
    put(client, "x", X)
    server.end(signal.SIGKILL)
    server.start()
    check_plain(server.redis(protocol=2), row)
