"""A server in a thread of the test: handlers of our own, a store that waits, both event loops."""

import asyncio
import contextlib
import socket
import struct
import threading
import time

import hiredis
import pytest
import uvloop
from resp_helpers import pack

from respnet.redisproto import table
from respnet.redisproto.command import Family
from respnet.redisproto.config import Config
from respnet.redisproto.errors import NO_REPLY, CommandError, Deferred
from respnet.redisproto.server import Server

PATIENCE = 10


class Table:
    """The real table and a few commands for tests."""

    def __init__(self):
        self.family = Family("generic")
        self.later = []
        command = self.family.command
        command("broken", reply=None)(self.broken)
        command("half", reply=None)(self.half)
        command("silent", reply=None)(lambda session, request: NO_REPLY)
        command("later", reply=None)(self.defer)
        command("at.once", reply=None)(self.at_once)
        command("nested", reply=None)(lambda s, r: [CommandError("ERR in\r\nside"), {b"a": 1.5}])
        command("locked", flags="no_multi", reply=None)(lambda s, r: "OK")
        self.own = {row.name.encode(): row for row in self.family.rows}
        self.rows = table.rows
        self.unknown, self.find, self.resolve = table.unknown, table.find, table.resolve

    def lookup(self, name):
        return self.own.get(name.lower()) or table.lookup(name)

    def broken(self, session, request):
        raise KeyError("/secret/path")

    def half(self, session, request):
        return [b"written" * 20_000, object()]

    def defer(self, session, request):
        self.later.append(Deferred())
        return self.later[-1]

    def at_once(self, session, request):
        later = Deferred()
        later.set(b"now")
        later.set(b"never")
        return later


class Inside:
    """The server's loop in a thread."""

    def __init__(self, loop_factory, **settings):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.loop, self.ready = loop_factory(), threading.Event()
        self.config = Config(port=self.port, bind="127.0.0.1", **settings)
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self.main(),))
        self.thread.start()
        assert self.ready.wait(PATIENCE)

    async def main(self):
        self.server = Server(self.config)
        self.server.table = self.table = Table()
        await self.server.start()
        self.ready.set()
        await self.server.serve_forever()

    def call(self, function, *args):
        """Run in the loop's thread -> result."""

        async def run():
            return function(*args)

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(PATIENCE)

    def connect(self, receive=None):
        """``receive``: bytes that the kernel may hold for the client."""
        sock = socket.socket()
        sock.settimeout(PATIENCE)
        if receive is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        sock.connect(("127.0.0.1", self.port))
        return Link(sock)

    def close(self):
        self.call(self.server.shutdown)
        self.thread.join(PATIENCE)
        self.loop.close()


