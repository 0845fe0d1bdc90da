"""A real server for tests: a process of its own, a free loopback port, a temporary directory."""

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import hiredis
import pytest
import redis

PATIENCE = 20  # seconds until a server must answer, or end


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Replies:
    """A raw connection: bytes out, parsed replies in."""

    def __init__(self, sock):
        self.sock = sock
        self.reader = hiredis.Reader()

    def send(self, data):
        self.sock.sendall(data)

    def read(self, count=1):
        """The next replies -> list; ConnectionError if the server closes before."""
        replies = []
        while len(replies) < count:
            reply = self.reader.gets()
            if reply is not False:
                replies.append(reply)
                continue
            data = self.sock.recv(1 << 20)
            if not data:
                raise ConnectionError(f"closed after {replies}")
            self.reader.feed(data)
        return replies

    def ask(self, data, count=1):
        self.send(data)
        return self.read(count)

    def rest(self):
        """Everything until the server closes -> list of replies."""
        replies = []
        with contextlib.suppress(ConnectionError):
            while True:
                replies += self.read(1)
        return replies

    def is_open(self):
        self.send(b"*1\r\n$4\r\nPING\r\n")
        try:
            return self.read(1) == [b"PONG"]
        except (ConnectionError, TimeoutError):
            return False


class ServerProcess:
    """``python -m respnet.redisproto`` with the settings given."""

    def __init__(self, folder, **settings):
        self.folder, self.port = Path(folder), settings.pop("port", None) or free_port()
        self.settings = {"port": self.port, "bind": "127.0.0.1", **settings}
        self.clients, self.process = [], None
        self.log_path = self.folder / "log"
        self.start()

    def start(self):
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in self.settings.items()]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "respnet.redisproto", *flags], stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                self.connect().sock.close()
                return
            time.sleep(0.01)
        raise RuntimeError(f"the server does not listen: {self.log}")

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def connect(self, timeout=PATIENCE):
        """A raw connection."""
        return Replies(socket.create_connection(("127.0.0.1", self.port), timeout))

    def redis(self, protocol=3, **options):
        """A redis-py client, closed with the server."""
        client = redis.Redis(port=self.port, protocol=protocol, socket_timeout=PATIENCE, **options)
        self.clients.append(client)
        return client

    def end(self, number=signal.SIGTERM):
        """Send a signal and wait -> exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def close(self):
        for client in self.clients:
            client.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)


@pytest.fixture
def serve():
    """``serve(**settings)`` starts a server; all end with the test."""
    with contextlib.ExitStack() as stack:

        def start(**settings):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="respnet-test-"))
            if "dir" not in settings:
                settings["dir"] = f"{folder}/data"
            return stack.enter_context(contextlib.closing(ServerProcess(folder, **settings)))

        yield start


@pytest.fixture(scope="module")
def shared_server():
    with (
        tempfile.TemporaryDirectory(prefix="respnet-test-") as folder,
        contextlib.closing(ServerProcess(folder, dir=f"{folder}/data")) as server,
    ):
        yield server


@pytest.fixture
def server(shared_server):
    """A server for all tests of a file; empty at the start of each."""
    shared_server.redis().flushall()
    return shared_server


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(server, request):
    """redis-py in both protocols."""
    return server.redis(protocol=request.param)


@pytest.fixture
def resp2(server):
    return server.redis(protocol=2)


@pytest.fixture
def resp3(server):
    return server.redis(protocol=3)


@pytest.fixture(scope="module")
def original():
    """A real redis-server."""
    if shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        words = ["redis-server", "--port", str(port), "--save", "", "--dir", folder]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        client = redis.Redis(port=port)
        try:
            for _ in range(1000):
                with contextlib.suppress(redis.ConnectionError):
                    client.ping()
                    break
                time.sleep(0.01)
            yield client
        finally:
            client.close()
            process.kill()
            process.wait()
