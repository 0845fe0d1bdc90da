"""ONNX models in the server: plain networks, graphs, numbers of rank 0, files that are refused."""

import numpy as np
import pytest
from ai_models import execute, got, network, put, said

from respnet.engine.onnx import to_bytes
from respnet.redisproto.ai_backends import TooLong, load_onnx

onnx = pytest.importorskip("onnx", reason="onnx is in the test extra")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

RNG = np.random.default_rng(5)
NET = network(3, 4, 2)
PLAIN = to_bytes(NET.spec, NET.weights.vector, "net", "test")
A, B = RNG.normal(size=(2, 3)).astype("f4"), RNG.normal(size=(2, 3)).astype("f4")


def graph(nodes, inputs, outputs, constants=(), opset=17, imports=()):
    """The bytes of a model; inputs: (name, type, shape)."""
    made = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_empty_tensor_value_info(name) for name in outputs], list(constants))
    imports = [helper.make_opsetid("", opset), *imports]
    return helper.make_model(made, opset_imports=imports, ir_version=8).SerializeToString()


def floats(name, *shape):
    return name, TensorProto.FLOAT, shape


SUMS = graph([helper.make_node("Add", ["a", "b"], ["sum"]),
              helper.make_node("ReduceSum", ["sum"], ["total"], keepdims=0)],
             [floats("a", "rows", 3), floats("b", "rows", 3)], ["sum", "total"])


def onnx_model(client, blob, *options, key="m"):
    words = ("ONNX", "CPU", *options, "BLOB", blob)
    return client.execute_command("AI.MODELSTORE", key, *words)


def test_a_plain_network_gives_the_engines_numbers(client):
    assert onnx_model(client, PLAIN) == b"OK"
    put(client, "x", A)
    for _ in range(3):
        execute(client, "m", ["x"], ["y"])
        assert np.allclose(got(client, "y"), NET.predict(A), atol=1e-6)
    assert client.execute_command("AI.MODELGET", "m", "BLOB") == PLAIN
    assert said(client, "AI.MODELEXECUTE", "m", "INPUTS", 2, "x", "x", "OUTPUTS", 1, "y") == (
        "ERR Number of keys given as INPUTS here does not match model definition")


def test_several_outputs_and_one_of_rank_zero(client):
    assert onnx_model(client, SUMS, "TAG", "t") == b"OK"
    put(client, "a", A)
    put(client, "b", B)
    for _ in range(3):
        execute(client, "m", ["a", "b"], ["sum", "total"])
        assert np.allclose(got(client, "sum"), A + B)
        assert got(client, "total").shape == ()
        assert np.isclose(got(client, "total"), (A + B).sum(), atol=1e-5)
    reply = client.execute_command("AI.MODELGET", "m", "SIGNATURE")
    assert reply[1] == [[b"a", b"FLOAT", [-1, 3]], [b"b", b"FLOAT", [-1, 3]]]


def test_whole_numbers_stay_whole(resp2):
    blob = graph([helper.make_node("Add", ["x", "x"], ["y"]),
                  helper.make_node("Greater", ["y", "x"], ["more"])],
                 [("x", TensorProto.INT64, ("n",))], ["y", "more"])
    onnx_model(resp2, blob)
    put(resp2, "x", np.array([2**60, -1, 0], "i8"))
    execute(resp2, "m", ["x"], ["y", "more"])
    assert got(resp2, "y").tolist() == [2**61, -2, 0]
    assert got(resp2, "more").tolist() == [True, False, False]


def test_a_number_tensors_do_not_have(resp2):
    blob = graph([helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT16)],
                 [floats("x", "n")], ["y"])
    onnx_model(resp2, blob)
    put(resp2, "x", A[0])
    assert said(resp2, "AI.MODELEXECUTE", "m", "INPUTS", 1, "x", "OUTPUTS", 1, "y").startswith(
        "ERR a tensor cannot hold float16 numbers")


def external():
    tensor = numpy_helper.from_array(A, "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return graph([helper.make_node("Add", ["x", "w"], ["y"])], [floats("x", 2, 3)], ["y"],
                 [tensor])


