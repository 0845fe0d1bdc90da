"""What scripts reach of the server: a fixed list of commands, and models.

A script runs in a worker. Commands run on the loop's thread while the worker waits; a model is
looked up there too, and runs in the worker: the queue of its device may be the script's own.
"""

from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLong

import numpy as np

from respnet.engine.errors import EngineError
from respnet.engine.script import Host

from .ai_holdings import OOM
from .ai_model import model_at, raw, text
from .ai_queue import executor_of
from .errors import CommandError, Deferred, Verbatim

COMMANDS = frozenset("""
    append decr decrby del echo exists expire get getdel getset incr incrby mget mset
    ping set setnx strlen ttl type
    hdel hexists hget hgetall hincrby hkeys hlen hmget hset hvals
    lindex llen lpop lpush lrange rpop rpush
    sadd scard sismember smembers srem
    ai.tensorget ai.tensorset""".split())
PATIENCE = 10  # seconds a worker waits for the loop
REPLY_BYTES = 1 << 20


class Client:
    """What a handler needs of a session."""

    protocol = 2

    def __init__(self, server, number):
        self.server, self.db = server, number


class ServerHost(Host):
    """server: the Server; number: of the client's database."""

    def __init__(self, server, number):
        self.server, self.number = server, number
        self.seconds = executor_of(server).seconds  # that a run may take

    def execute(self, words):
        return self._on_loop(self._command, [raw(word) for word in words])

    def model_execute(self, key, inputs, outputs):
        model = self._on_loop(self._model, raw(key))
        if len(model.inputs) != len(inputs):
            raise EngineError(f"the model has {len(model.inputs)} inputs, got {len(inputs)}")
        if len(model.outputs) != outputs:
            raise EngineError(f"the model has {len(model.outputs)} outputs, wanted {outputs}")
        return [np.asarray(one) for one in model.ready(self.seconds).run(inputs)]

    def _on_loop(self, function, *arguments):
        """Call on the loop's thread and wait; EngineError for what a client would be told."""
        future = Future()

        def call():
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(function(*arguments))
            except Exception as error:
                future.set_exception(error)
            self.server.effects_made()

        self.server.loop.call_soon_threadsafe(call)
        try:
            return future.result(PATIENCE)
        except CommandError as error:
            raise EngineError(error.text.removeprefix("ERR ")) from None
        except TooLong:
            future.cancel()
            raise EngineError("the server is too busy for a command of a script") from None

    # -- on the loop

    def _model(self, key):
        return model_at(executor_of(self.server), self.server.keyspace[self.number], key)

    def _command(self, argv):
        name = argv[0].lower().decode("latin-1")
        if name not in COMMANDS:
            raise CommandError(f"ERR a script cannot run the command {name[:40]!r}")
        row = self.server.table.resolve(argv)
        if "write" in row.flags and self.server.write_error:
            raise CommandError(f"MISCONF Errors writing to the store: {self.server.write_error}")
        if row.denies_oom and self.server.keyspace.full:
            raise CommandError(OOM)
        reply = row(Client(self.server, self.number), argv)
        if isinstance(reply, Deferred):
            raise CommandError(f"ERR a script cannot wait for {name}")
        return plain(reply, [REPLY_BYTES])


def plain(reply, room):
    """A reply as a script sees it: str, int, None, lists; ``room``: bytes that are left."""
    if isinstance(reply, dict):
        reply = [one for pair in reply.items() for one in pair]
    if isinstance(reply, (list, tuple, set)):
        return [plain(one, room) for one in reply]
    room[0] -= 16 + (len(reply) if isinstance(reply, bytes) else 0)
    if room[0] < 0:
        raise CommandError(f"ERR a script takes replies of at most {REPLY_BYTES} bytes")
    if isinstance(reply, Verbatim):
        return reply.text
    if isinstance(reply, bytes):
        return text(reply)
    if isinstance(reply, float):
        return repr(reply)
    return int(reply) if isinstance(reply, bool) else reply
