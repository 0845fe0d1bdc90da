"""The request reader: what it reads, what it refuses, and that cuts change nothing."""

import sys

import hiredis
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from respnet.redisproto.errors import ProtocolError
from respnet.redisproto.reader import Reader


def read(pieces, trusted=True, long_from=None):
    """Everything the reader says about the pieces: commands, then the error if there is one."""
    reader, said = Reader(trusted), []
    if long_from is not None:
        reader.long_from = long_from
    try:
        for piece in pieces:
            reader.feed(piece)
            while (command := reader.gets()) is not None:
                said.append(command)
    except ProtocolError as error:
        said.append(error.text)
    return said


def pack(command):
    return b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in command)


def cut(data, places):
    edges = [0, *sorted(p % (len(data) + 1) for p in places), len(data)]
    return [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]


words = st.binary(max_size=40) | st.sampled_from([b"", b"\r\n", b"*1\r\n", b"\0", b"\xff" * 300])
commands = st.lists(words, min_size=1, max_size=12)
inline = st.sampled_from(
    [b"PING\r\n", b"\r\n", b"\n", b"  SET a\tb \r\n", b"*0\r\n", b"*-1\r\n", b"GET 'x y'\n",
     b'GET "\\x41\\n\\"" \r\n', b'"a"b\r\n', b"'unbalanced\r\n", b"*x\r\n", b"$1\r\n",
     b"*1\r\n:1\r\n", b"*1\r\n$x\r\n", b"*1\r\n$1\r\nabc\r\n",
     b"*2\r\n$1\r\na\r\n", b"*1\r\n$01\r\n", b"*\r\n"])
pieces = st.lists(commands.map(pack) | inline | st.binary(max_size=20), max_size=12)


@given(st.lists(commands, max_size=8), st.lists(st.integers(0, 10_000), max_size=6))
def test_commands_come_back_as_hiredis_reads_them(requests, places):
    data = b"".join(map(pack, requests))
    oracle = hiredis.Reader()
    oracle.feed(data)
    expected = [oracle.gets() for _ in requests]
    assert read(cut(data, places)) == expected == requests


@settings(max_examples=600)
@given(pieces, st.lists(st.integers(0, 10_000), max_size=8), st.booleans(), st.integers(1, 400))
@example([b"*0\r\n" * 3 + b"\r\n*-1\r\nPING\r\n"], [5], True, 1)
@example([b"*1\r\n$4\r\nPING\r\n", b"*1\r"], [16], False, 1)
@example([b"*2\r\n$4\r\nECHO\r\n$300\r\n" + b"\r\n" * 150 + b"\r\n"], [99, 200], True, 300)
def test_cuts_change_nothing(parts, places, trusted, long_from):
    data = b"".join(parts)
    whole = read([data], trusted)
    for one in ([data[i : i + 1] for i in range(len(data))], cut(data, places)):
        assert read(one, trusted) == whole
        assert read(one, trusted, long_from) == whole


@settings(max_examples=300)
@given(pieces, st.integers(0, 10_000), st.integers(0, 255), st.lists(st.integers(0, 10_000)))
def test_cuts_change_nothing_after_a_flipped_byte(parts, at, byte, places):
    data = bytearray(b"".join(parts) or b"*1\r\n$1\r\na\r\n")
    data[at % len(data)] = byte
    assert read(cut(bytes(data), places)) == read([bytes(data)])
    assert read(cut(bytes(data), places), long_from=2) == read([bytes(data)])


LONG = 64 * 1024
BAD = {
    b"*x\r\n": "invalid multibulk length",
    b"*\r\n": "invalid multibulk length",
    b"*01\r\n": "invalid multibulk length",
    b"*+1\r\n": "invalid multibulk length",
    b"* 1\r\n": "invalid multibulk length",
    b"*1\rx": "invalid multibulk length",
    b"*1048577\r\n": "invalid multibulk length",
    b"*99999999999999999999\r\n": "invalid multibulk length",
    b"*-9223372036854775809\r\n": "invalid multibulk length",
    b"*1\r\n$x\r\n": "invalid bulk length",
    b"*1\r\n$\r\n": "invalid bulk length",
    b"*1\r\n$-1\r\n": "invalid bulk length",
    b"*1\r\n$00\r\n": "invalid bulk length",
    b"*1\r\n$1_0\r\n": "invalid bulk length",
    b"*1\r\n$536870913\r\n": "invalid bulk length",
    b"*1\r\n$18446744073709551617\r\n": "invalid bulk length",
    b"*1\r\n:1\r\n": "expected '$', got ':'",
    b"*1\r\n*1\r\n": "expected '$', got '*'",
    b"*1\r\n>1\r\n": "expected '$', got '>'",
    b"*1\r\n%1\r\n": "expected '$', got '%'",
    b"*1\r\n$1\r\nab\r\n": "expected CRLF after a bulk string",
    b"*1\r\n$1\r\na\rx": "expected CRLF after a bulk string",
    b"x" * (LONG + 1): "too big inline request",
    b"*" + b"1" * (LONG + 1): "too big mbulk count string",
    b"*1\r\n$" + b"1" * (LONG + 1): "too big bulk count string",
    b"GET 'a\r\n": "unbalanced quotes in request",
    b'GET "a\r\n': "unbalanced quotes in request",
    b'GET "a"b\r\n': "unbalanced quotes in request",
    b"GET 'a'b\r\n": "unbalanced quotes in request",
    b'GET "a\\\r\n': "unbalanced quotes in request",
}