class Link:
    def __init__(self, sock):
        self.sock, self.reader = sock, hiredis.Reader()

    def send(self, *commands):
        self.sock.sendall(b"".join(pack(*c) if isinstance(c, tuple) else pack(c) for c in commands))

    def read(self, count):
        replies = []
        while len(replies) < count:
            if (reply := self.reader.gets()) is not False:
                replies.append(str(reply) if isinstance(reply, hiredis.ReplyError) else reply)
            else:
                data = self.sock.recv(65536)
                assert data, f"closed after {replies}"
                self.reader.feed(data)
        return replies

    def reset(self):
        """Close so that the server cannot mistake it for the end of our requests."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def silent(self, seconds=0.2):
        self.sock.settimeout(seconds)
        try:
            return self.sock.recv(1) and False
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(PATIENCE)


@pytest.fixture(params=[uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def inside(request, tmp_path):
    with contextlib.closing(Inside(request.param, dir=tmp_path / "store")) as server:
        yield server


def test_an_exception_is_an_internal_error_and_nothing_more(inside, caplog):
    link = inside.connect()
    link.send(b"BROKEN", b"PING", b"HALF", b"PING")
    assert link.read(4) == ["ERR internal error", b"PONG"] * 2
    link.send((b"ECHO", b"e" * 100_000), b"HALF", (b"ECHO", b"e" * 100_000))
    assert link.read(3) == [b"e" * 100_000, "ERR internal error", b"e" * 100_000]
    assert "/secret/path" in caplog.text


def test_values_of_handlers(inside):
    link = inside.connect()
    link.send(b"SILENT", b"AT.ONCE", b"NESTED")
    now, (error, pairs) = link.read(2)
    assert (now, str(error), pairs) == (b"now", "ERR in  side", [b"a", b"1.5"])


def test_a_deferred_reply_keeps_the_order(inside):
    link, other = inside.connect(), inside.connect()
    link.send(b"PING", b"LATER", (b"ECHO", b"after"), b"LATER", b"PING")
    assert link.read(1) == [b"PONG"]
    other.send(b"PING")
    assert other.read(1) == [b"PONG"] and link.silent()
    inside.call(inside.table.later[0].set, 5)
    assert link.read(2) == [5, b"after"] and link.silent()
    inside.call(inside.table.later[1].set, CommandError("ERR late"))
    assert link.read(2) == ["ERR late", b"PONG"]


def test_a_deferred_reply_for_nobody_is_dropped(inside):
    link = inside.connect()
    link.send(b"LATER")
    while not inside.table.later:
        time.sleep(0.01)
    link.reset()
    while inside.call(len, inside.server.clients):
        time.sleep(0.01)
    inside.call(inside.table.later[0].set, b"too late")
    other = inside.connect()
    other.send(b"PING")
    assert other.read(1) == [b"PONG"]


def test_inside_a_transaction(inside):
    link = inside.connect()
    link.send(b"MULTI", b"BROKEN", b"LATER", b"SILENT", b"PING", b"EXEC")
    *_, values = link.read(6)
    assert [str(v) for v in values[:2]] == [
        "ERR internal error", "ERR Command not allowed inside a transaction"]
    assert values[2:] == [b"PONG"]
    link.send(b"MULTI", b"LOCKED", b"EXEC")
    assert link.read(3)[1:] == [
        "ERR Command not allowed inside a transaction",
        "EXECABORT Transaction discarded because of previous errors."]


def test_replies_to_writes_wait_for_the_commit(inside):
    link, other = inside.connect(), inside.connect()
    hold = threading.Event()
    inside.server.store._writer.call(hold.wait)
    link.send(b"PING", (b"SET", b"k", b"v"), b"PING")
    assert link.silent()
    link.send((b"GET", b"k"))
    other.send((b"GET", b"k"))
    assert other.read(1) == [b"v"] and link.silent()
    hold.set()
    assert link.read(4) == [b"PONG", b"OK", b"PONG", b"v"]


def test_no_reply_overtakes_what_a_commit_released(inside):
    """The released bytes wait in the transport when the kernel takes bytes again, and the next
    request has arrived in the same turn of the loop."""
    for listener in inside.server.listeners:  # what they accept inherits it
        listener.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    link, value = inside.connect(receive=4096), b"v" * 100_000
    link.send((b"SET", b"big", value))
    assert link.read(1) == [b"OK"]
    session = next(iter(inside.server.clients.values()))
    hold = threading.Event()
    inside.server.store._writer.call(hold.wait)
    link.send((b"SET", b"k", b"v"), (b"GET", b"big"))
    while inside.call(lambda: session.output_size) < len(value):
        time.sleep(0.001)
    hold.set()
    while inside.call(lambda: session.output_size) >= len(value):
        time.sleep(0.001)

    def read_and_ask():
        """On the loop's own thread, so that the server sees both at once."""
        link.sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                link.reader.feed(link.sock.recv(1 << 20))
        link.sock.settimeout(PATIENCE)
        link.send(b"PING")

    inside.call(read_and_ask)
    assert link.read(3) == [b"OK", value, b"PONG"]


def test_without_fsync_replies_do_not_wait(inside):
    link = inside.connect()
    link.send((b"CONFIG", b"SET", b"appendfsync", b"off"), b"PING")
    assert link.read(2) == [b"OK", b"PONG"]
    deadline = time.monotonic() + PATIENCE
    while inside.server.store.policy != "off" and time.monotonic() < deadline:
        time.sleep(0.01)
    hold = threading.Event()
    inside.server.store._writer.call(hold.wait)
    try:
        link.send((b"SET", b"k", b"v"))
        assert link.read(1) == [b"OK"]
    finally:
        hold.set()


def test_gates(inside):
    link = inside.connect()
    inside.call(setattr, inside.server, "loading", True)
    link.send((b"GET", b"k"), (b"SELECT", b"0"))
    assert link.read(2) == ["LOADING respnet is loading the dataset in memory", b"OK"]
    inside.call(setattr, inside.server, "loading", False)
    link.send((b"SET", b"k", b"x" * 2000), (b"CONFIG", b"SET", b"maxmemory", b"1000"))
    assert link.read(2) == [b"OK", b"OK"]
    inside.call(inside.server.check_gates)
    link.send((b"SET", b"k", b"v"), (b"GET", b"k"), (b"DEL", b"k"))
    assert link.read(3) == [
        "OOM command not allowed when used memory > 'maxmemory'.", b"x" * 2000, 1]


def test_a_flood_takes_turns_with_the_others(inside):
    """All of it waits in the sockets before the loop looks: one turn is 500 commands."""
    flood, other = inside.connect(), inside.connect()
    flood.send(b"PING"), other.send(b"PING")
    assert flood.read(1) == other.read(1) == [b"PONG"]
    ready, go = threading.Event(), threading.Event()

    def pause():
        ready.set()
        go.wait(PATIENCE)

    inside.loop.call_soon_threadsafe(pause)
    assert ready.wait(PATIENCE)
    flood.send(*[(b"INCR", b"n")] * 3_000)
    other.send((b"GET", b"n"))
    go.set()
    (count,) = other.read(1)
    assert int(count or 0) <= 1_000
    assert flood.read(3_000) == list(range(1, 3_001))


def test_statistics_of_failures(inside):
    link = inside.connect()
    link.send(b"BROKEN", b"GET", b"NOPE")
    link.read(3)
    stats = inside.call(lambda: inside.server.stats)
    assert (stats.errors, stats.commands) == (3, 3)
    assert stats.by_command["broken"].failed == stats.by_command["get"].rejected == 1
