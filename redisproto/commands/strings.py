"""Strings: SET and GET in all their forms, counters, MGET and MSET."""

from typing import Literal

from ..access import INT64_MAX, INT64_MIN, OK, database, fetch, fetch_string
from ..command import Family
from ..deadlines import MILLISECONDS, SECONDS, from_options, positive_ms
from ..errors import CommandError
from ..fast_strings import Get, Set
from ..grammar import flag, integer, key, many, oneof, option, options, string
from ..numbers import parse_integer
from ..values import StringValue
from ..words import Word

rows = Family("string")

OVERFLOW = "ERR increment or decrement would overflow"
TOO_LONG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"


def expirations(*more):
    return oneof(
        option("EX", Word("seconds", "integer")),
        option("PX", Word("milliseconds", "integer")),
        option("EXAT", Word("unix-time-seconds", "unix-time")),
        option("PXAT", Word("unix-time-milliseconds", "unix-time")),
        *more,
    )


@rows.command("set", key(), string("value"),
              options(oneof(flag("NX"), flag("XX")), flag("GET"), expirations(flag("KEEPTTL"))),
              flags="write denyoom", reply=Literal["OK"] | bytes | None,
              summary="Set the string value of a key")
def set_(session, request):
    db = database(session)
    expire_ms = from_options(request, db.space.now(), "set")
    old = fetch_string(session, request.key) if request.get else None
    entry = db.entry(request.key)
    if (request.nx and entry is not None) or (request.xx and entry is None):
        return old
    if request.keepttl and entry is not None:
        expire_ms = entry.expire_ms
    db.set(request.key, StringValue(request.value), expire_ms)
    return old if request.get else OK


@rows.command("get", key(), flags="readonly fast", reply=bytes | None,
              summary="Get the value of a key")
def get(session, request):
    return fetch_string(session, request.key)


@rows.command("getdel", key(), flags="write fast", since="6.2.0", reply=bytes | None,
              summary="Get the value of a key and delete the key")
def getdel(session, request):
    data = fetch_string(session, request.key)
    if data is not None:
        database(session).delete(request.key)
    return data


@rows.command("getset", key(), string("value"), flags="write denyoom fast", reply=bytes | None,
              summary="Set the string value of a key and return its old value")
def getset(session, request):
    old = fetch_string(session, request.key)
    database(session).set(request.key, StringValue(request.value))
    return old


@rows.command("getex", key(), options(expirations(flag("PERSIST"))), flags="write fast",
              since="6.2.0", reply=bytes | None,
              summary="Get the value of a key and set its expiration")
def getex(session, request):
    db = database(session)
    data = fetch_string(session, request.key)
    if data is None:
        return None
    expire_ms = from_options(request, db.space.now(), "getex")
    if expire_ms is not None or (request.persist and db.entry(request.key).expire_ms is not None):
        db.expire(request.key, expire_ms)
    return data


@rows.command("setex", key(), Word("seconds", "integer"), string("value"), since="2.0.0",
              flags="write denyoom", reply=Literal["OK"],
              summary="Set the value and expiration of a key in seconds")
def setex(session, request):
    return set_until(session, request, request.seconds, SECONDS, "setex")


@rows.command("psetex", key(), Word("milliseconds", "integer"), string("value"), since="2.6.0",
              flags="write denyoom", reply=Literal["OK"],
              summary="Set the value and expiration of a key in milliseconds")
def psetex(session, request):
    return set_until(session, request, request.milliseconds, MILLISECONDS, "psetex")


def set_until(session, request, word, unit, command):
    db = database(session)
    expire_ms = positive_ms(word, unit, db.space.now(), command)
    db.set(request.key, StringValue(request.value), expire_ms)
    return OK


@rows.command("setnx", key(), string("value"), flags="write denyoom fast", reply=int,
              summary="Set the value of a key, only if the key does not exist")
def setnx(session, request):
    db = database(session)
    if request.key in db:
        return 0
    db.set(request.key, StringValue(request.value))
    return 1


@rows.command("strlen", key(), flags="readonly fast", since="2.2.0", reply=int,
              summary="Get the length of the value stored in a key")
def strlen(session, request):
    return len(fetch_string(session, request.key) or b"")


@rows.command("getrange", key(), integer("start"), integer("end"), flags="readonly",
              since="2.4.0", complexity="O(N) where N is the length of the returned string",
              reply=bytes, summary="Get a part of the string stored in a key")
def getrange(session, request):
    data = fetch_string(session, request.key) or b""
    start, end = request.start, request.end
    if start < 0 and end < 0 and start > end:
        return b""
    start = max(0, start + len(data)) if start < 0 else start
    end = max(0, end + len(data)) if end < 0 else end
    return data[start : end + 1]


@rows.command("append", key(), string("value"), flags="write denyoom fast", since="2.0.0",
              reply=int, summary="Append a value to a key")
def append(session, request):
    data = (fetch_string(session, request.key) or b"") + request.value
    if len(data) > session.server.config["proto-max-bulk-len"]:
        raise CommandError(TOO_LONG)
    database(session).replace(request.key, StringValue(data))
    return len(data)


@rows.command("incr", key(), flags="write denyoom fast", reply=int,
              summary="Increment the integer value of a key by one")
def incr(session, request):
    return add(session, request.key, 1)


@rows.command("decr", key(), flags="write denyoom fast", reply=int,
              summary="Decrement the integer value of a key by one")
def decr(session, request):
    return add(session, request.key, -1)


@rows.command("incrby", key(), integer("increment"), flags="write denyoom fast", reply=int,
              summary="Increment the integer value of a key by the given amount")
def incrby(session, request):
    return add(session, request.key, request.increment)


@rows.command("decrby", key(), integer("decrement"), flags="write denyoom fast", reply=int,
              summary="Decrement the integer value of a key by the given amount")
def decrby(session, request):
    if request.decrement == INT64_MIN:
        raise CommandError("ERR decrement would overflow")
    return add(session, request.key, -request.decrement)


def add(session, key, amount):
    value = fetch(session, key)
    number = (parse_integer(value.data) if value else 0) + amount
    if not INT64_MIN <= number <= INT64_MAX:
        raise CommandError(OVERFLOW)
    database(session).replace(key, StringValue(b"%d" % number))
    return number


@rows.command("mget", many(key()), flags="readonly fast",
              complexity="O(N) where N is the number of keys to retrieve",
              reply=list[bytes | None], summary="Get the values of all the given keys")
def mget(session, request):
    values = map(database(session).get, request.keys)
    return [value.data if isinstance(value, StringValue) else None for value in values]


def pairs(command, first=None):
    return many(first or key(), string("value"), name="pairs",
                error=f"ERR wrong number of arguments for '{command}' command")


@rows.command("mset", pairs("mset"), flags="write denyoom", since="1.0.1", reply=Literal["OK"],
              complexity="O(N) where N is the number of keys to set",
              summary="Set multiple keys to multiple values")
def mset(session, request):
    db = database(session)
    for name, value in request.pairs:
        db.set(name, StringValue(value))
    return OK


@rows.command("msetnx", pairs("msetnx"), flags="write denyoom", since="1.0.1", reply=int,
              complexity="O(N) where N is the number of keys to set",
              summary="Set multiple keys to multiple values, only if none of them exist")
def msetnx(session, request):
    db = database(session)
    if any(name in db for name, _ in request.pairs):
        return 0
    mset(session, request)
    return 1


rows.fast("get", Get())
rows.fast("set", Set())
