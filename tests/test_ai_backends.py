"""Other runtimes in a child: switched on, killed in mid-run, late, too large, never without."""

import io
import os
import signal
import threading
import time

import numpy as np
import pytest
from ai_models import execute, got, put, said

onnx = pytest.importorskip("onnx", reason="onnx is in the test extra")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is in the test extra")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from respnet.redisproto.child_wire import RUN, Frame, pack, unpack  # noqa: E402
from respnet.redisproto.errors import CommandError  # noqa: E402

NOT_LOADED = "ERR Could not load backend"
ENDED = "ERR the runtime ended while the model was in it"
X = np.array([3, 1, 3, 2], "f4")


def model(nodes, constants=(), shape=("n",)):
    """A graph from x to y that our engine does not run: there is a Unique in it."""
    nodes = [helper.make_node("Unique", ["x"], ["u"]), *nodes]
    made = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(array, name) for name, array in constants])
    imports = [helper.make_opsetid("", 17)]
    return helper.make_model(made, opset_imports=imports, ir_version=8).SerializeToString()


UNIQUE = model([helper.make_node("Identity", ["u"], ["y"])])
SQUARE = model([helper.make_node("Reshape", ["x", "column"], ["c"]),
                helper.make_node("Mul", ["c", "x"], ["m"]),
                helper.make_node("ReduceSum", ["m"], ["y"], keepdims=0)],
               [("column", np.array([-1, 1]))])


def endless():
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Neg", ["v"], ["w"])],
        "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, ()),
         helper.make_tensor_value_info("go", TensorProto.BOOL, ()),
         helper.make_tensor_value_info("v", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, ()),
         helper.make_tensor_value_info("w", TensorProto.FLOAT, None)])
    return model([helper.make_node("Loop", ["", "c", "u"], ["y"], body=body)],
                 [("c", np.array(True))])


def store(client, key, blob, backend="ONNX"):
    assert client.execute_command("AI.MODELSTORE", key, backend, "CPU", "BLOB", blob) == b"OK"


def run(key):
    return "AI.MODELEXECUTE", key, "INPUTS", 1, "x", "OUTPUTS", 1, "y"


def children(server):
    """Process ids of the children of the server."""
    with open(f"/proc/{server.process.pid}/task/{server.process.pid}/children") as file:
        own = file.read().split()
    for task in os.listdir(f"/proc/{server.process.pid}/task"):
        with open(f"/proc/{server.process.pid}/task/{task}/children") as file:
            own += file.read().split()
    return sorted(set(map(int, own)))


@pytest.fixture
def started(serve):
    """(server, client) with the tensor x and the model m in a child."""
    server = serve(backends="onnx", model_execution_timeout=2000, backend_memory_limit="256mb")
    client = server.redis(protocol=2)
    put(client, "x", X)
    store(client, "m", UNIQUE)
    return server, client


def test_without_the_setting_nothing_is_started(server, resp2):
    assert said(resp2, "AI.MODELSTORE", "m", "ONNX", "CPU", "BLOB", UNIQUE) == NOT_LOADED
    assert children(server) == [] and "--backends onnx" in server.log


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


def test_a_model_our_engine_does_not_run(started):
    server, client = started
    for _ in range(3):
        execute(client, "m", ["x"], ["y"])
        assert got(client, "y").tolist() == [1, 2, 3]
    big = np.arange(1_000_000, dtype="f4")
    put(client, "x", big)
    execute(client, "m", ["x"], ["y"])
    assert (got(client, "y") == big).all()
    assert client.execute_command("AI.MODELGET", "m", "SIGNATURE")[1] == [[b"x", b"FLOAT", [-1]]]
    version = client.info("modules")["ai_onnxruntime_version"]
    assert str(version) == onnxruntime.__version__
    assert len(children(server)) == 1


def test_what_the_runtime_refuses(started):
    _, client = started
    put(client, "x", np.ones((2, 2), "f4"))
    error = said(client, *run("m"))
    assert error.startswith("ERR Invalid rank for input: x") and "ONNXRuntimeError" not in error
    put(client, "x", X)
    execute(client, "m", ["x"], ["y"])


