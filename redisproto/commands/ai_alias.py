"""Aliases of models: AI.MODELALIAS SET, GET, DEL."""

from typing import Literal

from ..access import OK, database
from ..ai_alias import AliasValue, warm_up
from ..ai_model import stored_model
from ..ai_queue import Call, executor_of
from ..command import Family
from ..errors import CommandError, Deferred
from ..grammar import key
from ..values import WRONG_TYPE

rows = Family("ai", since="1.0.0")

NO_ALIAS = "ERR there is no such alias"

alias = rows.container("ai.modelalias", summary="A container for commands of model aliases",
                       complexity="Depends on subcommand.")


def alias_at(db, name):
    """The AliasValue of a key, or None; WRONGTYPE if it is something else."""
    value = db.peek(name)
    if not isinstance(value, AliasValue | None):
        raise CommandError(WRONG_TYPE)
    return value


@alias.command("set", key("alias"), key("key"), flags="write denyoom", reply=Literal["OK"],
               complexity="O(N) where N is the work of the model, beside the other clients",
               summary="Let an alias stand for a model, once that has run on zeros")
def set_(session, request):
    """Clients run the old model until the new one is warm; then all of them run the new one."""
    server, number = session.server, session.db
    model = stored_model(session, request.key)
    alias_at(database(session), request.alias)
    if server.keyspace.atomic:
        database(session).set(request.alias, AliasValue(request.key))
        return OK
    executor, reply = executor_of(server), Deferred()
    seconds = executor.seconds

    def done(result, _):
        try:
            if isinstance(result, CommandError):
                raise result
            stored_model(session, request.key)
            alias_at(server.keyspace[number], request.alias)
            server.keyspace[number].set(request.alias, AliasValue(request.key))
            reply.set(OK)
        except CommandError as error:
            reply.set(error)

    executor.loader.submit(Call("", lambda: warm_up(model, seconds), done))
    return reply


@alias.command("get", key("alias"), flags="readonly", reply=bytes | None,
               summary="The key of the model an alias stands for")
def get(session, request):
    value = alias_at(database(session), request.alias)
    return value and value.target


@alias.command("del", key("alias"), flags="write", reply=Literal["OK"],
               summary="Delete an alias; its model stays")
def delete(session, request):
    db = database(session)
    if alias_at(db, request.alias) is None:
        raise CommandError(NO_ALIAS)
    db.delete(request.alias)
    return OK
