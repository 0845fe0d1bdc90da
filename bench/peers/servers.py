"""Servers under test, each a process of its own on a free loopback port."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from ..harness import Skipped
from ..pinning import ALL_CPUS, on_cpus

# Path of a build of antirez/neural-redis, to measure the original too.
MODULE = "NEURAL_REDIS_MODULE"
REDIS = ("redis-server", "--save", "", "--appendonly", "no", "--daemonize", "no")


class Server:
    """A running server; ``with`` ends it and removes its directory."""

    def __init__(self, command: list[str]):
        self.port = free_port()
        self.folder = tempfile.TemporaryDirectory(prefix="respnet-bench-")
        data = os.path.join(self.folder.name, "data")
        os.mkdir(data)
        with on_cpus(ALL_CPUS), open(os.path.join(self.folder.name, "log"), "wb") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port), "--dir", data],
                stdout=log, stderr=subprocess.STDOUT,
            )
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + 20
        while not answers(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise Skipped(f"{self.process.args} does not answer: {self.log}")
            time.sleep(0.02)

    def cpu_ns(self) -> int:
        """Processor time of all threads of the server; clock_getcpuclockid(3) in Python."""
        return time.clock_gettime_ns((~self.process.pid << 3) | 2)

    def client(self):
        import redis

        return redis.Redis(port=self.port, protocol=2)

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        with open(os.path.join(self.folder.name, "log"), errors="replace") as log:
            self.log = log.read()[-1000:]
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def redis_server(*options: str) -> Server:
    """Debian's redis-server without persistence."""
    if shutil.which(REDIS[0]) is None:
        raise Skipped("redis-server is not installed")
    return Server([*REDIS, *options])


def neural_redis() -> Server:
    """redis-server with the original module, if there is a build of it."""
    if MODULE not in os.environ:
        raise Skipped(f"no build of neural-redis in {MODULE}")
    return redis_server("--loadmodule", os.path.abspath(os.environ[MODULE]))


def respnet_server(appendfsync: str = "everysec") -> Server:
    command = [sys.executable, "-m", "respnet.redisproto", "--appendfsync", appendfsync]
    return Server(command)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"*1\r\n$4\r\nPING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
