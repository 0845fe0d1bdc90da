"""What a request of 96 MB costs the other clients: the longest of their PINGs meanwhile.

Beside it redis-server's SET and GET of as many bytes, which it copies as well.
"""

import functools
import json
import socket
import subprocess
import sys
import time
from contextlib import ExitStack

from respnet.engine import Model, ModelSpec, storage

from ..closed_loop import encode
from ..harness import Bar, Contest, Disagreement, Skipped
from ..peers import servers

TITLE = "Other clients' PING beside a request of 96 MB"
REDIS = "redis-server"
UNITS, QUICK_UNITS = (1000, 12_000, 1000), (100, 1200, 100)
AROUND, PATIENCE = 0.5, 60  # seconds
STORE, READERS = "AI.MODELSTORE", ("GET", "AI.MODELGET", "AI.TENSORGET")
BARS = (Bar(at_most=50, metric="max_ms", side=STORE, worst=True),)


class Stall:
    """A side: the latencies of one client's PINGs while another sends ``request`` (words)."""

    def __init__(self, server, request):
        self.server, self.request, self.reply = server, encode(request), b""
        self.link = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)

    def warm_up(self, seconds):
        self.sample()

    def sample(self):
        with subprocess.Popen([sys.executable, "-m", "bench.pinger", str(self.server.port)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as pinger:
            time.sleep(AROUND)
            start = time.perf_counter()
            self.ask()
            wall = time.perf_counter() - start
            time.sleep(AROUND)  # the store may still be writing
            told = json.loads(pinger.communicate(b"\n")[0])
        return {**told, "wall_ms": 1e3 * wall}

    def ask(self):
        self.link.sendall(self.request)
        reply = [self.link.recv(1 << 20)]
        head = reply[0].split(b"\r\n")[0]
        if head[:1] == b"-":
            raise RuntimeError(head)
        wanted = len(head) + 2 + (int(head[1:]) + 2 if head[:1] == b"$" else 0)
        size = len(reply[0])
        while size < wanted:
            reply.append(self.link.recv(1 << 20))
            size += len(reply[-1])
        self.reply = b"".join(reply)


def contests(quick):
    blob = model(QUICK_UNITS if quick else UNITS)
    with ExitStack() as stack:
        started, skipped = {}, {}
        for name, make in ((REDIS, servers.redis_server), ("respnet", servers.respnet_server)):
            try:
                started[name] = stack.enter_context(make())
            except Skipped as reason:
                skipped[name] = str(reason)
        sides = {title: Stall(started[name], words) for title, name, words in requests(blob)
                 if name in started}
        yield Contest(f"{len(blob) / 1e6:.0f} MB", sides, functools.partial(verify, sides, blob),
                      BARS, skipped, "max_ms", f"{REDIS} SET" if REDIS in started else "PING alone")


def requests(blob):
    """(title, server, words); what reads comes behind what writes."""
    tensor = ["UINT8", str(len(blob)), "BLOB", blob]
    return [
        ("PING alone", "respnet", ["PING"]),
        (f"{REDIS} SET", REDIS, ["SET", "k", blob]),
        (f"{REDIS} GET", REDIS, ["GET", "k"]),
        ("SET", "respnet", ["SET", "k", blob]),
        ("GET", "respnet", ["GET", "k"]),
        (STORE, "respnet", [STORE, "m", "RESPNET", "CPU", "BLOB", blob]),
        ("AI.MODELGET", "respnet", ["AI.MODELGET", "m", "BLOB"]),
        ("AI.TENSORSET", "respnet", ["AI.TENSORSET", "t", *tensor]),
        ("AI.TENSORGET", "respnet", ["AI.TENSORGET", "t", "BLOB"]),
    ]


def model(units):
    net = Model(ModelSpec.dense(units, role="regressor", hidden="tanh", seed=1))
    return storage.to_bytes(storage.Saved(net.spec, {"weights": net.weights.vector}))


def verify(sides, blob):
    """What was stored comes back."""
    wanted = b"$%d\r\n%s\r\n" % (len(blob), blob)
    for title, side in sides.items():
        side.ask()
        if title in READERS and side.reply != wanted:
            raise Disagreement(f"{title}: other bytes than were stored")
    return "Checked: values, models and tensors come back byte for byte."
