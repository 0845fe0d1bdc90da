"""Hashes: fields and values, both bytes."""

from typing import Literal

from ..access import INT64_MAX, INT64_MIN, OK, database, fetch
from ..collection import HashValue, record
from ..command import Family
from ..errors import CommandError
from ..grammar import integer, key, many, string
from ..numbers import parse_integer
from .strings import OVERFLOW, pairs

rows = Family("hash", since="2.0.0")

ALL = "O(N) where N is the number of fields"
EACH = "O(N) where N is the number of fields given"
NOT_INTEGER = "ERR hash value is not an integer"


def items_of(session, request):
    """The fields of a key, none if it is not there."""
    value = fetch(session, request.key, HashValue)
    return {} if value is None else value.items


def put(session, request, words):
    value = fetch(session, request.key, HashValue) or HashValue()
    record(database(session), request.key, value, HashValue.SET, words)


def set_pairs(session, request):
    """-> how many fields are new."""
    old = items_of(session, request)
    created = len({field for field, _ in request.pairs if field not in old})
    put(session, request, [word for pair in request.pairs for word in pair])
    return created


def field_pairs(command):
    return pairs(command, string("field"))


@rows.command("hset", key(), field_pairs("hset"), flags="write denyoom fast", reply=int,
              complexity=EACH, summary="Set fields of a hash, count those that are new")
def hset(session, request):
    return set_pairs(session, request)


@rows.command("hmset", key(), field_pairs("hmset"), flags="write denyoom fast",
              reply=Literal["OK"], complexity=EACH, summary="Set fields of a hash")
def hmset(session, request):
    set_pairs(session, request)
    return OK


@rows.command("hget", key(), string("field"), flags="readonly fast", reply=bytes | None,
              summary="Get the value of a field")
def hget(session, request):
    return items_of(session, request).get(request.field)


@rows.command("hmget", key(), many(string("field")), flags="readonly fast", complexity=EACH,
              reply=list[bytes | None], summary="Get the values of fields")
def hmget(session, request):
    items = items_of(session, request)
    return [items.get(field) for field in request.fields]


@rows.command("hgetall", key(), flags="readonly", reply=dict[bytes, bytes], complexity=ALL,
              summary="Get all fields and values")
def hgetall(session, request):
    return dict(items_of(session, request))  # the reply of EXEC is written later


@rows.command("hkeys", key(), flags="readonly", reply=list[bytes], complexity=ALL,
              summary="Get all fields")
def hkeys(session, request):
    return list(items_of(session, request))


@rows.command("hvals", key(), flags="readonly", reply=list[bytes], complexity=ALL,
              summary="Get all values")
def hvals(session, request):
    return list(items_of(session, request).values())


@rows.command("hlen", key(), flags="readonly fast", reply=int, summary="Count the fields")
def hlen(session, request):
    return len(items_of(session, request))


@rows.command("hexists", key(), string("field"), flags="readonly fast", reply=int,
              summary="Whether a field exists")
def hexists(session, request):
    return int(request.field in items_of(session, request))


@rows.command("hdel", key(), many(string("field")), flags="write fast", reply=int,
              complexity=EACH, summary="Delete fields, count those that existed")
def hdel(session, request):
    value = fetch(session, request.key, HashValue)
    found = [field for field in dict.fromkeys(request.fields) if value and field in value.items]
    if found:
        record(database(session), request.key, value, HashValue.REMOVE, found)
    return len(found)


@rows.command("hincrby", key(), string("field"), integer("increment"),
              flags="write denyoom fast", reply=int,
              summary="Increment the integer value of a field")
def hincrby(session, request):
    old = items_of(session, request).get(request.field)
    number = request.increment + (0 if old is None else parse_integer(old, NOT_INTEGER))
    if not INT64_MIN <= number <= INT64_MAX:
        raise CommandError(OVERFLOW)
    put(session, request, [request.field, b"%d" % number])
    return number
