"""MULTI, EXEC, DISCARD, WATCH, UNWATCH. The connection queues; these decide.

``session.multi`` is None or the queue, ``session.multi_error`` says that a queued command was
refused, ``session.watched`` is a list of (Watch, version when it was seen).
"""

from typing import Literal

from ..access import OK, database
from ..command import Family
from ..errors import NULL_ARRAY, CommandError, NullArray
from ..grammar import key, many

rows = Family("transactions")

ABORTED = "EXECABORT Transaction discarded because of previous errors."
FLAGS = "noscript loading stale"


@rows.command("multi", flags=f"{FLAGS} fast allow_busy", since="1.2.0", reply=Literal["OK"],
              summary="Start a transaction")
def multi(session, request):
    if session.multi is not None:
        raise CommandError("ERR MULTI calls can not be nested")
    session.multi, session.multi_error = [], False
    return OK


@rows.command("exec", flags=f"{FLAGS} skip_slowlog", since="1.2.0", reply=list | NullArray,
              complexity="Depends on commands in the transaction",
              summary="Execute all commands of a transaction")
def exec_(session, request):
    if session.multi is None:
        raise CommandError("ERR EXEC without MULTI")
    if session.multi_error:
        discard_transaction(session)
        raise CommandError(ABORTED)
    if changed(session):
        discard_transaction(session)
        return NULL_ARRAY
    space = session.server.keyspace
    space.atomic = True
    try:
        return session.execute_queued()
    finally:
        space.atomic = False
        discard_transaction(session)


@rows.command("discard", flags=f"{FLAGS} fast allow_busy", since="2.0.0", reply=Literal["OK"],
              complexity="O(N), when N is the number of queued commands",
              summary="Discard a transaction")
def discard(session, request):
    if session.multi is None:
        raise CommandError("ERR DISCARD without MULTI")
    discard_transaction(session)
    return OK


@rows.command("watch", many(key()), flags=f"{FLAGS} fast allow_busy", since="2.2.0",
              reply=Literal["OK"], complexity="O(1) for every key",
              summary="Let the next transaction fail if keys are changed before it")
def watch(session, request):
    if session.multi is not None:
        raise CommandError("ERR WATCH inside MULTI is not allowed")
    space = database(session).space
    seen = {(watch.db, watch.key) for watch, _ in session.watched}
    for name in request.keys:
        if (session.db, name) not in seen:
            watch = space.watch(session.db, name)
            session.watched.append((watch, watch.version))
    return OK


@rows.command("unwatch", flags=f"{FLAGS} fast allow_busy", since="2.2.0", reply=Literal["OK"],
              summary="Forget all watched keys")
def unwatch(session, request):
    session.watched = []
    return OK


def changed(session):
    """Whether a watched key was written, or has expired, since it was watched."""
    space = session.server.keyspace
    for watch, _ in session.watched:
        space[watch.db].entry(watch.key)  # an expiry that is due is a change
    return any(watch.version != version for watch, version in session.watched)


def discard_transaction(session):
    session.multi, session.multi_error, session.watched = None, False, []
