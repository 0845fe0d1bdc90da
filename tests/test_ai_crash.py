"""kill -9 under AI.MODELSTORE and AI.MODELEXECUTE: what was acknowledged is there afterwards."""

import random
import signal
import time

import numpy as np
import pytest
from ai_models import blob_of, execute, got, network, put
from test_server_crash import SEED, Client

CYCLES = 6  # for each policy
SIZES = (3, 3000, 500)  # small models, and some of several parts
MODELS = [network(3, units, 2, seed=units) for units in SIZES]
LINEAR = network(3, 2)  # its outputs tell the numbers apart


class Storer(Client):
    """Stores models one over another; the tag counts up and says which one it is."""

    def recall(self):
        if not self.client.exists(f"model{self.number}"):
            return -1
        meta = self.client.execute_command("AI.MODELGET", f"model{self.number}")
        tag = int(meta[5])
        assert meta[-1] == blob_of(MODELS[tag % len(MODELS)])  # whole, and the tag's own
        return tag

    def step(self):
        tag = self.acknowledged + 1
        words = ("RESPNET", "CPU", "TAG", tag, "BLOB", blob_of(MODELS[tag % len(MODELS)]))
        reply = self.client.execute_command("AI.MODELSTORE", f"model{self.number}", *words)
        assert reply == b"OK"
        self.acknowledged = tag


class Runner(Client):
    """Runs a model on the number n and keeps what comes out: acknowledged outputs are there."""

    def recall(self):
        key = f"{self.number}"
        if not self.client.exists("run" + key):
            words = ("RESPNET", "CPU", "BLOB", blob_of(LINEAR))
            self.client.execute_command("AI.MODELSTORE", "run" + key, *words)
        if not self.client.exists("y" + key):
            return -1
        x, y = got(self.client, "x" + key), got(self.client, "y" + key)
        n = round(float(x[0, 0]))
        # A kill may come between the two commands: y is of x or of the one before.
        fits = [i for i in (n, n - 1) if np.allclose(y, LINEAR.predict(self.row(i)), atol=0.02)]
        assert fits
        return fits[0]

    def row(self, n):
        return np.array([[n, 1, 2]], np.float32)

    def step(self):
        n, key = self.acknowledged + 1, f"{self.number}"
        put(self.client, "x" + key, self.row(n))
        assert execute(self.client, "run" + key, ["x" + key], ["y" + key]) == b"OK"
        self.acknowledged = n


def traffic(server):
    return [Storer(server, 0), Storer(server, 1), Runner(server, 0), Runner(server, 1)]


@pytest.mark.parametrize("policy", ["always", "everysec"])
def test_no_acknowledged_model_or_output_is_lost(serve, policy):
    random.seed(SEED)
    server = serve(appendfsync=policy)
    clients, done = traffic(server), 0
    for _ in range(CYCLES):
        for client in clients:
            client.start()
        time.sleep(random.uniform(0.1, 0.5))
        server.end(signal.SIGKILL)
        for client in clients:
            client.join(20)
            assert client.failure is None
        server.start()
        after = traffic(server)
        for client, before in zip(after, clients, strict=True):
            assert before.acknowledged <= client.acknowledged <= before.acknowledged + 1
        done, clients = done + sum(c.acknowledged for c in after), after
    assert done > 0