@pytest.mark.parametrize("data", BAD, ids=lambda d: repr(d[:24]))
def test_bad_framing_ends_the_stream(data):
    said = read([pack([b"PING"]) + data + pack([b"PING"])])
    assert said == [[b"PING"], "ERR Protocol error: " + BAD[data]]


def test_the_error_stays():
    reader = Reader()
    for _ in range(2):
        reader.feed(b"*x\r\n*1\r\n$4\r\nPING\r\n")
        with pytest.raises(ProtocolError):
            reader.gets()


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"*11\r\n", "unauthenticated multibulk length"),
     (b"a b c d e f g h i j k\r\n", "unauthenticated multibulk length"),
     (b"*1\r\n$16385\r\n", "unauthenticated bulk length")],
)
def test_limits_of_a_stranger(data, text):
    assert read([data], trusted=False) == ["ERR Protocol error: " + text]
    assert read([data], trusted=True) in ([], [data.split()])


def test_limits_are_inclusive():
    ten = [b"x" * 16384] * 10
    assert read([pack(ten)], trusted=False) == [ten]
    assert read([b"x" * (LONG - 1) + b"\n"]) == [[b"x" * (LONG - 1)]]
    assert read([b"*1048576\r\n$536870912\r\n"]) == []


@pytest.mark.parametrize("data", [b"*0\r\n", b"*-1\r\n", b"*-5\r\n", b"\r\n", b"\n", b"  \t \r\n"])
def test_empty_requests_are_nothing(data):
    assert read([data * 3 + b"PING\r\n" + data]) == [[b"PING"]]


@pytest.mark.parametrize(
    ("line", "expected"),
    [(b"PING", [b"PING"]),
     (b" SET  a\tb ", [b"SET", b"a", b"b"]),
     (b'SET a ""', [b"SET", b"a", b""]),
     (b"SET a ''", [b"SET", b"a", b""]),
     (b'SET "a b" \'c "d\'', [b"SET", b"a b", b'c "d']),
     (b'"\\n\\r\\t\\a\\b\\\\\\"\\q"', [b'\n\r\t\a\b\\"q']),
     (b'"\\x00\\xfF\\xg1"', [b"\x00\xffxg1"]),
     (b"'\\'\\n'", [b"'\\n"]),
     (b'a"b c"', [b"ab c"]),
     (b"a\0b \xff", [b"a\0b", b"\xff"]),
     (b"+PONG", [b"+PONG"])],
)
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_inline_commands(line, expected, ending):
    assert read([line + ending]) == [expected]


def test_a_large_bulk_in_many_pieces():
    value = bytes(range(256)) * 4096
    data = pack([b"SET", b"k", value]) * 2
    parts = [data[i : i + 5000] for i in range(0, len(data), 5000)]
    assert read(parts) == [[b"SET", b"k", value]] * 2


def test_an_idle_reader_lets_a_long_argument_go():
    reader = Reader()
    data = pack([b"SET", b"x" * 100_000])
    for part in (data[:50_000], data[50_000:]):
        reader.feed(part)
    command = reader.gets()
    reader.feed(b"")
    holders = sys.getrefcount(command[1])
    assert command == [b"SET", b"x" * 100_000] and reader.pending == 0
    assert holders == 2  # the list, and the call


def test_many_arguments():
    command = [b"%d" % i for i in range(100_000)]
    assert read(cut(pack(command) * 2, range(0, 10**6, 70_001))) == [command] * 2


def test_nothing_is_kept_between_commands():
    reader = Reader()
    reader.feed(pack([b"GET", b"x" * 100_000]) + b"*2\r\n$3\r\nGE")
    assert reader.pending > 100_000
    assert reader.gets() == [b"GET", b"x" * 100_000]
    reader.feed(b"T\r\n$1\r\nk\r\n")
    assert reader.gets() == [b"GET", b"k"]
    assert reader.gets() is None
    assert reader.pending == 0
