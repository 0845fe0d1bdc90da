"""The connection itself: PING, HELLO, AUTH, SELECT, RESET, QUIT."""

from typing import Literal

from .. import auth
from ..access import OK, database_number
from ..command import Family
from ..errors import CommandError
from ..grammar import integer, option, optional, options, rest, string
from ..info import modules
from ..version import REDIS_VERSION
from .transactions import discard_transaction

rows = Family("connection")

ALWAYS = "noscript loading stale fast"
NO_PASSWORD = ("ERR AUTH <password> called without any password configured for the default user. "
               "Are you sure your configuration is correct?")
WRONG_PASS = "WRONGPASS invalid username-password pair or user is disabled."
NO_AUTH = ("NOAUTH HELLO must be called with the client already authenticated, otherwise the "
           "HELLO AUTH <user> <pass> option can be used to authenticate the client and select the "
           "RESP protocol version at the same time")
BAD_NAME = "ERR Client names cannot contain spaces, newlines or special characters."


@rows.command("ping", optional(string("message")), flags="fast", reply=Literal["PONG"] | bytes,
              error="ERR wrong number of arguments for 'ping' command",
              summary="Ping the server")
def ping(session, request):
    return "PONG" if request.message is None else request.message


@rows.command("echo", string("message"), flags="loading stale fast", reply=bytes,
              summary="Echo the given string")
def echo(session, request):
    return request.message


@rows.command("select", integer("index"), flags="loading stale fast", reply=Literal["OK"],
              summary="Change the selected database of the connection")
def select(session, request):
    session.db = database_number(session, request.index)
    return OK


@rows.command("quit", rest("arg"), flags=f"{ALWAYS} no_auth allow_busy",
              reply=Literal["OK"], summary="Close the connection")
def quit_(session, request):
    session.close()
    return OK


@rows.command("reset", flags=f"{ALWAYS} no_auth allow_busy", since="6.2.0",
              reply=Literal["RESET"], summary="Bring the connection back to its first state")
def reset(session, request):
    discard_transaction(session)
    session.db, session.name, session.protocol, session.monitor = 0, b"", 2, False
    session.authenticated = not session.server.config["requirepass"]
    return "RESET"


@rows.command("auth", string("username"), optional(string("password")),
              flags=f"{ALWAYS} no_auth allow_busy", reply=Literal["OK"],
              complexity="O(N) where N is the number of passwords defined for the user",
              summary="Authenticate the connection")
def auth_(session, request):
    if request.password is not None:
        return login(session, request.username, request.password)
    if not session.server.config["requirepass"]:
        raise CommandError(NO_PASSWORD)
    return login(session, b"default", request.username)


def login(session, user, password):
    """With no password set every password of the user ``default`` is right, as in Redis."""
    stored = session.server.config["requirepass"]
    right = auth.verify(password, stored) if stored else True
    if user != b"default" or not right:
        raise CommandError(WRONG_PASS)
    session.authenticated = True
    return OK


@rows.command("hello",
              optional(integer("protover",
                               error="ERR Protocol version is not an integer or out of range"),
                       options(option("AUTH", string("username"), string("password")),
                               option("SETNAME", string("clientname")))),
              flags=f"{ALWAYS} no_auth allow_busy", since="6.0.0", reply=dict,
              error="ERR Syntax error in HELLO option '{word}'",
              summary="Handshake: protocol, authentication, name")
def hello(session, request):
    if request.protover not in (None, 2, 3):
        raise CommandError("NOPROTO unsupported protocol version")
    if request.username is not None:
        login(session, request.username, request.password)
    if not session.authenticated:
        raise CommandError(NO_AUTH)
    if request.clientname is not None:
        session.name = client_name(request.clientname)
    if request.protover is not None:
        session.protocol = request.protover
    return {"server": b"redis", "version": REDIS_VERSION.encode(), "proto": session.protocol,
            "id": session.id, "mode": b"standalone", "role": b"master",
            "modules": modules()}


def client_name(word):
    """A name is printable ASCII without blanks."""
    if any(not 33 <= byte <= 126 for byte in word):
        raise CommandError(BAD_NAME)
    return word
