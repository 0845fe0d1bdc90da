"""What is particular to one runtime in a child: words of its errors, shapes, files, bombs."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tf_models as tf
import tflite_models
from ai_models import execute, got, put, said

onnx = pytest.importorskip("onnx", reason="onnx is in the test extra")
from onnx import helper  # noqa: E402
from runtime_models import (  # noqa: E402
    F4,
    ROWS,
    X,
    archive,
    children,
    need,
    onnx_model,
    onnx_plain,
)

from respnet.redisproto.ai_child import Runtime  # noqa: E402
from respnet.redisproto.errors import CommandError  # noqa: E402

GOLDEN = Path(__file__).parent / "golden"
BY_NAME = {row.backend: row for row in ROWS}
RUN = "AI.MODELEXECUTE", "m", "INPUTS", 1, "x", "OUTPUTS", 1, "y"
S, B = np.dtype(object), np.dtype(bool)


@pytest.fixture
def begin(serve):
    """Start a server with a backend -> its client, with the tensor x."""

    def begin(backend):
        need(BY_NAME[backend].package)
        server = serve(backends=backend.lower(), model_execution_timeout=2000,
                       backend_memory_limit="256mb")
        client = server.redis(protocol=2)
        put(client, "x", X)
        client.server = server
        return client

    return begin


def store(client, key, backend, blob):
    assert client.execute_command("AI.MODELSTORE", key, backend, "CPU", "BLOB", blob) == b"OK"


# -- ONNX


def test_what_onnxruntime_refuses(begin):
    client = begin("ONNX")
    store(client, "m", "ONNX", onnx_plain())
    signature = client.execute_command("AI.MODELGET", "m", "SIGNATURE")
    assert signature[1] == [[b"x", b"FLOAT", [-1]]]
    put(client, "x", np.ones((2, 2), "f4"))
    error = said(client, *RUN)
    assert error.startswith("ERR Invalid rank for input: x") and "ONNXRuntimeError" not in error
    put(client, "x", X)
    execute(client, "m", ["x"], ["y"])


@pytest.mark.parametrize("shape", [[10**12], [10**6, 10**6, 10**7], [3 * 10**8]])
def test_a_bomb_of_zeros(begin, shape):
    client = begin("ONNX")
    store(client, "ok", "ONNX", onnx_plain())
    store(client, "m", "ONNX", onnx_model([helper.make_node("ConstantOfShape", ["n"], ["y"])],
                                          [("n", np.array(shape))]))
    error = said(client, *RUN)
    assert "/" not in error and "::" not in error and "\n" not in error and len(error) < 410
    execute(client, "ok", ["x"], ["y"])


# -- TORCH


def test_a_model_that_makes_a_file(begin, tmp_path):
    client = begin("TORCH")
    import torch

    class Writes(torch.nn.Module):
        def __init__(self, path: str):
            super().__init__()
            self.path = path

        def forward(self, x):
            return x + torch.from_file(self.path, shared=True, size=4)

    store(client, "m", "TORCH", archive(Writes(str(tmp_path / "marker"))))
    error = said(client, *RUN)
    assert "Too many open files" in error and str(tmp_path) not in error
    assert list(tmp_path.iterdir()) == [] and client.exists("y") == 0


def test_torchscript(begin):
    client = begin("TORCH")
    import torch

    class Both(torch.nn.Module):
        def forward(self, x, y):
            return x + y, (x * y).sum()

    store(client, "t", "TORCH", archive(Both()))
    put(client, "a", X)
    for _ in range(4):  # torch compiles at the second and third
        execute(client, "t", ["a", "a"], ["sum", "total"])
        assert got(client, "sum").tolist() == (X + X).tolist()
    assert got(client, "total").shape == () and got(client, "total") == 23
    put(client, "b", np.ones(3, "f4"))
    error = said(client, "AI.MODELEXECUTE", "t", "INPUTS", 2, "a", "b", "OUTPUTS", 2, "u", "v")
    assert error == ("ERR The size of tensor a (4) must match the size of tensor b (3) at "
                     "non-singleton dimension 0")


# -- TFLITE


def test_a_model_in_eight_bits(begin):
    """Converted by TensorFlow from a network of Keras; y is what that network says."""
    client, saved = begin("TFLITE"), np.load(GOLDEN / "digits_quant.npz")
    blob = (GOLDEN / "digits_quant.tflite").read_bytes()
    store(client, "m", "TFLITE", blob)
    for rows in (1, 5, 2):  # its input takes the shape of the tensor
        x = saved["x"][:rows]
        client.execute_command("AI.TENSORSET", "x", "UINT8", *x.shape, "BLOB", x.tobytes())
        execute(client, "m", ["x"], ["y"])
        reply = client.execute_command("AI.TENSORGET", "y", "BLOB")
        y = np.frombuffer(reply, np.uint8).reshape(rows, 10) / 255
        assert np.abs(y - saved["y"][:rows]).max() < 0.01 and saved["y"].max() > 0.1
    assert client.execute_command("AI.MODELGET", "m", "BLOB") == blob
    ((_, kind, shape),) = client.execute_command("AI.MODELGET", "m", "SIGNATURE")[1]
    assert (kind, shape) == (b"UINT8", [-1, 8, 8, 1])


def test_batches_of_tflite(begin):
    client = begin("TFLITE")
    words = ("TFLITE", "CPU", "BATCHSIZE", 8, "BLOB", tflite_models.negative())
    client.execute_command("AI.MODELSTORE", "m", *words)
    others = [client.server.redis() for _ in range(6)]
    for n, other in enumerate(others):
        put(other, f"x{n}", np.full(n + 1, n, "f4"))
    for n, other in enumerate(others):
        connection = other.connection_pool.get_connection()
        connection.send_command("AI.MODELEXECUTE", "m", "INPUTS", 1, f"x{n}", "OUTPUTS", 1, f"y{n}")
        others[n] = connection
    assert [one.read_response() for one in others] == [b"OK"] * 6
    for n in range(6):
        assert got(client, f"y{n}").tolist() == [-n] * (n + 1)


def test_what_tflite_refuses(begin):
    client = begin("TFLITE")
    words = ("INPUTS", 1, "x", "OUTPUTS", 1, "y", "BLOB", tflite_models.negative())
    assert said(client, "AI.MODELSTORE", "m", "TFLITE", "CPU", *words) == (
        "ERR INPUTS argument should not be specified for this backend")
    own = BY_NAME["TFLITE"].refused(client, "m", tflite_models.one_step("readFile"))
    assert own.startswith("ERR Encountered unresolved custom op: readFile.")
    store(client, "m", "TFLITE", tflite_models.negative())
    put(client, "x", X.astype("f8"))
    assert said(client, *RUN) == ("ERR Cannot set tensor: Got value of type FLOAT64 but expected "
                                  "type FLOAT32 for input 0, name: x")
    put(client, "x", X)
    execute(client, "m", ["x"], ["y"])
    assert got(client, "y").tolist() == (-X).tolist()


# -- TF


PATHS = ["ReadFile", "WriteFile", "MatchingFiles", "ImmutableConst", "InitializeTableFromTextFile",
         "RestoreV2", "SaveV2", "PyFunc", "PyFuncStateless", "EagerPyFunc", "XlaCustomCallV2",
         "DebugIdentity", "RemoteCall", "SymbolicGradient", "_Send", "TensorSliceDataset",
         "VarHandleOp", "PrintV2", "DecodeJpeg", "NoSuchOperator"]


@pytest.fixture(scope="module")
def tensorflow():
    """A child of TensorFlow without a server, so without the server's own look at the graph."""
    need("tensorflow")
    runtime = Runtime("TF", 256 << 20)
    yield runtime
    runtime.close()


