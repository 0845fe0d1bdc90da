"""Hostile models: each is refused, stored or run, and nothing of it happens.

Reliability R23: an error of one line within 10 s, PING of another client answered within 1 s,
growth at most 512 MB, no marker file.
"""

import re
import threading
import time

import numpy as np
import pytest
import redis
from ai_models import execute, got, network, put

pytest.importorskip("onnx", reason="onnx is in the test extra")
from hostile_models import ALL

from respnet.engine import storage

PATIENCE, PING, GROWTH = 10, 1, 512 << 20
# Of Python, of paths, of memory: nothing of it is anybody's business.
INSIDE = re.compile(r"Traceback|\.py\b|site-packages|0x[0-9a-f]{6}|<class|<built-in|object|tuple|"
                    r"recursion|[A-Za-z]+Error\b|NoneType|numpy|sys\.|[\r\n]")


class Pinger(threading.Thread):
    """Another client that asks all the time; ``slowest``: seconds of its slowest answer."""

    def __init__(self, client):
        super().__init__()
        self.client, self.slowest, self.over = client, 0.0, threading.Event()

    def run(self):
        while not self.over.is_set():
            start = time.monotonic()
            self.client.ping()
            self.slowest = max(self.slowest, time.monotonic() - start)
            time.sleep(0.005)


def memory(server, field):
    """Bytes of memory of the server now (VmRSS), or the most since ``forget`` (VmHWM)."""
    with open(f"/proc/{server.process.pid}/status") as status:
        line = next(line for line in status if line.startswith(field))
    return int(line.split()[1]) * 1024


def forget(server):
    """The most so far is what there is now."""
    with open(f"/proc/{server.process.pid}/clear_refs", "w") as file:
        file.write("5")


def answer(client, *words):
    """The error's text, or None; it comes in time."""
    start = time.monotonic()
    try:
        client.execute_command(*words)
        return None
    except redis.ResponseError as error:
        return str(error)
    finally:
        assert time.monotonic() - start < PATIENCE


def put_any(client, key, array):
    if array.dtype.kind == "i":
        array = array.astype("i8")
    put(client, key, array)


@pytest.mark.parametrize("name", ALL)
def test_a_hostile_model_is_refused(server, name):
    client, (words, arrays) = server.redis(protocol=2), ALL[name]
    for number, array in enumerate(arrays):
        put_any(client, f"x{number}", array)
    forget(server)
    before = memory(server, "VmRSS")
    pinger = Pinger(server.redis())
    pinger.start()
    try:
        error = answer(client, "AI.MODELSTORE", "m", *words)
        if error is None:
            slots = client.execute_command("AI.MODELGET", "m", "SIGNATURE")
            inputs = [f"x{n}" for n in range(len(arrays))]
            outputs = [f"y{n}" for n in range(len(slots[3]))]
            error = answer(client, "AI.MODELEXECUTE", "m", "INPUTS", len(inputs), *inputs,
                           "OUTPUTS", len(outputs), *outputs)
            assert client.exists(*outputs) == 0
    finally:
        pinger.over.set()
        pinger.join()
    assert error and not INSIDE.search(error), error
    assert len(error) < 600
    assert pinger.slowest < PING
    assert memory(server, "VmHWM") - before < GROWTH
    assert server.process.poll() is None and "Traceback" not in server.log
    assert sorted(path.name for path in server.folder.iterdir()) == ["data", "log"]


def test_weights_that_are_no_numbers_come_through(resp2):
    net = network(3, 4, 2)
    weights = {"weights": np.full_like(net.weights.vector, np.nan)}
    resp2.execute_command("AI.MODELSTORE", "m", "RESPNET", "CPU", "BLOB",
                          storage.to_bytes(storage.Saved(net.spec, weights)))
    put(resp2, "x", np.ones((2, 3), "f4"))
    execute(resp2, "m", ["x"], ["y"])
    assert np.isnan(got(resp2, "y")).all()
