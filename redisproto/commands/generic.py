"""Keys, whatever they hold: EXISTS, DEL, TYPE, SCAN, RENAME, COPY ..."""

import asyncio
import re
from typing import Literal

from ..access import OK, database, database_number
from ..command import Family
from ..errors import CommandError, Deferred
from ..glob import is_literal, matcher
from ..grammar import flag, integer, key, many, option, options, pattern, string
from ..words import Word

rows = Family("generic")

NO_SUCH_KEY = "ERR no such key"
SAME_OBJECT = "ERR source and destination objects are the same"
SCAN_LONGEST = 10_000  # keys looked at by one SCAN, whatever COUNT says: about 5 ms
KEYS_SLICE = 5_000
EACH = "O(N) where N is the number of keys"


@rows.command("exists", many(key()), flags="readonly fast", reply=int, complexity=EACH,
              summary="Count how many of the given keys exist")
def exists(session, request):
    db = database(session)
    return sum(name in db for name in request.keys)


@rows.command("touch", many(key()), flags="readonly fast", since="3.2.1", reply=int,
              complexity=EACH, summary="Alter the last access time of keys, count those that exist")
def touch(session, request):
    db = database(session)
    return sum(db.get(name) is not None for name in request.keys)


@rows.command("del", many(key()), flags="write", reply=int, complexity=EACH,
              summary="Delete keys")
def delete(session, request):
    db = database(session)
    return sum(db.delete(name) for name in request.keys)


@rows.command("unlink", many(key()), flags="write fast", since="4.0.0", reply=int,
              complexity=EACH, summary="Delete keys; the same as DEL here")
def unlink(session, request):
    return delete(session, request)


@rows.command("type", key(), flags="readonly fast", reply=str,
              summary="Determine the type stored at a key")
def type_(session, request):
    value = database(session).peek(request.key)
    return "none" if value is None else value.type_name


@rows.command("keys", pattern(), flags="readonly", reply=list[bytes],
              categories="keyspace dangerous",
              complexity="O(N) where N is the number of keys in the database",
              summary="Find all keys that match a glob pattern")
def keys(session, request):
    db = database(session)
    if is_literal(request.pattern):
        return [request.pattern] if request.pattern in db else []
    match = matcher(request.pattern)
    if len(db) <= KEYS_SLICE or db.space.atomic:
        return [name for name in list(db.entries) if match(name) and name in db]
    later = Deferred()
    collect(session, db, match, later, [], 0)
    return later


def collect(session, db, match, later, found, position):
    """KEYS of a large database, a slice a turn of the loop; others are served in between."""
    page, position = db.scan(position, KEYS_SLICE)
    found += filter(match, page)
    if not position:
        later.set(found)
    elif session.id in session.server.clients:
        loop = asyncio.get_running_loop()
        loop.call_soon(collect, session, db, match, later, found, position)


def cursor(word):
    """An unsigned 64-bit cursor; strtoul's reading of a leading minus is not copied."""
    if not re.fullmatch(rb"[0-9]{1,20}", word) or int(word) >= 2**64:
        raise CommandError("ERR invalid cursor")
    return int(word)


@rows.command("scan", Word("cursor", "integer", cursor),
              options(option("MATCH", pattern()),
                      option("COUNT", integer("count")),
                      option("TYPE", string("type"))),
              flags="readonly", since="2.8.0", reply=list[bytes | list[bytes]],
              complexity="O(1) for every call",
              summary="Iterate over the keys of the database")
def scan(session, request):
    count = 10 if request.count is None else request.count
    if count < 1:
        raise CommandError("ERR syntax error")
    db = database(session)
    found, position = db.scan(request.cursor, min(count, SCAN_LONGEST))
    if request.pattern not in (None, b"*"):
        found = list(filter(matcher(request.pattern), found))
    if request.type is not None:
        wanted = request.type.lower().decode("latin-1")
        found = [name for name in found if db.peek(name).type_name.lower() == wanted]
    return [b"%d" % position, found]


@rows.command("randomkey", flags="readonly", reply=bytes | None,
              summary="Return a random key of the database")
def randomkey(session, request):
    return database(session).random()


@rows.command("rename", key(), key("newkey"), flags="write", reply=Literal["OK"],
              summary="Rename a key, over the new one if that exists")
def rename(session, request):
    move(session, request)
    return OK


@rows.command("renamenx", key(), key("newkey"), flags="write fast", reply=int,
              summary="Rename a key, only if the new key does not exist")
def renamenx(session, request):
    return move(session, request, spare=True)


def move(session, request, spare=False):
    db = database(session)
    if request.key not in db:
        raise CommandError(NO_SUCH_KEY)
    if spare and request.newkey in db:
        return 0
    db.rename(request.key, request.newkey)
    return 1


@rows.command("copy", key("source"), key("destination"),
              options(option("DB", integer("destination-db")), flag("REPLACE")),
              flags="write denyoom", since="6.2.0", reply=int,
              complexity="O(N) where N is the size of the value",
              summary="Copy a key to a new key")
def copy(session, request):
    target = session.db
    if request.destination_db is not None:
        target = database_number(session, request.destination_db)
    if target == session.db and request.source == request.destination:
        raise CommandError(SAME_OBJECT)
    db, other = database(session), session.server.keyspace[target]
    if request.source not in db or (request.destination in other and not request.replace):
        return 0
    db.copy(request.source, other, request.destination)
    return 1


@rows.command("wait", integer("numreplicas"), integer("timeout"), flags="noscript",
              categories="connection", since="3.0.0", reply=int,
              summary="Wait for replicas to confirm writes; there are none")
def wait(session, request):
    if request.timeout < 0:
        raise CommandError("ERR timeout is negative")
    return 0
