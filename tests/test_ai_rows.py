"""One row of a network, from bytes to bytes: the numbers and the errors of ``predict``."""

import numpy as np
import pytest
from ai_models import execute, got, network, put, said, store

from respnet import Input, Sequential
from respnet.engine import Model
from respnet.engine.errors import ShapeError
from respnet.engine.kernels.binding import predict_row
from respnet.layers import Dense, Embedding, Flatten
from respnet.redisproto.ai_backends import Network
from respnet.redisproto.ai_tensor import TensorValue
from respnet.redisproto.ai_tensor_words import reply

ROW = np.array([[0.5, -1, 2]])


def words():
    """(3) numbers of 5 words -> (2)"""
    return Model(Sequential([Input((3,)), Embedding(5, 2), Flatten(), Dense(2)]).spec)


def shaped():
    """(3,2) -> (3,2)"""
    return Model(Sequential([Input((3, 2)), Dense(2)]).spec)


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
    with pytest.raises(ShapeError, match="one flat row in and one out"):
        predict_row(shaped(), bytes(24))


def test_networks_say_which_row_they_take():
    name, shape, data = Network(network(dtype="float64")).run_row(ROW.tobytes())
    assert (name, shape, len(data)) == ("DOUBLE", (1, 2), 16)
    assert Network(network()).row == ("FLOAT", (1, 3))
    assert Network(shaped()).row is None


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
