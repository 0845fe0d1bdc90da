"""One request sent over and over on raw sockets, each connection waiting for its reply.

A request that is constant has a reply of constant length, so no reply is parsed: what is measured
is the server, and about 10 µs of this process for each request.
"""

import select
import socket
import time

PATIENCE = 20  # seconds


class ClosedLoop:
    """A side: ``request`` (list of words) to ``server`` from so many ``clients``.

    Metrics: requests_per_s, the median and the 99th percentile of the latency, the processor time
    of the whole server process.
    """

    def __init__(self, server, clients: int, request: list):
        self.server, self.request, self.count = server, encode(request), 50 * clients
        self.sockets = {}
        for _ in range(clients):
            one = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sockets[one.fileno()] = one
        self.size = None

    def warm_up(self, seconds):
        """Ten times ``seconds``: a load needs that long to settle."""
        first = next(iter(self.sockets.values()))
        for _ in range(3):  # a model's first runs prepare it
            first.sendall(self.request)
            time.sleep(0.05)
            reply = first.recv(1 << 22)
        if reply.startswith(b"-") or b"\r\n-" in reply:
            raise RuntimeError(f"{self.request[:60]!r} is answered {reply[:200]!r}")
        self.size = len(reply)
        for _ in range(2):
            rate = self.sample()["requests_per_s"]
            self.count = max(self.count, round(rate * seconds * 10))

    def sample(self):
        cpu, start = self.server.cpu_ns(), time.perf_counter()
        latencies = sorted(self.drive())
        wall = time.perf_counter() - start
        cpu = self.server.cpu_ns() - cpu
        done = len(latencies)
        return {"requests_per_s": done / wall, "p50_us": 1e6 * latencies[done // 2],
                "p99_us": 1e6 * latencies[done * 99 // 100], "cpu_us": cpu / 1e3 / done}

    def drive(self):
        """Seconds of each of ``count`` requests."""
        poll, clock, request, size = select.epoll(), time.perf_counter, self.request, self.size
        latencies, sent, missing = [], {}, dict.fromkeys(self.sockets, size)
        for number, one in self.sockets.items():
            poll.register(number, select.EPOLLIN)
            sent[number] = clock()
            one.sendall(request)
        to_send = self.count - len(self.sockets)
        while len(latencies) < self.count:
            for number, _ in poll.poll(PATIENCE):
                one = self.sockets[number]
                missing[number] -= len(one.recv(1 << 20))
                if missing[number]:
                    continue
                now = clock()
                latencies.append(now - sent[number])
                if to_send > 0:
                    to_send -= 1
                    missing[number], sent[number] = size, now
                    one.sendall(request)
        poll.close()
        return latencies


def encode(words: list) -> bytes:
    """Words -> the bytes of a request."""
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)
