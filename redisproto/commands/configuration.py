"""CONFIG: a fixed list of settings; paths and passwords are never shown."""

from typing import Literal

from ..access import OK
from ..command import Family
from ..config import BY_NAME
from ..errors import CommandError
from ..grammar import many, pattern, string
from ..settings import SettingError
from ..signature import SHOWN

rows = Family("server")
config = rows.container("config", since="2.0.0", categories="",
                        complexity="Depends on subcommand.",
                        summary="A container for server configuration commands")

FLAGS = "admin noscript loading stale"


@config.command("get", many(pattern("parameter")), flags=FLAGS, since="2.0.0",
                reply=dict[bytes, bytes],
                complexity="O(N) where N is the number of settings",
                summary="Get the values of settings, by glob patterns")
def get(session, request):
    patterns = [word.lower() for word in request.parameters]
    found = session.server.config.matching(patterns)
    return {name.encode(): text.encode() for name, text in found.items()}


@config.command("set", many(string("parameter"), string("value"), name="pairs",
                            error="ERR wrong number of arguments for 'config|set' command"),
                flags=FLAGS, since="2.0.0", reply=Literal["OK"],
                complexity="O(N) where N is the number of settings",
                summary="Change settings, all or none")
def set_(session, request):
    changes = {}
    for word, value in request.pairs:
        shown = word[:SHOWN].decode("latin-1")
        name = shown.lower()
        if name not in BY_NAME:
            raise CommandError(
                f"ERR Unknown option or number of arguments for CONFIG SET - '{shown}'")
        if name in changes:
            raise failed(shown, "duplicate parameter")
        changes[name] = value.decode("utf-8", "surrogateescape")
    try:
        session.server.config.change(changes)
    except SettingError as error:
        raise failed(*error.args) from None
    return OK


def failed(name, reason):
    return CommandError(f"ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")


@config.command("resetstat", flags=FLAGS, since="2.0.0", reply=Literal["OK"],
                summary="Reset the counters of INFO")
def resetstat(session, request):
    session.server.stats.reset()
    space = session.server.keyspace
    space.hits = space.misses = space.expired = 0
    return OK
