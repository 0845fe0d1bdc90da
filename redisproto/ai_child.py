"""Other runtimes, each in a child of its own: started at its first use, killed when it is late.

    runtime = Runtime("ONNX", limit)
    runnable = runtime.load(blob, names, seconds)

A run of a child that dies or takes too long is answered with an error; the next one starts another
child and loads its model again. A child does one thing at a time; a script in it
(``ai_child_script``) may ask for a model to be run meanwhile.
"""

import asyncio
import json
import logging
import socket
import subprocess
import sys
import time
import weakref
from collections import deque
from contextlib import contextmanager
from itertools import count
from threading import RLock

from .ai_backends import NOT_LOADED, SHOWN, Runnable, Slot, TooLong
from .ai_tensor import MOST_DIMS, TYPES
from .child_wire import (
    ABSENT,
    DROP,
    FAILED,
    LOAD,
    LOADED,
    READY,
    RESULT,
    RUN,
    Channel,
    pack,
    unpack,
)
from .errors import CommandError

log = logging.getLogger("respnet.ai")

START = 60  # seconds a runtime may take to be there
BUSY = "ERR the runtime is busy: outside of MULTI it would be waited for"
ENDED = "ERR the runtime ended while the model was in it"
ENVIRONMENT = {"OMP_NUM_THREADS": "1"}  # all a child knows of ours


class Runtime:
    """The child of one backend. limit: bytes of memory it may take for models and runs."""

    def __init__(self, backend, limit):
        self.backend, self.limit, self.lock = backend, limit, RLock()
        self.process = self.channel = None
        self.life, self.version, self.closed = 0, "", False  # life: counts the children
        self.numbers, self.gone = count(1), deque()  # of models; of those nobody has any more

    def load(self, blob, names, seconds):
        """The Runnable of a blob; names: of its inputs and outputs, for backends that are told
        them. CommandError."""
        return ChildModel(self, blob, names, seconds)

    def close(self):
        """Kill the child, whatever it does."""
        self.closed = True
        self.kill()

    @contextmanager
    def alone(self):
        """The lock. The loop gets it at once or not at all: a script in the child may be waiting
        for the loop."""
        if not self.lock.acquire(blocking=not on_loop()):
            raise CommandError(BUSY)
        try:
            yield
        finally:
            self.lock.release()

    # -- with the lock

    def ready(self):
        """Start a child if there is none -> its life."""
        if self.process is None or self.process.poll() is not None:
            self.kill()
            self.start()
        return self.life

    def start(self):
        if self.closed:
            raise CommandError(ENDED)
        ours, theirs = socket.socketpair()
        words = [sys.executable, "-P", "-m", f"{__package__}.child", self.backend, str(self.limit)]
        with theirs:
            self.process = subprocess.Popen(
                words, stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=ENVIRONMENT, cwd="/", start_new_session=True)
        self.channel, self.life = Channel(ours), self.life + 1
        self.gone.clear()
        frame = self.answer((READY, ABSENT), START, time.monotonic() + START)
        if frame.kind == ABSENT:
            self.kill()
            extra = self.backend.lower()
            log.warning('backend %s is on, but its runtime is missing: pip install "respnet[%s]"',
                        self.backend, extra)
            raise CommandError(NOT_LOADED)
        self.version = clean(frame.body)

    def ask(self, kind, wanted, number, body, parts, seconds, until=None):
        """The frame a request is answered with, of one of the kinds ``wanted``; until: monotonic,
        the end of ``seconds`` that began earlier. CommandError."""
        until = until or time.monotonic() + seconds
        try:
            self.channel.until = until
            while self.gone:
                self.channel.send(DROP, self.gone.popleft())
            self.channel.send(kind, number, body, parts, seconds)
        except (OSError, ValueError) as error:
            raise self.lost(error, seconds) from None
        return self.answer(wanted, seconds, until)

    def answer(self, wanted, seconds, until):
        try:
            self.channel.until = until
            frame = self.channel.receive()
            if frame.kind == FAILED:
                raise CommandError("ERR " + clean(frame.body))
            if frame.kind not in wanted:
                raise ValueError(f"a frame of kind {frame.kind}")
            return frame
        except (OSError, ValueError) as error:
            raise self.lost(error, seconds) from None

    def lost(self, error, seconds):
        """End a child that cannot be talked to any more -> what the client is told."""
        self.kill()
        log.warning("the child of backend %s is ended: %s", self.backend,
                    error or "it took too long")
        late = isinstance(error, TimeoutError)
        return CommandError(f"ERR more than {seconds} seconds" if late else ENDED)

    def kill(self):
        process, channel = self.process, self.channel
        if process is not None:
            process.kill()
            process.wait()
            channel.sock.close()
        self.process = None


class Held:
    """What a child holds under a number; it is kept here for the next child. kind, body, parts: of
    the frame that loads it."""

    def __init__(self, runtime, kind, body, parts):
        self.runtime, self.frame = runtime, (body, parts)
        self.kind, self.number, self.life = kind, next(runtime.numbers), 0
        weakref.finalize(self, runtime.gone.append, self.number)

    def enter(self, seconds):
        """With the lock: load it into the present child -> the frame it is answered with, or None:
        it is there."""
        life = self.runtime.ready()
        if self.life == life:
            return None
        frame = self.runtime.ask(self.kind, (LOADED,), self.number, *self.frame, seconds)
        self.life = life
        return frame


class ChildModel(Runnable):
    """A model in a child."""

    def __init__(self, runtime, blob, names, seconds):
        super().__init__()
        self.runtime, self.seconds, self.nbytes = runtime, seconds, 2 * len(blob)
        self.held = Held(runtime, LOAD, json.dumps(names).encode(), [blob])
        with runtime.alone():
            frame = self.held.enter(seconds)
            try:
                told = json.loads(frame.body)
                self.inputs, self.outputs = (slots_of(told[name]) for name in ("inputs", "outputs"))
            except (KeyError, TypeError, ValueError, RecursionError) as error:
                raise runtime.lost(error, seconds) from None

    def run(self, arrays):
        body, parts = pack(arrays)
        with self.runtime.alone():
            self.held.enter(self.seconds)
            frame = self.runtime.ask(RUN, (RESULT,), self.held.number, body, parts, self.seconds)
        results = unpack(frame)
        if len(results) != len(self.outputs):
            raise CommandError(f"ERR the model gave {len(results)} outputs, it has "
                               f"{len(self.outputs)}")
        return results

    def run_small(self, arrays):
        raise TooLong  # the loop waits for no other process


def on_loop():
    """Whether this thread runs the server's loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def slots_of(rows):
    """Slots of [name, type, shape]; ValueError or TypeError for anything else."""
    found = []
    for name, dtype, shape in rows:
        good = isinstance(name, str) and dtype in ("", *TYPES) and len(shape or ()) <= MOST_DIMS
        if not good or any(n is not None and type(n) is not int for n in shape or ()):
            raise ValueError("slots that are none")
        found.append(Slot(name, dtype, None if shape is None else tuple(shape)))
    return tuple(found)


def clean(body):
    """Bytes of a child as one line that may be shown."""
    words = body[: 4 * SHOWN].decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())[:SHOWN]