def test_a_child_that_is_killed_in_mid_run(started):
    server, client = started
    store(client, "e", endless())
    (child,) = children(server)
    threading.Timer(0.5, os.kill, (child, signal.SIGKILL)).start()
    assert said(client, *run("e")) == ENDED
    execute(client, "m", ["x"], ["y"])
    assert got(client, "y").tolist() == [1, 2, 3]
    assert children(server) != [child] and len(children(server)) == 1


def test_a_run_without_end(started):
    server, client = started
    store(client, "e", endless())
    other = server.redis()
    pings = []
    thread = threading.Timer(0.3, lambda: pings.append(other.ping()))
    thread.start()
    start = time.monotonic()
    assert said(client, *run("e")) == "ERR more than 2.0 seconds"
    assert time.monotonic() - start < 15 and pings == [True]
    execute(client, "m", ["x"], ["y"])
    assert got(client, "y").tolist() == [1, 2, 3]


def test_more_memory_than_it_may_have(started):
    server, client = started
    store(client, "q", SQUARE)
    execute(client, "q", ["x"], ["y"])
    assert got(client, "y") == 81
    put(client, "x", np.ones(20_000, "f4"))  # squared: 1.6 GB
    error = said(client, *run("q"))
    assert error == ENDED or "memory" in error or "allocate" in error
    put(client, "x", X)
    execute(client, "q", ["x"], ["y"])
    assert got(client, "y") == 81


def test_the_child_ends_with_the_server(started):
    server, client = started
    (child,) = children(server)
    server.end()
    for _ in range(100):
        if not os.path.exists(f"/proc/{child}"):
            break
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{child}")


def test_a_stored_model_is_loaded_again_after_a_restart(serve):
    server = serve(backends="onnx,torch", appendfsync="always")
    client = server.redis(protocol=2)
    store(client, "m", UNIQUE)
    put(client, "x", X)
    server.end(signal.SIGKILL)
    server.start()
    client = server.redis(protocol=2)
    execute(client, "m", ["x"], ["y"])
    assert got(client, "y").tolist() == [1, 2, 3]


@pytest.mark.parametrize("shape", [[10**12], [10**6, 10**6, 10**7], [3 * 10**8]])
def test_a_bomb_of_zeros(started, shape):
    _, client = started
    store(client, "z", model([helper.make_node("ConstantOfShape", ["n"], ["y"])],
                             [("n", np.array(shape))]))
    error = said(client, *run("z"))
    assert "/" not in error and "::" not in error and "\n" not in error and len(error) < 410
    execute(client, "m", ["x"], ["y"])


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="torch is an extra")


def archive(torch, module):
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(module), file)
    return file.getvalue()


def test_a_model_that_makes_a_file(serve, torch, tmp_path):
    class Writes(torch.nn.Module):
        def __init__(self, path: str):
            super().__init__()
            self.path = path

        def forward(self, x):
            return x + torch.from_file(self.path, shared=True, size=4)

    blob = archive(torch, Writes(str(tmp_path / "marker")))
    server = serve(backends="torch")
    client = server.redis(protocol=2)
    store(client, "t", blob, "TORCH")
    put(client, "x", X)
    error = said(client, *run("t"))
    assert "Too many open files" in error and str(tmp_path) not in error
    assert list(tmp_path.iterdir()) == [] and client.exists("y") == 0


def test_torchscript(serve, torch):
    class Both(torch.nn.Module):
        def forward(self, x, y):
            return x + y, (x * y).sum()

    server = serve(backends="torch")
    client = server.redis(protocol=2)
    store(client, "t", archive(torch, Both()), "TORCH")
    put(client, "a", X)
    for _ in range(4):  # torch compiles at the second and third
        execute(client, "t", ["a", "a"], ["sum", "total"])
        assert got(client, "sum").tolist() == (X + X).tolist()
    assert got(client, "total").shape == () and got(client, "total") == 23
    put(client, "b", np.ones(3, "f4"))
    error = said(client, "AI.MODELEXECUTE", "t", "INPUTS", 2, "a", "b", "OUTPUTS", 2, "u", "v")
    assert error == ("ERR The size of tensor a (4) must match the size of tensor b (3) at "
                     "non-singleton dimension 0")
    assert said(client, "AI.MODELSTORE", "u", "TORCH", "CPU", "BLOB", b"nonsense").startswith("ERR")
