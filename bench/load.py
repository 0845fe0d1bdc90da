"""One request sent over and over by redis-benchmark, as a side of a contest."""

import csv
import io
import subprocess

from .pinning import ALL_CPUS, on_cpus

CLIENTS = 50


class Load:
    """``request`` to ``server`` from 50 connections, ``pipeline`` deep.

    A bytes argument can only stand last (it goes through redis-benchmark's standard input) and
    has no zero byte.
    The processor time is that of the whole server process for each request.
    """

    def __init__(self, server, pipeline: int, request: list):
        self.server = server
        self.count = 4 * CLIENTS * pipeline
        self.last = request[-1] if isinstance(request[-1], bytes) else None
        if self.last is not None and 0 in self.last:
            raise ValueError("redis-benchmark cuts an argument at its first zero byte")
        words = request[:-1] if self.last is not None else request
        self.command = ["redis-benchmark", "-p", str(server.port), "-c", str(CLIENTS)]
        self.command += ["-P", str(pipeline), "--csv"]
        self.command += ["-x"] if self.last is not None else []
        self.words = [str(word) for word in words]

    def warm_up(self, seconds):
        """Ten times ``seconds``: a load needs that long to settle."""
        for _ in range(2):
            rate = self.sample()["requests_per_s"]
            self.count = max(self.count, round(rate * seconds * 10))

    def sample(self):
        began = self.server.cpu_ns()
        with on_cpus(ALL_CPUS):
            done = subprocess.run(
                [*self.command, "-n", str(self.count), *self.words],
                input=self.last, capture_output=True,
            )
        cpu = self.server.cpu_ns() - began
        if done.returncode:
            raise RuntimeError(f"redis-benchmark failed: {done.stderr.decode()[-1000:]}")
        title, rate = list(csv.reader(io.StringIO(done.stdout.decode(errors="replace"))))[-1][:2]
        return {"requests_per_s": float(rate), "cpu_us": cpu / 1e3 / self.count}
