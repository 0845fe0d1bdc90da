"""CLIENT: who is connected, under which name; ending connections."""

import time
from typing import Literal

from ..access import OK
from ..command import Family
from ..errors import CommandError
from ..grammar import choice, flag, integer, many, oneof, option, options, rest, string
from ..numbers import parse_integer
from .connection import client_name

rows = Family("connection")
client = rows.container("client", since="2.4.0", categories="", complexity="Depends on subcommand.",
                        summary="A container for client connection commands")

FLAGS = "noscript loading stale"
ADMIN = f"admin {FLAGS}"
TYPES = ("normal", "master", "replica", "slave", "pubsub")
NO_SUCH_CLIENT = "ERR No such client"
BAD_ID = "ERR client-id should be greater than 0"


def subcommand(name, *items, **fields):
    fields = {"flags": FLAGS, "categories": "connection", **fields}
    return client.command(name, *items, **fields)


@subcommand("id", since="5.0.0", reply=int, summary="Return the number of this connection")
def id_(session, request):
    return session.id


@subcommand("setname", string("connection-name"), since="2.6.9", reply=Literal["OK"],
            summary="Set the name of this connection")
def setname(session, request):
    session.name = client_name(request.connection_name)
    return OK


@subcommand("getname", since="2.6.9", reply=bytes | None,
            summary="Get the name of this connection")
def getname(session, request):
    return session.name or None


@subcommand("setinfo", choice("attr", "LIB-NAME", "LIB-VER"), string("value"), since="7.2.0",
            reply=Literal["OK"], summary="Tell which client library this is")
def setinfo(session, request):
    try:
        value = client_name(request.value)
    except CommandError:
        word = request.argv[2].decode("latin-1")
        raise CommandError(f"ERR {word} cannot contain spaces, newlines or special characters."
                           ) from None
    setattr(session, request.attr.replace("-", "_"), value)
    return OK


@subcommand("info", since="6.2.0", reply=bytes, summary="Information about this connection")
def info(session, request):
    return describe(session) + b"\n"


@subcommand("list", options(option("TYPE", string("client-type")),
                            option("ID", many(string("client-id")))),
            flags=ADMIN, since="2.4.0", reply=bytes, categories="connection",
            complexity="O(N) where N is the number of client connections",
            summary="List open connections")
def list_(session, request):
    sessions = list(session.server.clients.values())
    if request.client_type is not None and not is_normal(request.client_type):
        sessions = []
    if request.client_ids:
        wanted = [parse_integer(word, "ERR Invalid client ID") for word in request.client_ids]
        sessions = [session.server.clients[n] for n in wanted if n in session.server.clients]
    return b"".join(describe(one) + b"\n" for one in sessions)


def is_normal(word):
    """All clients here are of type normal; the other types exist and have no clients."""
    name = word.lower().decode("latin-1")
    if name not in TYPES:
        raise CommandError(f"ERR Unknown client type '{word.decode('latin-1')}'")
    return name == "normal"


def describe(session):
    """One line of CLIENT LIST; the fields of Redis that have no meaning here are zero."""
    now = time.time()
    fields = {
        "id": session.id, "addr": session.addr, "laddr": session.laddr, "fd": 0,
        "name": (session.name or b"").decode("latin-1"), "age": int(now - session.created),
        "idle": int(now - session.last_used), "flags": "O" if session.monitor else "N",
        "db": session.db, "sub": 0, "psub": 0, "ssub": 0,
        "multi": -1 if session.multi is None else len(session.multi),
        "qbuf": 0, "qbuf-free": 0, "argv-mem": 0, "multi-mem": 0, "rbs": 0, "rbp": 0, "obl": 0,
        "oll": 0, "omem": 0, "tot-mem": 0, "events": "r", "cmd": "NULL", "user": "default",
        "redir": -1, "resp": session.protocol,
        "lib-name": (session.lib_name or b"").decode("latin-1"),
        "lib-ver": (session.lib_ver or b"").decode("latin-1"),
    }
    return " ".join(f"{name}={value}" for name, value in fields.items()).encode("latin-1")


@subcommand("kill", rest("filter", least=1), flags=ADMIN, since="2.4.0",
            reply=Literal["OK"] | int,
            complexity="O(N) where N is the number of client connections",
            summary="End connections")
def kill(session, request):
    if len(request.filter) == 1:
        return kill_address(session, request.filter[0].decode("latin-1"))
    filters = kill_filters(request.filter)
    chosen = [one for one in list(session.server.clients.values())
              if all(test(one) for test in filters["tests"])]
    if filters["skipme"]:
        chosen = [one for one in chosen if one is not session]
    for one in chosen:
        one.close()
    return len(chosen)


def kill_address(session, address):
    """The old form CLIENT KILL ip:port."""
    for one in list(session.server.clients.values()):
        if one.addr == address:
            one.close()
            return OK
    raise CommandError(NO_SUCH_CLIENT)


def kill_filters(words):
    """Pairs of filter and value -> tests on a client, and whether the caller is spared."""
    if len(words) % 2:
        raise CommandError("ERR syntax error")
    found = {"tests": [], "skipme": True}
    for name, value in zip(words[::2], words[1::2], strict=True):
        name, text = name.lower().decode("latin-1"), value.decode("latin-1")
        if name == "skipme" and text.lower() in ("yes", "no"):
            found["skipme"] = text.lower() == "yes"
        elif name in KILL_TESTS:
            found["tests"].append(KILL_TESTS[name](value, text))
        else:
            raise CommandError("ERR syntax error")
    return found


def by_id(value, text):
    wanted = parse_integer(value, BAD_ID)
    if wanted < 1:
        raise CommandError(BAD_ID)
    return lambda one: one.id == wanted


def by_type(value, text):
    normal = is_normal(value)
    return lambda one: normal


def by_user(value, text):
    if text != "default":
        raise CommandError(f"ERR No such user '{text}'")
    return lambda one: True


def by_age(value, text):
    seconds = parse_integer(value, "ERR maxage is not an integer or out of range")
    return lambda one: time.time() - one.created >= seconds


KILL_TESTS = {
    "id": by_id,
    "type": by_type,
    "user": by_user,
    "maxage": by_age,
    "addr": lambda value, text: lambda one: one.addr == text,
    "laddr": lambda value, text: lambda one: one.laddr == text,
}


@subcommand("unblock", integer("client-id"), options(oneof(flag("TIMEOUT"), flag("ERROR"))),
            flags=ADMIN, since="5.0.0", reply=int,
            error="ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR",
            summary="Answers 0: who waits for a model is not unblocked, as with RedisAI")
def unblock(session, request):
    return 0


@subcommand("no-evict", choice("enabled", "ON", "OFF"), flags=ADMIN, since="7.0.0",
            reply=Literal["OK"], summary="Accepted; connections are never evicted")
def no_evict(session, request):
    return OK


@subcommand("no-touch", choice("enabled", "ON", "OFF"), since="7.2.0", reply=Literal["OK"],
            summary="Accepted; access times do not decide anything")
def no_touch(session, request):
    return OK
