"""The server as a whole: INFO, DBSIZE, FLUSHALL, SWAPDB, TIME, SHUTDOWN, saving."""

import asyncio
import time
from typing import Literal

from ..access import OK, database, database_number
from ..command import Family
from ..errors import NO_REPLY, CommandError, Deferred, NoReply, Verbatim
from ..grammar import choice, flag, oneof, optional, options, rest
from ..info import modules, report
from ..listening import is_local
from ..numbers import parse_integer
from ..words import Word

rows = Family("server")

SAVING = "admin noscript no_async_loading"
NO_STORE = "ERR this server keeps nothing on disk: it was started without a dir"
DEBUG_REFUSED = (
    'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you '
    "can run it from a local connection, otherwise you need to set this option in the "
    "configuration file, and then restart the server."
)
FLUSH_COST = "O(N) where N is the number of keys"


@rows.command("info", rest("section"), flags="loading stale", categories="dangerous",
              reply=Verbatim, summary="Figures about the server")
def info(session, request):
    wanted = [word.decode("latin-1") for word in request.section]
    return Verbatim(report(session.server, wanted).encode())


@rows.command("dbsize", flags="readonly fast", categories="keyspace", reply=int,
              summary="Return the number of keys in the selected database")
def dbsize(session, request):
    return len(database(session))


@rows.command("flushdb", optional(choice("mode", "ASYNC", "SYNC")), flags="write",
              categories="keyspace dangerous", reply=Literal["OK"], complexity=FLUSH_COST,
              summary="Remove all keys from the selected database")
def flushdb(session, request):
    session.server.keyspace.flush(session.db)
    return OK


@rows.command("flushall", optional(choice("mode", "ASYNC", "SYNC")), flags="write",
              categories="keyspace dangerous", reply=Literal["OK"], complexity=FLUSH_COST,
              summary="Remove all keys from all databases")
def flushall(session, request):
    session.server.keyspace.flush()
    return OK


@rows.command("swapdb", Word("index1", "integer"), Word("index2", "integer"), since="4.0.0",
              flags="write fast", categories="keyspace dangerous", reply=Literal["OK"],
              complexity="O(N) where N is the number of watched keys",
              summary="Swap two databases")
def swapdb(session, request):
    first = parse_integer(request.index1, "ERR invalid first DB index")
    second = parse_integer(request.index2, "ERR invalid second DB index")
    for number in (first, second):
        database_number(session, number)
    session.server.keyspace.swapdb(first, second)
    return OK


@rows.command("time", flags="loading stale fast", since="2.6.0", reply=list[bytes],
              summary="Return the current server time: seconds, microseconds")
def time_(session, request):
    seconds, micros = divmod(time.time_ns() // 1000, 1_000_000)
    return [b"%d" % seconds, b"%d" % micros]


# -- on disk


def store_of(session):
    if session.server.store is None:
        raise CommandError(NO_STORE)
    return session.server.store


@rows.command("save", flags=f"{SAVING} no_multi", reply=Literal["OK"],
              complexity="O(N) where N is the number of bytes not yet in the main file",
              summary="Bring everything to the disk, then answer")
def save(session, request):
    loop, later = asyncio.get_running_loop(), Deferred()

    def done(error):  # in the store's thread
        reply = OK if error is None else CommandError("ERR saving failed, see the log")
        loop.call_soon_threadsafe(later.set, reply)

    store_of(session).save(done)
    return later


@rows.command("bgsave", options(flag("SCHEDULE")), flags=SAVING, reply=str,
              summary="Bring everything to the disk, answer at once")
def bgsave(session, request):
    store_of(session).save()
    return "Background saving started"


@rows.command("bgrewriteaof", flags=SAVING, reply=str,
              summary="The same as BGSAVE: the store compacts its log by itself")
def bgrewriteaof(session, request):
    store_of(session).save()
    return "Background append only file rewriting started"


@rows.command("lastsave", flags="loading stale fast", categories="admin dangerous", reply=int,
              summary="Unix time of the last save")
def lastsave(session, request):
    server = session.server
    return int(server.stats.started if server.store is None else server.store.last_save)


@rows.command("shutdown", options(oneof(flag("NOSAVE"), flag("SAVE")), flag("NOW"), flag("FORCE"),
                                  flag("ABORT")),
              flags="admin noscript loading stale no_multi allow_busy", reply=NoReply,
              complexity="O(N) when saving, where N is the number of bytes not yet in the file",
              summary="Save, end all connections, end the server")
def shutdown(session, request):
    if request.abort:
        raise CommandError("ERR No shutdown in progress.")
    session.server.shutdown(save=not request.nosave)
    return NO_REPLY


@rows.command("debug", rest("args", least=1), flags="admin noscript loading stale",
              reply=Literal["OK"], complexity="O(N) where N is the size of all values",
              summary="RELOAD: write and read every value; refused unless the setting allows it")
def debug(session, request):
    if not may_debug(session):
        raise CommandError(DEBUG_REFUSED)
    if request.args[0].lower() != b"reload":
        raise CommandError("ERR DEBUG has one subcommand here: RELOAD")
    session.server.keyspace.reload()
    return OK


def may_debug(session):
    allowed = session.server.config["enable-debug-command"]
    return allowed == "yes" or (allowed == "local" and is_local(session.addr))


module = rows.container("module", since="4.0.0", categories="",
                        complexity="Depends on subcommand.",
                        summary="A container for module commands")


@module.command("list", flags="admin noscript", reply=list[dict],
                summary="The module command families that are built in")
def module_list(session, request):
    return modules()
