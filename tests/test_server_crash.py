"""kill -9 of the whole server under traffic: what a client was told is done, is there afterwards.

Clients write at the same time and remember what was acknowledged. A setter counts one key up; an
observer adds numbered rows; a trainer trains and remembers the totals it saw with ``training`` 0.
After each kill the server starts again on the same store and is compared with what they remember.
The one write that was not answered may be there or not.
"""

import os
import random
import signal
import threading
import time

import pytest
import redis
from nr_helpers import info

CYCLES = 15  # for each policy
SEED = int(os.environ.get("RESPNET_SEED", "1"))
PIPELINE = 8


class Client(threading.Thread):
    """Writes until the server is gone; ``acknowledged`` is what must be there."""

    def __init__(self, server, number):
        super().__init__(daemon=True)
        self.client = redis.Redis(port=server.port, socket_timeout=20, retry=None)
        self.number, self.failure = number, None
        self.acknowledged = self.recall()

    def run(self):
        try:
            while True:
                self.step()
        except redis.ConnectionError:
            pass  # the server was killed
        except Exception as error:
            self.failure = error


class Setter(Client):
    """SET of rising numbers, some of them pipelined."""

    def recall(self):
        return int(self.client.get(f"count{self.number}") or 0)

    def step(self):
        numbers = [self.acknowledged + 1 + i for i in range(random.choice((1, PIPELINE)))]
        pipeline = self.client.pipeline(transaction=False)
        for number in numbers:
            pipeline.set(f"count{self.number}", number)
        pipeline.execute()
        self.acknowledged = numbers[-1]


class Observer(Client):
    """Row n of its network is (n, -n) -> n: one row or many in a command."""

    def recall(self):
        key = f"rows{self.number}"
        if not self.client.exists(key):
            self.client.execute_command("NR.CREATE", key, "REGRESSOR", 2, "->", 1, "DATASET", 10**6)
        length = info(self.client, key)["training-dataset-len"]
        for row in {0, length // 2, length - 1} - {-1, length}:
            found = self.client.execute_command("NR.GETDATA", key, "TRAIN", row)
            assert found == [[row, -row], [row]]
        return length

    def step(self):
        first, count = self.acknowledged, random.choice((1, 1, PIPELINE))
        rows = [(n, -n, n) for n in range(first, first + count)]
        words = [word for row in rows for word in row]
        words = [*words[:2], "->", words[2]] if count == 1 else ["ROWS", count, *words]
        length, _ = self.client.execute_command("NR.OBSERVE", f"rows{self.number}", *words)
        assert length == first + count
        self.acknowledged = length


class Trainer(Client):
    """Trains for some cycles, again and again: total cycles and weights."""

    def recall(self):
        if not self.client.exists("net"):
            self.client.execute_command("NR.CREATE", "net", "REGRESSOR", 2, 5, "->", 1,
                                        "NORMALIZE", "DATASET", 50)
            for i in range(20):
                self.client.execute_command("NR.OBSERVE", "net", i, i * i % 7, "->", i)
        return self.look()

    def look(self):
        """(total cycles, outputs): weights and totals belong together."""
        found = info(self.client, "net")
        assert found["training-dataset-len"] == 20
        return found["training-total-cycles"], self.client.execute_command("NR.RUN", "net", 3, 4)

    def step(self):
        self.client.execute_command("NR.TRAIN", "net", "MAXCYCLES", random.randrange(1, 300))
        while info(self.client, "net")["training"]:
            time.sleep(0.001)
        self.acknowledged = self.look()


def traffic(server):
    kinds = [(Setter, 0), (Setter, 1), (Observer, 0), (Observer, 1), (Trainer, 0)]
    return [kind(server, number) for kind, number in kinds]


def check(client, before, most):
    """Nothing acknowledged is lost; at most the one unanswered write is there besides."""
    assert client.failure is None
    now, then = client.recall(), before.acknowledged
    if isinstance(client, Trainer):
        assert now[0] >= then[0]
        assert now[0] > then[0] or now[1] == then[1]
    else:
        assert then <= now <= then + most
    return now


@pytest.mark.parametrize("policy", ["always", "everysec"])
def test_nothing_acknowledged_is_lost(serve, policy):
    random.seed(SEED)
    server = serve(appendfsync=policy)
    before, done = traffic(server), 0
    for _ in range(CYCLES):
        for client in before:
            client.start()
        time.sleep(random.uniform(0.02, 0.5))
        server.end(signal.SIGKILL)
        for client in before:
            client.join(20)
            assert client.failure is None
        server.start()
        if random.random() < 0.15:  # again, before anything was written
            server.end(signal.SIGKILL)
            server.start()
        after = traffic(server)
        for client, last in zip(after, before, strict=True):
            check(client, last, PIPELINE)
        done += sum(client.acknowledged for client in after[:4])
        before = after
    assert done > 0 and before[4].acknowledged[0] > 0
