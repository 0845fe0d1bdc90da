"""Every reply is what its row declares, and every command was called: a server in this process
whose handlers are watched while the transcripts run."""

import asyncio
import socket
import threading
from pathlib import Path

import hiredis
import pytest

from respnet.redisproto import table
from respnet.redisproto.config import Config
from respnet.redisproto.errors import CommandError
from respnet.redisproto.reply_types import matches
from respnet.redisproto.server import Server

PAGE = Path(__file__).with_name("transcripts")
NOT_CALLED = {"shutdown", "debug"}  # ends the server; always refused
MORE = """
SET k v|RANDOMKEY|OBJECT IDLETIME k|MEMORY USAGE k|MEMORY DOCTOR|LASTSAVE|TIME|INFO|INFO all
CLIENT UNBLOCK 1
CLIENT ID|CLIENT INFO|CLIENT LIST|CLIENT LIST ID 1|CLIENT SETINFO LIB-NAME x|CLIENT NO-TOUCH ON
COMMAND|COMMAND COUNT|COMMAND INFO|COMMAND DOCS|COMMAND LIST|MODULE LIST|HELLO|CONFIG GET *
CONFIG SET slowlog-log-slower-than 0|PING|SLOWLOG GET|CLIENT HELP|CONFIG HELP|COMMAND HELP
MULTI|PING|EXEC|OBJECT HELP|MEMORY HELP|SLOWLOG HELP|LATENCY HELP|MODULE HELP
DUMP k|RESTORE k 0 x|SAVE|BGSAVE|BGREWRITEAOF|KEYS *|MONITOR|QUIT
"""
RUNS = [row for top in table.rows for row in (top, *top.subcommands.values())
        if row.group in ("connection", "generic", "string", "transactions", "server",
                         "hash", "list", "set")]


class Watch:
    """Wraps the handlers of all rows; keeps what was called and what broke its word."""

    def __init__(self, monkeypatch):
        self.called, self.broken = set(), []
        for row in RUNS:
            if not row.subcommands:
                monkeypatch.setattr(row, "handler", self.watched(row, row.handler))

    def watched(self, row, handler):
        def call(session, request):
            self.called.add(row.full_name)
            value = handler(session, request)
            if not matches(value, row.reply):
                self.broken.append((row.full_name, request.argv, value, row.reply))
            return value

        return call


@pytest.fixture
def watch(monkeypatch):
    return Watch(monkeypatch)


@pytest.fixture
def port(watch, tmp_path):
    """A server in a thread of this process, made after the handlers are wrapped."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    ready, holder = threading.Event(), {}

    async def main():
        server = holder["server"] = Server(Config(port=free, dir=str(tmp_path / "data")))
        await server.start()
        ready.set()
        await server.serve_forever()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    assert ready.wait(20)
    yield free
    holder["server"].loop.call_soon_threadsafe(holder["server"].shutdown)
    thread.join(20)


def ask(sock, reader, argv):
    words = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in argv)
    sock.sendall(b"*%d\r\n%s" % (len(argv), words))
    while (reply := reader.gets()) is False:
        reader.feed(sock.recv(1 << 20))
    return reply


def scripts():
    for page in sorted(PAGE.glob("*.txt")):
        commands = []
        for line in page.read_text().splitlines():
            if line.startswith("== "):
                yield commands
                commands = [b"FLUSHALL"]
            elif line and not line.startswith("#"):
                commands.append(line.encode().decode("unicode_escape").encode("latin-1"))
        yield commands
    yield MORE.replace("\n", "|").strip("|").encode().split(b"|")


@pytest.mark.parametrize("protocol", [b"2", b"3"])
def test_replies_are_what_the_rows_declare(port, watch, protocol):
    failed = []
    for commands in scripts():
        with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
            reader = hiredis.Reader()
            ask(sock, reader, [b"HELLO", protocol])
            for line in commands:
                reply = ask(sock, reader, line.split(b" "))
                if "internal error" in str(reply):
                    failed.append((line, reply))
    assert failed == []
    assert watch.broken == []
    missed = {row.full_name for row in RUNS if not row.subcommands} - watch.called
    assert missed <= NOT_CALLED


def test_a_reply_of_the_wrong_type_is_seen(watch, monkeypatch):
    row = table.lookup(b"echo")
    wrapped = watch.watched(row, lambda session, request: request.message.decode())
    wrapped(None, row.parse([b"ECHO", b"x"]))
    assert [name for name, *_ in watch.broken] == ["echo"]
    with pytest.raises(CommandError):
        table.resolve([b"echo"])
