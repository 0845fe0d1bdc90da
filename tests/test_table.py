"""The command table: complete, well described, and equal to Redis where Redis has the command."""

from pathlib import Path
from typing import Literal

import pytest

from respnet.redisproto import docgen, reply_types, table
from respnet.redisproto.command import Command, Container, Family
from respnet.redisproto.errors import CommandError
from respnet.redisproto.grammar import (
    choice,
    counted,
    double,
    flag,
    integer,
    key,
    literal,
    many,
    oneof,
    option,
    options,
    rest,
    string,
)

EVERY = [row for top in table.rows for row in (top, *top.subcommands.values())]
FLAGS = {"write", "readonly", "denyoom", "admin", "noscript", "loading", "stale", "fast",
         "no_auth", "no_multi", "no_async_loading", "allow_busy", "skip_slowlog", "movablekeys",
         "skip_monitor", "no_mandatory_keys"}


def row(*items, **fields):
    return Command("x", None, items, **fields)


def words(text):
    return [word.encode() for word in text.split()]


@pytest.mark.parametrize("row", EVERY, ids=lambda row: row.full_name)
def test_every_row_is_described(row):
    assert 0 < len(row.summary) <= 80 and not row.summary.endswith(".")
    assert row.since and row.group and row.complexity
    assert row.flags <= FLAGS
    assert row.full_name == row.full_name.lower()


@pytest.mark.parametrize("row", EVERY, ids=lambda row: row.full_name)
def test_every_handler_takes_a_session_and_a_request(row):
    code = row.handler.__code__
    assert code.co_argcount - hasattr(row.handler, "__self__") == 2


def test_the_table_knows_names_in_any_case():
    get = table.lookup(b"get")
    assert get.name == "get"
    assert table.lookup(b"GET") is get and table.lookup(b"GeT") is get
    assert table.lookup(b"got") is None and table.lookup(b"") is None
    assert table.find(b"CLIENT|id").full_name == "client|id"


def test_resolve_answers_as_redis_does():
    for argv, text in [
        ("nosuch a b", "ERR unknown command 'nosuch', with args beginning with: 'a' 'b' "),
        ("get", "ERR wrong number of arguments for 'get' command"),
        ("client nosuch", "ERR unknown subcommand 'nosuch'. Try CLIENT HELP."),
        ("client setname", "ERR wrong number of arguments for 'client|setname' command"),
        ("client", "ERR wrong number of arguments for 'client' command"),
    ]:
        with pytest.raises(CommandError) as caught:
            table.resolve(words(argv))
        assert caught.value.text == text


def test_an_unknown_command_is_quoted_in_part():
    with pytest.raises(CommandError) as caught:
        table.resolve([b"x" * 1000, b"y" * 1000, b"z" * 1000])
    assert len(caught.value.text) < 600


def test_words_become_attributes():
    one = row(key(), many(integer("unit"), until="->"), literal("->"), integer("output"),
              options(flag("NORMALIZE"), option("DATASET", integer("dataset"))))
    got = one.parse([b"x", b"k", b"2", b"3", b"->", b"1", b"dataset", b"50", b"normalize"])
    assert (got.key, got.units, got.output) == (b"k", [2, 3], 1)
    assert got.normalize is True and got.dataset == 50
    assert one.parse([b"x", b"k", b"2", b"->", b"1"]).dataset is None
    assert one.arity == -5


@pytest.mark.parametrize(
    "argv", ["x a b", "x a 1 2", "x a EX", "x a EX 1 PX 2", "x a NX XX", "x a EX y"])
def test_words_that_do_not_fit_are_refused(argv):
    one = row(key(), options(oneof(flag("NX"), flag("XX")),
                             oneof(option("EX", integer("ex")), option("PX", integer("px")))))
    with pytest.raises(CommandError) as caught:
        one.parse(words(argv))
    assert caught.value.text.startswith("ERR ")