def huge():
    tensor = TensorProto(data_type=1, name="w", dims=[2**40], raw_data=b"1234")
    return graph([helper.make_node("Add", ["x", "w"], ["y"])], [floats("x", 3)], ["y"], [tensor])


def endless():
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"])], "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, ()),
         helper.make_tensor_value_info("go", TensorProto.BOOL, ())],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, ())])
    return graph([helper.make_node("Loop", ["", "x"], [], body=body),
                  helper.make_node("Not", ["x"], ["y"])],
                 [("x", TensorProto.BOOL, ())], ["y"])


@pytest.mark.parametrize(("blob", "text"), [
    (b"", "ERR"),
    (b"nonsense", "ERR"),
    (PLAIN[: len(PLAIN) // 2], "ERR"),
    (external(), "ERR tensor 'w' keeps its data in another file; that is refused"),
    (huge(), "ERR a tensor of shape (1099511627776,) needs 4,398,046,511,104 bytes, the limit is "
             "536,870,912"),
    (graph([helper.make_node("Unique", ["x"], ["y"])], [floats("x", 3)], ["y"]),
     "ERR Could not load backend"),
])
def test_a_file_that_is_refused(resp2, blob, text):
    error = said(resp2, "AI.MODELSTORE", "m", "ONNX", "CPU", "BLOB", blob)
    assert error == text or text == "ERR" and error.startswith("ERR ")
    assert "Traceback" not in error and "Error" not in error and ".py" not in error
    assert resp2.exists("m") == 0


def test_a_model_the_engine_does_not_run_is_named_in_the_log(server, resp2):
    blob = graph([helper.make_node("Unique", ["x"], ["y"])], [floats("x", 3)], ["y"])
    assert said(resp2, "AI.MODELSTORE", "m", "ONNX", "CPU", "BLOB", blob)
    assert "Unique" in server.log and "respnet[onnx]" in server.log


def test_a_loop_without_end_is_ended(serve):
    server = serve(model_execution_timeout=1000)
    client = server.redis(protocol=2)
    onnx_model(client, endless())
    client.execute_command("AI.TENSORSET", "x", "BOOL", "VALUES", 1)
    error = said(client, "AI.MODELEXECUTE", "m", "INPUTS", 1, "x", "OUTPUTS", 1, "y")
    assert ("more than 1,000,000 steps" in error
            or error == "ERR Exiting due to terminate flag being set to true")
    assert client.ping()


ZEROS = graph([helper.make_node("ConstantOfShape", ["x"], ["zeros"]),
               helper.make_node("ReduceSum", ["zeros"], ["y"], keepdims=0)],
              [("x", TensorProto.INT64, (1,))], ["y"])


def test_a_run_on_the_loop_has_a_small_budget():
    runnable = load_onnx(ZEROS, ((), ()), 5.0)
    assert runnable.run_small([np.array([3])]) == [0]
    with pytest.raises(TooLong):
        runnable.run_small([np.array([50_000_000])])
    assert runnable.run([np.array([50_000_000])]) == [0]


def test_small_work_that_becomes_large_is_left_to_a_worker(resp2):
    """Its shapes are those of runs that took no time; its numbers ask for much."""
    onnx_model(resp2, ZEROS)
    for length in (3, 3, 3, 3, 50_000_000, 3):
        put(resp2, "x", np.array([length], "i8"))
        execute(resp2, "m", ["x"], ["y"])
        assert got(resp2, "y") == 0
    put(resp2, "x", np.array([2**40], "i8"))
    assert "bytes" in said(resp2, "AI.MODELEXECUTE", "m", "INPUTS", 1, "x", "OUTPUTS", 1, "y")


def test_shapes_that_do_not_fit(resp2):
    onnx_model(resp2, SUMS)
    put(resp2, "a", A)
    put(resp2, "wide", np.ones((2, 4), "f4"))
    words = ("m", "INPUTS", 2, "a", "wide", "OUTPUTS", 2, "y", "z")
    assert said(resp2, "AI.MODELEXECUTE", *words) == (
        "ERR input 'b' wants shape (None, 3), got (2, 4)")
    onnx_model(resp2, PLAIN, key="net")
    assert said(resp2, "AI.MODELEXECUTE", "net", "INPUTS", 1, "wide", "OUTPUTS", 1, "y").startswith(
        "ERR input ")
