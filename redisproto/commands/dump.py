"""DUMP and RESTORE: values as bytes that Redis, RedisAI and this server read and write."""

from typing import Literal

from .. import ai_rdb, rdb, rdb_plain
from ..access import OK, database
from ..ai_model import ModelValue
from ..ai_queue import Call, executor_of
from ..command import Family
from ..errors import CommandError, Deferred
from ..grammar import flag, integer, key, option, options, string
from ..words import Word

rows = Family("generic", since="2.6.0")

BUSY = "BUSYKEY Target key name already exists."
TTL = "ERR Invalid TTL value, must be >= 0"
NOT_DUMPED = "ERR a value of this type cannot be dumped"
NO_SCRIPTS = "ERR scripts are not restored by this version: store their source again"
COST = "O(N) where N is the size of the value"


@rows.command("dump", key(), flags="readonly", reply=bytes | None, complexity=COST,
              summary="The value of a key as bytes that RESTORE reads")
def dump(session, request):
    value = database(session).get(request.key)
    if value is None:
        return None
    body = rdb_plain.dump(value) or ai_rdb.dump(value)
    if body is None:
        raise CommandError(NOT_DUMPED)
    return rdb.seal(body)


@rows.command("restore", key(), integer("ttl"), string("serialized-value"),
              options(flag("REPLACE"), flag("ABSTTL"),
                      option("IDLETIME", Word("seconds", "integer")),
                      option("FREQ", Word("frequency", "integer"))),
              flags="write denyoom", categories="keyspace dangerous", reply=Literal["OK"],
              complexity=COST,
              summary="Make a key from bytes that DUMP gave, here or in Redis with RedisAI")
def restore(session, request):
    """REPLACE, ABSTTL, IDLETIME seconds, FREQ frequency: the last two change nothing here."""
    db = database(session)
    if request.key in db and not request.replace:
        raise CommandError(BUSY)
    if request.ttl < 0:
        raise CommandError(TTL)
    reader = rdb.opened(request.serialized_value)
    kind = reader.byte()
    if kind == rdb.MODULE:
        name, found = ai_rdb.read(reader)
    else:
        name, found = "", rdb_plain.load(kind, reader)
    reader.done()
    expire_ms = None
    if request.ttl:
        expire_ms = request.ttl + (0 if request.absttl else db.space.now())
    if name == "AI__MODEL":
        return model(session, request, *found, expire_ms)
    if name == "AI_SCRIPT":
        raise CommandError(NO_SCRIPTS)
    put(session.server, session.db, request.key, found, expire_ms)
    return OK


def put(server, number, name, value, expire_ms):
    db = server.keyspace[number]
    if expire_ms is not None and expire_ms <= db.space.now():
        db.delete(name)
        return
    db.set(name, value, expire_ms)
    if isinstance(value, ModelValue):
        value.count_runs(executor_of(server).stats, (number, name))


def model(session, request, options, pieces, expire_ms):
    """Load it in a thread, as AI.MODELSTORE does; within MULTI now, for EXEC answers at once."""
    server, number, name = session.server, session.db, request.key
    executor = executor_of(server)
    build = lambda: ModelValue.build(options, pieces, executor.seconds)  # noqa: E731
    if server.keyspace.atomic:
        put(server, number, name, build(), expire_ms)
        return OK
    reply = Deferred()

    def done(result, _):
        if not isinstance(result, CommandError):
            if name in server.keyspace[number] and not request.replace:
                result = CommandError(BUSY)
            else:
                put(server, number, name, result, expire_ms)
                result = OK
        reply.set(result)

    executor.loader.submit(Call("", build, done))
    return reply