def reader(kind, path):
    """x (a string) -> y, by an operator that may know files."""
    name = tf.node("path", "StringJoin", "p", "x", N=2)
    begin = tf.const("p", np.array(str(path).encode(), object))
    return tf.graph(tf.placeholder("x", "object"), begin, name, tf.node("y", kind, "path"))


@pytest.mark.parametrize("kind", PATHS)
def test_operators_that_reach_outside_are_refused_twice(tensorflow, kind):
    refused = f"ERR node 'y' ({kind}): TensorFlow may not run this operator here"
    with pytest.raises(CommandError) as error:
        tensorflow.load(reader(kind, "/etc/passwd"), [["x"], ["y"]], 5.0)
    assert error.value.text == refused


def test_the_server_refuses_them_before_tensorflow_starts(serve, tmp_path):
    (tmp_path / "secret").write_text("secret")
    server = serve(backends="tf")
    client = server.redis()
    row = BY_NAME["TF"]
    inside = tf.function("f", ["a"], {"r": "n:contents:0"}, tf.node("n", "ReadFile", "a"))
    call = tf.node("y", "PartitionedCall", "x", Tin=[S], Tout=[S], f="f")
    for blob, name, kind in ((reader("ReadFile", tmp_path / "secret"), "y", "ReadFile"),
                             (reader("WriteFile", tmp_path / "marker"), "y", "WriteFile"),
                             (tf.graph(tf.placeholder("x", "object"), call, functions=[inside]),
                              "n", "ReadFile")):
        assert row.refused(client, "m", blob) == (
            f"ERR node {name!r} ({kind}): TensorFlow may not run this operator here")
    assert children(server) == []
    assert [one.name for one in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize("kind", ["If", "StatelessIf", "PartitionedCall", "While", "Case"])
def test_a_function_that_is_not_in_the_file_is_no_operator_either(tensorflow, kind):
    """Where a branch is put in place of an If, TensorFlow looks for an operator of its name."""
    inputs, functions = {
        "If": (("go", "x"), {"then_branch": "ReadFile", "else_branch": "ReadFile", "Tcond": B}),
        "PartitionedCall": (("x",), {"f": "ReadFile"}),
        "Case": (("which", "x"), {"branches": ["ReadFile"]}),
        "While": (("x",), {"cond": "ReadFile", "body": "ReadFile", "T": [S]}),
    }[kind.removeprefix("Stateless")]
    kinds = {} if kind == "While" else {"Tin": [S], "Tout": [S]}
    blob = tf.graph(tf.placeholder("x", "object"), tf.const("go", True), tf.const("which", 0, "i4"),
                    tf.node("y", kind, *inputs, **functions, **kinds))
    with pytest.raises(CommandError) as error:
        tensorflow.load(blob, [["x"], ["y"]], 5.0)
    assert error.value.text == "ERR there is no function 'ReadFile'"


def test_what_tensorflow_refuses(begin):
    client, row = begin("TF"), BY_NAME["TF"]
    two = tf.graph(tf.placeholder("x"), tf.placeholder("b"),
                   tf.node("y", "MulNoNan", "x", "b", T=F4))
    names = ("INPUTS", 2, "x", "b", "OUTPUTS", 1, "y")
    ask = client.execute_command
    assert ask("AI.MODELSTORE", "m", "TF", "CPU", *names, "BLOB", two) == b"OK"
    bad = ("INPUTS", 2, "x", "bad_input", "OUTPUTS", 1, "y")
    assert said(client, "AI.MODELSTORE", "n", "TF", "CPU", *bad, "BLOB", two) == (
        'ERR Input node named "bad_input" not found in TF graph.')
    bad = ("INPUTS", 2, "x", "b", "OUTPUTS", 1, "z")
    assert said(client, "AI.MODELSTORE", "n", "TF", "CPU", *bad, "BLOB", two) == (
        'ERR Output node named "z" not found in TF graph')
    run = "AI.MODELEXECUTE", "m", "INPUTS", 2, "x", "b", "OUTPUTS", 1, "y"
    put(client, "b", X.astype("f8"))
    assert said(client, *run) == "ERR input 'b' wants FLOAT, got DOUBLE"
    put(client, "b", np.ones(3, "f4"))
    assert said(client, *run) == "ERR node 'y': Incompatible shapes: [4] vs. [3]"
    put(client, "b", np.array(2, "f4"))
    ask(*run)
    assert got(client, "y").tolist() == (2 * X).tolist()
    row.store(client, "m", row.plain())
    ask("AI.MODELEXECUTE", "m", "INPUTS", 1, "b", "OUTPUTS", 1, "y")  # the original answers 0
    assert got(client, "y").shape == () and got(client, "y") == -2


def test_placeholders_take_any_shape_and_strings(begin):
    client = begin("TF")
    shaped = tf.node("x", "Placeholder", dtype=S, shape=[7])  # a list where a shape belongs
    same = tf.graph(tf.placeholder("x", "object"), tf.node("y", "StringUpper", "x"))
    names = ("INPUTS", 1, "x", "OUTPUTS", 1, "y")
    client.execute_command("AI.MODELSTORE", "m", "TF", "CPU", *names, "BLOB", same)
    client.execute_command("AI.TENSORSET", "x", "STRING", 2, "VALUES", "ab", "c")
    execute(client, "m", ["x"], ["y"])
    assert client.execute_command("AI.TENSORGET", "y", "VALUES") == [b"AB", b"C"]
    assert client.execute_command("AI.MODELSTORE", "m", "TF", "CPU", *names, "BLOB",
                                  tf.graph(shaped, tf.node("y", "StringUpper", "x"))) == b"OK"
    execute(client, "m", ["x"], ["y"])
    assert client.execute_command("AI.TENSORGET", "y", "VALUES") == [b"AB", b"C"]


def test_the_list_of_operators_knows_what_tensorflow_knows():
    """Each is an operator of TensorFlow; those that count as having state are named here."""
    need("tensorflow")
    program = ("from tensorflow.python.framework import op_def_registry as known\n"
               "from respnet.engine.tf.allowed import ALLOWED\n"
               "import tensorflow\n"
               "print(*[n for n in sorted(ALLOWED) if known.get(n) is None], sep=',')\n"
               "print(*[n for n in sorted(ALLOWED) if known.get(n) and known.get(n).is_stateful],"
               " sep=',')")
    unknown, stateful = subprocess.run([sys.executable, "-c", program], capture_output=True,
                                       text=True, check=True).stdout.splitlines()
    assert unknown == ""
    assert set(stateful.split(",")) == {
        "Assert", "Case", "CheckNumerics", "CheckNumericsV2", "If", "Multinomial",
        "RandomShuffle", "RandomStandardNormal", "RandomUniform", "RandomUniformInt",
        "StatefulPartitionedCall", "TensorArrayCloseV3", "TensorArrayConcatV3",
        "TensorArrayGatherV3", "TensorArrayReadV3", "TensorArrayScatterV3",
        "TensorArraySizeV3", "TensorArraySplitV3", "TensorArrayV3", "TensorArrayWriteV3",
        "TruncatedNormal", "While"}
