"""One row of a network, from bytes to bytes: the numbers and the errors of ``predict``."""

import numpy as np
import pytest
from ai_models import WRONGTYPE, execute, figures, got, network, put, said, store

from respnet import Input, Sequential
from respnet.engine import Model
from respnet.engine.errors import ShapeError
from respnet.engine.kernels.binding import predict_row
from respnet.layers import Dense, Embedding, Flatten
from respnet.redisproto.ai_backends import Network, load_onnx
from respnet.redisproto.ai_tensor import TensorValue
from respnet.redisproto.ai_tensor_words import reply

ROW = np.array([[0.5, -1, 2]])


def words():
    """(3) numbers of 5 words -> (2)"""
    return Model(Sequential([Input((3,)), Embedding(5, 2), Flatten(), Dense(2)]).spec)


def shaped():
    """(3,2) -> (3,2)"""
    return Model(Sequential([Input((3, 2)), Dense(2)]).spec)


def unknown():
    """(?,2) -> (?,2)"""
    return Model(Sequential([Input((None, 2)), Dense(2)]).spec)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_row_gives_the_numbers_of_predict(dtype):
    net = network(dtype=dtype)
    for row in (ROW.astype(dtype), -ROW.astype(dtype)):
        assert predict_row(net, row.tobytes()) == net.predict(row).tobytes()
    net.swap(2 * net.weights.vector)
    assert predict_row(net, row.tobytes()) == net.predict(row).tobytes()


def test_other_rows_are_refused():
    for row in (b"", bytes(8), bytes(16), bytes(24)):
        with pytest.raises(ShapeError, match="predict_row wants 3 numbers of float32, 12 bytes; "
                                             f"got {len(row)} bytes"):
            predict_row(network(), row)
    with pytest.raises(ShapeError, match="one row in and one out, of known shapes"):
        predict_row(unknown(), bytes(24))


def test_rows_of_any_shape():
    net, row = shaped(), np.arange(6, dtype=np.float32).reshape(1, 3, 2)
    assert predict_row(net, row.tobytes()) == net.predict(row).tobytes()
    assert Network(net).row == ("FLOAT", (1, 3, 2))
    assert Network(net).run_row(row.tobytes()) == ("FLOAT", (1, 3, 2), net.predict(row).tobytes())


def test_networks_say_which_row_they_take():
    name, shape, data = Network(network(dtype="float64")).run_row(ROW.tobytes())
    assert (name, shape, len(data)) == ("DOUBLE", (1, 2), 16)
    assert Network(network()).row == ("FLOAT", (1, 3))
    assert Network(unknown()).row is None


def test_what_no_row_can_be_is_told_on_the_loop_too(resp2):
    store(resp2, "m", words())
    for row in ([[0, 1, 4]], [[0, 1, 4]], [[0, 1, 4]], [[0, 5, 4]]):
        put(resp2, "x", np.array(row, np.float32))
        if row[0][1] == 1:
            execute(resp2, "m", ["x"], ["y"])
            assert got(resp2, "y").shape == (1, 2)
    assert said(resp2, "AI.MODELEXECUTE", "m", "INPUTS", 1, "x", "OUTPUTS", 1, "y") == (
        "ERR an embedding wants whole numbers from 0 to 4, got 5")


def test_values_of_no_elements():
    for name in ("FLOAT", "BOOL", "INT64"):
        assert reply(TensorValue(name, (0, 2), b""), [b"values"]) == []


def linear(outputs, intercepts=True):
    """A linear model (4) -> (outputs) of ai.onnx.ml."""
    helper = pytest.importorskip("onnx", reason="onnx is in the test extra").helper
    rng = np.random.default_rng(outputs)
    more = {"intercepts": rng.normal(size=outputs).tolist()} if intercepts else {}
    node = helper.make_node("LinearRegressor", ["x"], ["y"], domain="ai.onnx.ml", targets=outputs,
                            coefficients=rng.normal(size=4 * outputs).tolist(), **more)
    x, y = (helper.make_tensor_value_info(name, 1, [None, size])
            for name, size in (("x", 4), ("y", outputs)))
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)]
    graph = helper.make_graph([node], "linear", [x], [y])
    return helper.make_model(graph, opset_imports=sets, ir_version=8).SerializeToString()


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("intercepts", [True, False])
def test_a_linear_model_has_a_row_of_the_same_bits(outputs, intercepts):
    model = load_onnx(linear(outputs, intercepts), ((), ()), 5)
    assert model.row == ("FLOAT", (1, 4))
    for x in np.random.default_rng(1).normal(size=(50, 1, 4)).astype(np.float32):
        assert model.run_row(x.tobytes()) == ("FLOAT", (1, outputs), model.run([x])[0].tobytes())
    with pytest.raises(ShapeError, match="a linear row wants 16 bytes, got 12"):
        model.run_row(bytes(12))


def runs(client, x, keys):
    """What several outputs of one model and input are, and what AI.INFO counts."""
    put(client, "x", x)
    for key in keys:
        assert execute(client, "m", ["x"], [key]) == b"OK"
    return [got(client, key).tobytes() for key in keys]


def test_runs_on_the_loop_do_what_the_others_do(resp2):
    """The first runs go the long way, the next ones the short one: nobody can tell."""
    net = shaped()
    store(resp2, "m", net)
    rng = np.random.default_rng(1)
    for x in rng.normal(size=(10, 1, 3, 2)).astype(np.float32):
        wanted = net.predict(x)
        assert set(runs(resp2, x, ["y", "z", "y"])) == {wanted.tobytes()}
    assert figures(resp2, "m")["calls"] == figures(resp2, "m")["samples"] == 30
    put(resp2, "x", np.zeros((2, 3, 2), np.float32))  # not one row
    assert execute(resp2, "m", ["x"], ["y"]) == b"OK" and got(resp2, "y").shape == (2, 3, 2)
    resp2.set("text", "t")
    put(resp2, "x", x)
    assert said(resp2, "AI.MODELEXECUTE", "m", "INPUTS", 1, "x", "OUTPUTS", 1, "text") == WRONGTYPE
    resp2.expire("z", 100)
    resp2.execute_command("AI.MODELEXECUTE", "m", "inputs", "1", "x", "outputs", "1", "z")
    assert resp2.ttl("z") == -1 and got(resp2, "z").tobytes() == wanted.tobytes()
