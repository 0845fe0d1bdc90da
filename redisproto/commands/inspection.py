"""What is behind a key: OBJECT, MEMORY."""

from ..access import database
from ..command import Family
from ..errors import CommandError, Verbatim
from ..grammar import integer, key, option, options
from ..info import human

rows = Family("generic")
NOT_LFU = (
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that "
    "when switching between policies at runtime LRU and LFU data will take some time to adjust."
)

obj = rows.container("object", since="2.2.3", categories="", complexity="Depends on subcommand.",
                     summary="A container for commands that look into a value")


def entry_of(session, request):
    return database(session).entry(request.key)


@obj.command("encoding", key(), flags="readonly", categories="keyspace", reply=bytes | None,
             summary="How the value is kept")
def encoding(session, request):
    entry = entry_of(session, request)
    return entry and entry.value.encoding.encode()


@obj.command("refcount", key(), flags="readonly", categories="keyspace", reply=int | None,
             summary="How many references the value has: one")
def refcount(session, request):
    return entry_of(session, request) and 1


@obj.command("idletime", key(), flags="readonly", categories="keyspace", reply=int | None,
             summary="Seconds since the last access")
def idletime(session, request):
    entry = entry_of(session, request)
    return entry and max(0, database(session).space.seconds - entry.accessed)


@obj.command("freq", key(), flags="readonly", since="4.0.0", categories="keyspace",
             reply=int | None, summary="Access frequency; refused, for it is not tracked")
def freq(session, request):
    if entry_of(session, request) is not None:
        raise CommandError(NOT_LFU)


memory = rows.container("memory", since="4.0.0", group="server", categories="",
                        complexity="Depends on subcommand.",
                        summary="A container for memory commands")


@memory.command("usage", key(), options(option("SAMPLES", integer("count"))), flags="readonly",
                reply=int | None, summary="Bytes a key and its value take")
def usage(session, request):
    if request.count is not None and request.count < 0:
        raise CommandError("ERR syntax error")
    entry = entry_of(session, request)
    return entry and entry.size


@memory.command("doctor", reply=Verbatim, summary="A report about memory")
def doctor(session, request):
    space = session.server.keyspace
    limit = human(space.maxmemory) if space.maxmemory else "no limit"
    text = (f"Keys and values take {human(space.used)}, runs that wait {human(space.held)}; the "
            f"limit is {limit}.")
    if space.full:
        text += " Writes are refused: delete keys or raise maxmemory."
    return Verbatim(text.encode())
