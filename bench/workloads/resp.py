"""Servers over loopback, driven by redis-benchmark with 50 connections.

The yardstick is redis-server's PING, the least a server can do. At pipeline 1 the kernel's
socket path and redis-benchmark itself are the bottleneck, so every server is about level there;
the processor time of the server for each request ranks them all the same.
"""

import functools
from contextlib import ExitStack

import numpy as np

from .. import nets
from ..harness import Bar, Contest, Disagreement, Skipped
from ..load import Load
from ..peers import servers

TITLE = "Server over loopback, redis-benchmark -c 50"
PING = "redis-server PING"
SIZES = ((2, 3, 1), (9, 15, 2), (64, 100, 10), (784, 100, 10))
ORIGINAL = "neural-redis"
POLICIES = ("everysec", "no", "off", "always")
RATE = "requests_per_s"
# pipeline -> times redis-server's PING rate that NR.RUN and NR.OBSERVE of 9-15-2 must reach
RATES = {1: 1.0, 16: 1.0, 64: 0.9}


def contests(quick):
    with ExitStack() as stack:
        started, skipped = start(stack)
        clients = {name: server.client() for name, server in started.items()}
        for name, client in clients.items():
            if name != "redis-server":
                create(client)
        for pipeline in RATES:
            loads = {
                title: Load(started[name], pipeline, request)
                for title, (name, request) in requests().items()
                if name in started
            }
            yield Contest(
                f"pipeline {pipeline}", loads, functools.partial(verify, clients),
                bars(pipeline), skipped, RATE, PING,
            )


def start(stack):
    started, skipped = {}, {}
    wanted = {"redis-server": servers.redis_server, ORIGINAL: servers.neural_redis}
    wanted |= {policy: functools.partial(servers.respnet_server, policy) for policy in POLICIES}
    for name, make in wanted.items():
        try:
            started[name] = stack.enter_context(make())
        except Skipped as reason:
            skipped[name] = str(reason)
    return started, skipped


def words(sizes):
    """One row of inputs as text, as a client would send it."""
    return [f"{value:.6g}" for value in nets.rows(1, sizes[0])[0]]


def blob(sizes):
    """The same row in binary. redis-benchmark ends an argument at a zero byte, so there are none:
    the last bits of some values differ."""
    plain = np.array([float(word) for word in words(sizes)], "<f4").view(np.uint8)
    return np.maximum(plain, 1).tobytes()


def row(sizes):
    """One row of NR.OBSERVE: inputs -> class."""
    return [*words(sizes), "->", "0"]


def title(sizes):
    return "-".join(map(str, sizes))


def requests():
    """Side -> (server, request)"""
    found = {PING: ("redis-server", ["PING"]), "PING": ("everysec", ["PING"])}
    for server, prefix in (("everysec", ""), (ORIGINAL, f"{ORIGINAL} ")):
        for sizes in SIZES:
            net = title(sizes)
            found[f"{prefix}NR.RUN {net}"] = (server, ["NR.RUN", net, *words(sizes)])
            found[f"{prefix}NR.CLASS {net}"] = (server, ["NR.CLASS", net, *words(sizes)])
            found[f"{prefix}NR.OBSERVE {net}"] = (server, ["NR.OBSERVE", net, *row(sizes)])
    largest, small = SIZES[-1], SIZES[1]
    run = ["NR.RUN", title(largest), "BLOB", blob(largest)]
    found[f"NR.RUN {title(largest)} BLOB"] = ("everysec", run)
    for policy in POLICIES[1:]:
        request = ["NR.OBSERVE", title(small), *row(small)]
        found[f"NR.OBSERVE {title(small)}, appendfsync {policy}"] = (policy, request)
    return found


def bars(pipeline):
    rates = tuple(
        Bar(at_least=RATES[pipeline], against=PING, metric=RATE, side=f"{command} 9-15-2")
        for command in ("NR.RUN", "NR.OBSERVE")
    )
    if pipeline != 16:
        return rates
    return *rates, Bar(at_most=12, side="NR.RUN 784-100-10"), Bar(
        at_most=5, side="NR.RUN 784-100-10 BLOB"
    )


def create(client):
    """The networks under load: classifiers with room for 2,000 rows."""
    for sizes in SIZES:
        layout = [*sizes[:-1], "->", max(2, sizes[-1])]
        client.execute_command("NR.CREATE", title(sizes), "CLASSIFIER", *layout,
                               "DATASET", 1500, "TEST", 500)


def verify(clients):
    """Every server answers each request, and its answers fit together."""
    for name, request in requests().values():
        if name in clients:
            clients[name].execute_command(*request)  # an error reply raises
    if POLICIES[0] not in clients:
        return "No respnet server took part."
    for sizes in SIZES:
        agree_on(clients[POLICIES[0]], sizes)
    return "Checked: NR.RUN of text and of BLOB agree, NR.CLASS is the largest output."


def agree_on(client, sizes):
    net = title(sizes)
    run = np.array(client.execute_command("NR.RUN", net, *words(sizes)), float)
    binary = client.execute_command("NR.RUN", net, "BLOB", blob(sizes))
    binary = np.frombuffer(binary, "<f4") if isinstance(binary, bytes) else np.array(binary, float)
    if not np.allclose(run, binary, atol=1e-4):
        raise Disagreement(f"{net}: NR.RUN of text is {run}, of BLOB {binary}")
    if (got := client.execute_command("NR.CLASS", net, *words(sizes))) != run.argmax():
        raise Disagreement(f"{net}: NR.CLASS is {got}, wanted {run.argmax()}")
