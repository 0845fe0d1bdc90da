"""Values that are built beside the loop and then put at a key: models and scripts.

    MODELS = Shelf(ModelValue)
    return MODELS.store(session, name, lambda: ModelValue.build(...), size)
"""

from .access import OK, database
from .ai_model import raw
from .ai_queue import Call, executor_of
from .errors import CommandError, Deferred
from .values import WRONG_TYPE


class Shelf:
    """kind: a class of values with ``options.tag`` and ``count_runs``."""

    def __init__(self, kind):
        self.kind = kind

    def check(self, db, name):
        """CommandError if something else is at a key."""
        if not isinstance(db.peek(name), self.kind | None):
            raise CommandError(WRONG_TYPE)

    def put(self, executor, number, name, value):
        """Put a value at a key of a database; its runs are counted from now on."""
        db = executor.server.keyspace[number]
        self.check(db, name)
        db.set(name, value)
        value.count_runs(executor.stats, (number, name))
        return OK

    def store(self, session, name, build, size):
        """Put ``build()``, made in a thread of ``size`` bytes from the client; within MULTI made
        now, for EXEC answers at once."""
        executor, number = executor_of(session.server), session.db
        self.check(database(session), name)
        if session.server.keyspace.atomic:
            return self.put(executor, number, name, build())
        reply = Deferred()

        def done(result, _):
            if not isinstance(result, CommandError):
                try:
                    result = self.put(executor, number, name, result)
                except CommandError as error:
                    result = error
            reply.set(result)

        executor.loader.submit(Call("", build, done, size))
        return reply

    def scan(self, session):
        """[key, tag] of all."""
        db = database(session)
        found = ((name, db.peek(name)) for name in sorted(db.hooked))
        return [[name, raw(value.options.tag)] for name, value in found
                if isinstance(value, self.kind)]
