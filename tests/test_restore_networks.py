"""RESTORE of payloads that Neural Redis dumped: the same answers as the original's formula."""

import struct

import numpy as np
import pytest
from ai_models import said

from respnet.redisproto import ai_rdb, rdb

UNITS = (3, 4, 5, 2)  # input first
RNG = np.random.default_rng(3)


def floats(array):
    return b"".join(b"\3" + struct.pack("<f", number) for number in np.ravel(array))


def uints(*numbers):
    return b"".join(map(rdb.uint, numbers))


def payload(flags, layers, norms, train, test, units=UNITS, encoding=2):
    """layers: (O, I + 1) each, the bias last, input first. As neuralredis.c writes them."""
    body = uints(len(units), *units[::-1], flags, 7, 600, 2500, 0, 10000) + floats([0.25, 0.5, 0.1])
    for n, weights in enumerate(layers[::-1]):
        if n:  # hidden layers have a row of their bias unit
            weights = np.vstack([weights, RNG.normal(size=weights.shape[1])])
        body += floats(weights) + floats(np.ones((2, *weights.shape)))
    body += floats(norms[0]) + floats(norms[1])
    for inputs, outputs, most in (train, test):
        body += uints(len(inputs), most) + floats(inputs) + floats(outputs)
    number = ai_rdb.type_id("neural-NN", encoding)
    return rdb.seal(b"\7\x81" + number.to_bytes(8, "big") + body + b"\0")


def weights():
    return [RNG.normal(size=(after, before + 1))
            for before, after in zip(UNITS, UNITS[1:], strict=False)]


def simulated(layers, x):
    for layer in layers:
        x = 1 / (1 + np.exp(-(layer @ [*x, 1])))
    return x


def test_a_regressor_with_normalisation(resp2):
    layers, norms = weights(), ([2.0, 1.0, 4.0], [3.0, 1.0])
    train = (RNG.normal(size=(3, 3)), RNG.normal(size=(3, 2)), 10)
    test = (RNG.normal(size=(1, 3)), RNG.normal(size=(1, 2)), 5)
    resp2.restore("net", 0, payload(2 | 8 | 32, layers, norms, train, test))
    x = np.array([0.5, -1, 2])
    got = [float(y) for y in resp2.execute_command("NR.RUN", "net", *x.tolist())]
    np.testing.assert_allclose(got, simulated(layers, x / norms[0]) * norms[1], rtol=1e-5)
    row = resp2.execute_command("NR.GETDATA", "net", "TRAIN", 2)
    np.testing.assert_allclose(np.concatenate(row).astype(float), [*train[0][2], *train[1][2]],
                               rtol=1e-6)
    info = resp2.execute_command("NR.INFO", "net")
    info = dict(zip(info[::2], info[1::2], strict=True))
    assert info[b"layout"] == list(UNITS) and info[b"type"] == b"regressor"
    assert info[b"auto-normalization"] == 1 and info[b"training-total-steps"] == 600
    assert info[b"training-total-cycles"] == 200 and info[b"training-total-seconds"] == b"2.50"
    assert info[b"training-dataset-maxlen"] == 10 and info[b"test-dataset-len"] == 1
    assert info[b"overfitting-detected"] == b"yes" and float(info[b"dataset-error"]) == 0.25


def test_a_classifier_learns_on(resp2):
    layers = weights()
    one_hot = np.eye(2)[[0, 1, 1]]
    none = (np.zeros((0, 3)), np.zeros((0, 2)), 0)
    resp2.restore("net", 0, payload(4, layers, (np.ones(3), np.ones(2)),
                                    (RNG.normal(size=(3, 3)), one_hot, 3), none))
    for _ in range(5):
        x = RNG.normal(size=3)
        wanted = simulated(layers, x).argmax()
        assert resp2.execute_command("NR.CLASS", "net", *x.tolist()) == wanted
    assert resp2.execute_command("NR.GETDATA", "net", "TRAIN", 1)[1] == [b"0", b"1"]
    assert resp2.execute_command("NR.TRAIN", "net", "MAXCYCLES", 3) == b"Training has started"


ARGUMENTS = (4, weights(), (np.ones(3), np.ones(2)), (np.ones((1, 3)), np.eye(2)[:1], 3),
             (np.zeros((0, 3)), np.zeros((0, 2)), 0))


def changed(place, value, **more):
    return payload(*ARGUMENTS[:place], value, *ARGUMENTS[place + 1 :], **more)


BROKEN = {
    "another encoding": payload(*ARGUMENTS, encoding=1),
    "both types": changed(0, 6),
    "no type": changed(0, 0),
    "more rows than there may be": changed(3, (np.ones((2, 3)), np.eye(2), 1)),
    "a row that is no number": changed(3, (np.full((1, 3), np.nan), np.eye(2)[:1], 3)),
    "weights that are no numbers": changed(1, [w * np.nan for w in weights()]),
    "too few weights": payload(*ARGUMENTS, units=(3, 4, 6, 2)),
    "huge layers": payload(*ARGUMENTS, units=(3, 2**40, 2**40, 2)),
    "one layer": payload(*ARGUMENTS, units=(3,)),
    "too many layers": payload(*ARGUMENTS, units=(3,) * 33),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_broken_networks_are_refused(resp2, data):
    assert said(resp2, "RESTORE", "net", 0, data) == "ERR Bad data format"
    assert not resp2.exists("net")