def test_a_grammar_may_bring_its_own_words_for_errors():
    one = row(key(), choice("type", "CLASSIFIER", error="ERR invalid type"),
              options(option("TEST", integer("test", least=0, error="ERR invalid size"))),
              error="ERR Syntax error in X near {word}")
    for argv, text in [("x k foo", "ERR invalid type"),
                       ("x k classifier TEST -1", "ERR invalid size"),
                       ("x k classifier TEST", "ERR Syntax error in X near TEST"),
                       ("x k classifier what", "ERR Syntax error in X near what")]:
        with pytest.raises(CommandError) as caught:
            one.parse(words(argv))
        assert caught.value.text == text


@pytest.mark.parametrize("items, argv, keys, positions", [
    ((), "x", [], (0, 0, 0)),
    ((string("a"), key()), "x 1 k", ["k"], (2, 2, 1)),
    ((key("a"), key("b")), "x k l", ["k", "l"], (1, 2, 1)),
    ((many(key()),), "x k l m", ["k", "l", "m"], (1, -1, 1)),
    ((many(key(), string("v"), name="pairs"),), "x k 1 l 2", ["k", "l"], (1, -1, 2)),
    ((key(), options(option("INPUTS", counted(integer("n"), key("input"))))),
     "x m INPUTS 2 a b", ["m", "a", "b"], (1, 1, 1)),
    ((counted(integer("n"), key()), rest("more")), "x 2 a b c", ["a", "b"], (0, 0, 0)),
])
def test_keys_follow_from_the_grammar(items, argv, keys, positions):
    one = row(*items)
    assert [word.decode() for word in one.keys(words(argv))] == keys
    assert (one.first, one.last, one.step) == positions


@pytest.mark.parametrize("items, arity", [
    ((), 1), ((key(),), 2), ((key(), rest("w")), -2), ((many(double("x")),), -2),
    ((key(), options(flag("A"))), -2), ((counted(integer("n"), key()),), -3),
])
def test_arity_follows_from_the_grammar(items, arity):
    assert row(*items).arity == arity


@pytest.mark.parametrize("count", [b"-1", b"0", b"3", b"9223372036854775807"])
def test_a_count_that_does_not_fit_the_words_is_refused(count):
    with pytest.raises(CommandError):
        row(counted(integer("n"), key())).parse([b"x", count, b"a", b"b"])


def test_a_name_twice_is_a_mistake(monkeypatch):
    from respnet.redisproto.commands import strings

    twice = Family("string")
    twice.rows = [table.lookup(b"get"), table.lookup(b"get")]
    monkeypatch.setattr(strings, "rows", twice)
    with pytest.raises(ValueError, match="two rows for the command get"):
        table.discover()


def test_every_container_helps():
    for top in table.rows:
        if isinstance(top, Container):
            lines = top.subcommands[b"help"].handler(None, None)
            assert lines[0].startswith(f"{top.name.upper()} <subcommand>")
            assert len(lines) == 1 + 2 * len(top.subcommands)


def test_the_page_of_commands_is_fresh():
    page = Path(__file__).resolve().parents[1] / "docs" / "commands.md"
    assert page.read_text() == docgen.page(), "run python -m respnet.redisproto.docgen"


@pytest.mark.parametrize("value, kind, fits", [
    ("OK", Literal["OK"], True), (b"OK", Literal["OK"], False), ("QUEUED", Literal["OK"], False),
    (1, int, True), (True, int, False), (1.0, int, False), (None, bytes | None, True),
    (None, bytes, False), ([1, None], list[int | None], True), ([1, b""], list[int], False),
    ([], list[int], True), ({b"a": 1}, dict[bytes, int], True), ({"a": 1}, dict[bytes, int], False),
    ([[1], [b""]], list[list], True), (CommandError("ERR x"), int, True),
])
def test_declared_replies_are_checked_by_type(value, kind, fits):
    assert reply_types.matches(value, kind) is fits
