"""The reply writer: exact bytes, and hiredis as the judge of everything else."""

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respnet.redisproto.errors import NULL_ARRAY, CommandError, Verbatim
from respnet.redisproto.reply import Reply


def written(value, protocol=2):
    reply = Reply(protocol)
    reply.put(value)
    return reply.take()


def parsed(data):
    oracle = hiredis.Reader()
    oracle.feed(data)
    value = oracle.gets()
    assert not oracle.has_data()
    return value


@pytest.mark.parametrize(
    ("value", "two", "three"),
    [("OK", b"+OK\r\n", None),
     (b"", b"$0\r\n\r\n", None),
     (b"a\r\n\0", b"$4\r\na\r\n\0\r\n", None),
     (bytearray(b"ab"), b"$2\r\nab\r\n", None),
     (b"x" * 100, b"$100\r\n" + b"x" * 100 + b"\r\n", None),
     (0, b":0\r\n", None),
     (-(2**63), b":-9223372036854775808\r\n", None),
     (2**63 - 1, b":9223372036854775807\r\n", None),
     (0.50643211603164673, b"$19\r\n0.50643211603164673\r\n", b",0.50643211603164673\r\n"),
     (3.0, b"$1\r\n3\r\n", b",3\r\n"),
     (float("inf"), b"$3\r\ninf\r\n", b",inf\r\n"),
     (-float("nan"), b"$4\r\n-nan\r\n", b",-nan\r\n"),
     (True, b":1\r\n", b"#t\r\n"),
     (False, b":0\r\n", b"#f\r\n"),
     (None, b"$-1\r\n", b"_\r\n"),
     (NULL_ARRAY, b"*-1\r\n", b"_\r\n"),
     ([], b"*0\r\n", None),
     ((1, [b"a", None]), b"*2\r\n:1\r\n*2\r\n$1\r\na\r\n$-1\r\n",
      b"*2\r\n:1\r\n*2\r\n$1\r\na\r\n_\r\n"),
     ({"a": 1, b"b": 2.5}, b"*4\r\n+a\r\n:1\r\n$1\r\nb\r\n$3\r\n2.5\r\n",
      b"%2\r\n+a\r\n:1\r\n$1\r\nb\r\n,2.5\r\n"),
     ({1}, b"*1\r\n:1\r\n", b"~1\r\n:1\r\n"),
     (Verbatim(b"hi"), b"$2\r\nhi\r\n", b"=6\r\ntxt:hi\r\n"),
     ([CommandError("ERR no"), 1], b"*2\r\n-ERR no\r\n:1\r\n", None)],
)
def test_bytes_of_each_type(value, two, three):
    assert written(value, 2) == two
    assert written(value, 3) == (two if three is None else three)


leaves = st.binary() | st.integers(-(2**63), 2**63 - 1) | st.none() | st.booleans() | st.floats(
    allow_nan=False)
values = st.recursive(
    leaves, lambda v: st.lists(v) | st.dictionaries(st.binary(), v), max_leaves=20)


@given(values)
def test_hiredis_reads_back_what_resp3_says(value):
    assert parsed(written(value, 3)) == value


def flat(value):
    """What RESP2 has left of a value."""
    if isinstance(value, dict):
        return [flat(part) for pair in value.items() for part in pair]
    if isinstance(value, list):
        return [flat(part) for part in value]
    if isinstance(value, bool):
        return int(value)
    return b"%.17g" % value if isinstance(value, float) else value


@given(values)
def test_hiredis_reads_back_what_resp2_says(value):
    assert parsed(written(value, 2)) == flat(value)


@given(st.text(alphabet=st.characters(exclude_categories=[])) | st.binary().map(
    lambda b: b.decode("utf-8", "surrogateescape")))
def test_an_error_is_one_short_line(text):
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return
    for made in (CommandError("ERR " + text), CommandError("ERR unknown command " + text * 9)):
        line = written(made)
        assert line.endswith(b"\r\n") and len(line) <= 3 + 600
        assert not set(line[:-2]) & set(b"\r\n\0")
        assert isinstance(parsed(line), hiredis.ReplyError)


def test_errors_are_cut_between_characters():
    assert written(CommandError("ERR " + "x" * 1000)) == b"-ERR " + b"x" * 252 + b"\r\n"
    assert len(written(CommandError("ERR unknown command " + "x" * 1000))) == 600 + 3
    assert written(CommandError("ERR x" + "é" * 1000))[:-2].decode().endswith("é")


def test_a_simple_string_cannot_inject():
    assert written("a\r\n+b\0") == b"+a  +b \r\n"


@pytest.mark.parametrize("value", [object(), 1j, 2**63, -(2**63) - 1, [object()], "\ud800"])
def test_what_is_no_reply_raises(value):
    with pytest.raises((TypeError, OverflowError, UnicodeEncodeError)):
        written(value)


def test_endless_nesting_raises():
    loop = []
    loop.append(loop)
    with pytest.raises(ValueError, match="nests at most"):
        written(loop)


def test_push():
    for protocol, kind in ((2, b"*"), (3, b">")):
        reply = Reply(protocol)
        reply.put_push([b"invalidate", None])
        assert reply.take().startswith(kind + b"2\r\n$10\r\ninvalidate\r\n")


def test_take_empties():
    reply = Reply()
    for size in (1, 100_000, 1):
        reply.put(b"x" * size)
        assert len(reply) == len(reply.take())
        assert len(reply) == 0
