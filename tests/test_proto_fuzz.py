"""Random and mutated input, seeded: no crash, no hang, no malformed reply, no secret in a reply.

A failing input is printed; give its number and RESPNET_SEED to see it again.
"""

import os
import random
import re
import socket

import hiredis
import pytest

from respnet.redisproto import table
from respnet.redisproto.errors import ProtocolError
from respnet.redisproto.reader import Reader

SEED = int(os.environ.get("RESPNET_SEED", "1"))
READER_INPUTS = 120_000
SERVER_INPUTS = 20_000
PATIENCE = 10

TOKENS = [
    b"*", b"$", b":", b"+", b"-", b">", b"%", b"~", b"_", b"\r\n", b"\r", b"\n", b"\0", b" ", b"'",
    b'"', b"\\x", b"*0\r\n", b"*-1\r\n", b"*1\r\n", b"*2\r\n$3\r\nGET\r\n",
    b"$0\r\n\r\n", b"$-1\r\n",
    b"*1048577\r\n", b"$536870913\r\n", b"9" * 25, b"-0", b"01", b"PING\r\n", b"\xff" * 3,
]
WORDS = [
    b"", b"k", b"k2", b"list", b"0", b"1", b"-1", b"10", b"9223372036854775807", b"1e400", b"nan",
    b"0.5", b"1_0", b" 1", b"\0", b"\r\n", b"\xff\xfe", b"x" * 300, b"EX", b"PX", b"NX", b"XX",
    b"GET", b"KEEPTTL", b"MATCH", b"*", b"[a-", b"h?llo", b"COUNT", b"LIMIT", b"ASYNC", b"help",
    b"usage",
    b"->", b"CLASSIFIER", b"REGRESSOR", b"NORMALIZE", b"DATASET", b"TEST", b"TRAIN", b"2", b"3",
]
LEFT_OUT = {"shutdown", "save", "bgsave", "monitor"}  # end, slow down or change the test itself
ERRORS = re.compile(
    r"ERR Protocol error: (invalid multibulk length|invalid bulk length|expected '\$', got '.'|"
    r"too big (inline request|mbulk count string|bulk count string)|unbalanced quotes in request|"
    r"expected CRLF after a bulk string|unauthenticated (multibulk|bulk) length)", re.DOTALL)
SECRETS = re.compile(
    rb"Traceback|Error\(|\.py\b|object at 0x|<class|internal error|/tmp/|site-packages")


def pack(words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def names():
    for row in table.rows:
        if row.name not in LEFT_OUT:
            yield [row.name.encode()]
            yield from ([row.name.encode(), name] for name in row.subcommands)


NAMES = list(names())


def request(rng):
    words = [*rng.choice(NAMES), *rng.choices(WORDS, k=rng.choice((0, 1, 1, 2, 2, 3, 4, 6, 9)))]
    if rng.random() < 0.2:
        return b" ".join(words) + rng.choice((b"\r\n", b"\n"))
    return pack(words)


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 4, 8))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(5)
        if kind == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif kind == 1:
            del data[at : at + rng.choice((1, 2, 8, 64))]
        elif kind == 2:
            data[at:at] = rng.choice(TOKENS)
        elif kind == 3:
            data[at:at] = rng.randbytes(rng.choice((1, 3, 20)))
        else:
            data[at:at] = data[at : at + rng.choice((1, 4, 30))]
    return bytes(data)


def sample(rng):
    if rng.random() < 0.1:
        return rng.randbytes(rng.randrange(40))
    return mutate(rng, b"".join(request(rng) for _ in range(rng.choice((1, 1, 2, 3)))))


def said(pieces, trusted):
    reader, commands = Reader(trusted), []
    try:
        for piece in pieces:
            reader.feed(piece)
            while (command := reader.gets()) is not None:
                commands.append(command)
    except ProtocolError as error:
        return commands, error.text
    return commands, None


@pytest.mark.parametrize("part", range(4))
def test_the_reader_takes_anything_at_any_cut(part):
    rng = random.Random(f"{SEED} reader {part}")
    errors = 0
    for number in range(READER_INPUTS // 4):
        data, trusted = sample(rng), rng.random() < 0.8
        at = sorted(rng.randrange(len(data) + 1) for _ in range(2))
        whole = said([data], trusted)
        cut = said([data[: at[0]], data[at[0] : at[1]], data[at[1] :]], trusted)
        assert whole == cut, (number, data, at)
        assert whole[1] is None or ERRORS.fullmatch(whole[1]), (number, data, whole[1])
        assert all(command for command in whole[0]), (number, data)
        errors += whole[1] is not None
    assert 0.1 < errors / (READER_INPUTS // 4) < 0.9  # the inputs reach both sides


def everything(path, data):
    """All bytes the server answers to ``data``; it has to end by itself."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(PATIENCE)
        link.connect(path)
        answer = b""
        try:
            link.sendall(data)
            link.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
        while chunk := link.recv(65536):
            answer += chunk
        return answer


def replies(answer):
    reader = hiredis.Reader()
    reader.feed(answer)
    found = []
    while (reply := reader.gets()) is not False:
        found.append(reply)
    assert not reader.has_data(), answer[-200:]
    return found


def changes_the_test(data):
    """Settings like requirepass or maxclients would keep the rest of the input out."""
    data = data.lower()
    return (b"config" in data and b"set" in data) or any(name.encode() in data for name in LEFT_OUT)


@pytest.mark.parametrize("kind", ["open", "closed"])
def test_the_server_takes_anything(serve, tmp_path, kind):
    """Every input on a connection of its own; half of them against a server with a password."""
    path = str(tmp_path / "socket")
    settings = {"requirepass": "secret"} if kind == "closed" else {}
    server = serve(unixsocket=path, appendfsync="no", **settings)
    rng, answered = random.Random(f"{SEED} {kind}"), 0
    for number in range(SERVER_INPUTS // 2):
        data = sample(rng)
        if changes_the_test(data):
            continue
        answer = everything(path, data)
        answered += len(replies(answer))
        assert not SECRETS.search(answer), (number, data, answer)
        if kind == "closed" and b"AUTH" not in data.upper() and b"HELLO" not in data.upper():
            assert b"\r\n$" not in answer and not answer.startswith(b"$"), (number, data, answer)
    assert answered > SERVER_INPUTS // 4
    assert server.process.poll() is None
    assert "Traceback" not in server.log
    assert server.end() == 0
