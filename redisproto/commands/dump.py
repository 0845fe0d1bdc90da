"""DUMP and RESTORE: values as bytes that Redis, RedisAI and this server read and write."""

from typing import Literal

from .. import ai_rdb, rdb, rdb_plain
from ..access import OK, database
from ..ai_model import ModelValue
from ..ai_queue import Call, executor_of
from ..ai_script import ScriptValue
from ..command import Family
from ..errors import CommandError, Deferred
from ..grammar import flag, integer, key, option, options, string
from ..words import Word

rows = Family("generic", since="2.6.0")

BUSY = "BUSYKEY Target key name already exists."
TTL = "ERR Invalid TTL value, must be >= 0"
NOT_DUMPED = "ERR a value of this type cannot be dumped"
MODULE = bytes([rdb.MODULE])
LONG = 1 << 18  # bytes that are read and summed beside the other clients: about 10 ms
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
    size = len(body)
    return apart(session, size < LONG, lambda: rdb.seal(body), lambda payload: payload, size)


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
    expire_ms = None
    if request.ttl:
        expire_ms = request.ttl + (0 if request.absttl else db.space.now())
    server, number, name = session.server, session.db, request.key
    payload, executor = request.serialized_value, executor_of(server)

    def done(value):
        if name in server.keyspace[number] and not request.replace:
            raise CommandError(BUSY)
        put(server, number, name, value, expire_ms)
        return OK

    quick = payload[:1] != MODULE and len(payload) < LONG
    return apart(session, quick, lambda: decode(payload, executor), done, len(payload))


def decode(payload, executor):
    """The value of a payload. Models are loaded and scripts compiled, which may take long."""
    reader = rdb.opened(payload)
    kind = reader.byte()
    if kind != rdb.MODULE:
        value = rdb_plain.load(kind, reader)
        reader.done()
        return value
    name, found = ai_rdb.read(reader)
    reader.done()
    if name == "AI__MODEL":
        return ModelValue.build(*found, executor.seconds)
    if name == "AI_SCRIPT":
        return ScriptValue.build(*found, executor.compile_script)
    return found


def put(server, number, name, value, expire_ms):
    db = server.keyspace[number]
    if expire_ms is not None and expire_ms <= db.space.now():
        db.delete(name)
        return
    db.set(name, value, expire_ms)
    if isinstance(value, (ModelValue, ScriptValue)):
        value.count_runs(executor_of(server).stats, (number, name))


def apart(session, quick, work, done, size):
    """``done(work())``: the work at once if it is quick or within MULTI, for EXEC answers at once;
    else in a thread, and the reply comes later. size: bytes that are held until then."""
    server = session.server
    if quick or server.keyspace.atomic:
        return done(work())
    reply = Deferred()

    def finish(result, _):
        if not isinstance(result, CommandError):
            try:
                result = done(result)
            except CommandError as error:
                result = error
        reply.set(result)

    executor_of(server).loader.submit(Call("", work, finish, size))
    return reply
