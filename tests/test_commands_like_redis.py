"""The same commands to respnet and to the redis-server of this machine: equal replies."""

import contextlib
import shutil
import socket
import subprocess
import time
from pathlib import Path

import hiredis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PAGE = Path(__file__).with_name("transcripts") / "like_redis.txt"


def scripts():
    """Title -> commands, each a list of words."""
    found = {}
    for line in PAGE.read_text().splitlines():
        if line.startswith("== "):
            commands = found[line[3:]] = []
        elif line and not line.startswith("#"):
            words = line.encode().decode("unicode_escape").encode("latin-1")
            commands.append(words.split(b" "))
    return found


SCRIPTS = scripts()


class Peer:
    """One raw connection to a server; replies in a form that can be compared."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.reader = hiredis.Reader()

    def ask(self, *argv):
        words = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in argv)
        self.sock.sendall(b"*%d\r\n%s" % (len(argv), words))
        while (reply := self.reader.gets()) is False:
            self.reader.feed(self.sock.recv(1 << 20))
        return comparable(reply)

    def start_over(self, protocol):
        self.ask(b"RESET")
        self.ask(b"FLUSHALL")
        self.ask(b"HELLO", b"%d" % protocol)


def comparable(reply):
    if isinstance(reply, Exception):
        return f"-{reply}"
    return list(map(comparable, reply)) if isinstance(reply, list) else reply


@pytest.fixture(scope="module")
def ours(shared_server):
    peer = Peer(shared_server.port)
    yield peer
    peer.sock.close()


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    if shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server here")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        ["redis-server", "--port", str(port), "--save", "", "--dir", tmp_path_factory.mktemp("r")],
        stdout=subprocess.DEVNULL)
    try:
        yield connected(port)
    finally:
        process.kill()
        process.wait()


def connected(port):
    for _ in range(500):
        with contextlib.suppress(OSError):
            return Peer(port)
        time.sleep(0.01)
    raise RuntimeError("redis-server does not listen")


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("script", SCRIPTS)
def test_replies_are_those_of_redis(ours, redis, script, protocol):
    for server in (ours, redis):
        server.start_over(protocol)
    for argv in SCRIPTS[script]:
        assert ours.ask(*argv) == redis.ask(*argv), argv


WORD = st.text(alphabet="ab*?[]^-\\", min_size=1, max_size=8).map(str.encode)


@settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))
@given(WORD, st.lists(st.text(alphabet="ab]-^\\[", min_size=1, max_size=6).map(str.encode),
                      min_size=1, max_size=12, unique=True))
def test_patterns_match_what_redis_matches(ours, redis, pattern, keys):
    replies = []
    for server in (ours, redis):
        server.ask(b"FLUSHALL")
        server.ask(b"MSET", *(word for key in keys for word in (key, b"")))
        replies.append(sorted(server.ask(b"KEYS", pattern)))
    assert replies[0] == replies[1]


def test_a_pattern_of_many_stars_ends(ours):
    ours.start_over(2)
    ours.ask(b"SET", b"a" * 10_000, b"")
    assert ours.ask(b"KEYS", b"a*" * 500 + b"b") == []
    assert ours.ask(b"KEYS", b"a*" * 512) == [b"a" * 10_000]
    assert "longer than 1024 bytes" in ours.ask(b"KEYS", b"*" * 1025)


@pytest.mark.parametrize("protocol", [2, 3])
def test_the_table_says_of_redis_commands_what_redis_says(ours, redis, protocol):
    """Arity, flags, key positions and categories, of commands and subcommands."""
    for server in (ours, redis):
        server.start_over(protocol)
    names = [name for name in ours.ask(b"COMMAND", b"LIST") if name != b"client|no-touch"]
    known = dict(zip(names, redis.ask(b"COMMAND", b"INFO", *names), strict=True))
    mine = dict(zip(names, ours.ask(b"COMMAND", b"INFO", *names), strict=True))
    assert sum(row is not None for row in known.values()) > 100
    for name, row in known.items():
        if row is not None:
            wanted = [row[0], row[1], sorted(row[2]), *row[3:6], sorted(row[6])]
            got = mine[name]
            assert [got[0], got[1], sorted(got[2]), *got[3:6], sorted(got[6])] == wanted
