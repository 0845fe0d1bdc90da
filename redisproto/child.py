"""``python -m respnet.redisproto.child BACKEND BYTES``: models of another runtime.

A process that may die. The server starts it; standard input is a socket that carries frames
(``child_wire``). A script may ask the server something while it runs.

While the runtime reads a model or script, or runs one, no file can be opened and no descriptor
made, and memory and processor time are limited.
"""

import importlib
import json
import re
import resource
import socket
import sys
import time
from contextlib import contextmanager
from functools import partial
from math import ceil

from .ai_tensor import MOST_BYTES
from .child_wire import (
    ABSENT,
    ANSWER,
    ASK,
    CALL,
    DROP,
    FAILED,
    LOAD,
    LOADED,
    READY,
    RESULT,
    RUN,
    SCRIPT,
    Channel,
    pack,
    unpack,
)
from .child_words import pack_words, unpack_words
from .errors import CommandError

RUNTIMES = {"ONNX": ".child_onnx", "TORCH": ".child_torch", "TF": ".child_tf",
            "TFLITE": ".child_tflite"}
SHOWN = 400  # letters of an error
FILES = 64


def main(backend, limit):
    channel = Channel(socket.socket(fileno=0))
    try:
        runtime = importlib.import_module(RUNTIMES[backend], __package__)
    except ImportError:
        return channel.send(ABSENT)
    set_limit(resource.RLIMIT_AS, address_space() + limit)
    set_limit(resource.RLIMIT_FSIZE, MOST_BYTES)
    set_limit(resource.RLIMIT_CORE, 0)
    set_limit(resource.RLIMIT_NOFILE, FILES)
    channel.send(READY, body=runtime.VERSION.encode())
    child = Child(channel, runtime)
    while True:
        try:
            frame = channel.receive()
        except ConnectionError:
            return None
        child.serve(frame)


class Child:
    """held: number -> a Model or a Script."""

    def __init__(self, channel, runtime):
        self.channel, self.runtime, self.held = channel, runtime, {}

    def serve(self, frame):
        if frame.kind == DROP:
            self.held.pop(frame.number, None)
        else:
            self.channel.send(*self.reply(frame))

    def reply(self, frame):
        """(kind, number, body, parts) of what a frame is answered with."""
        try:
            if frame.kind not in ANSWERS:
                raise ValueError(f"a frame of kind {frame.kind}")
            return ANSWERS[frame.kind](self, frame)
        except Exception as error:
            return FAILED, frame.number, told(error).encode("utf-8", "replace")

    def load(self, frame):
        with fenced(frame.seconds):
            model = self.runtime.Model(frame.file, *json.loads(frame.body))
        self.held[frame.number] = model
        slots = {"inputs": model.inputs, "outputs": model.outputs}
        return LOADED, frame.number, json.dumps(slots).encode()

    def run(self, frame):
        arrays, model = unpack(frame), self.held[frame.number]
        with fenced(frame.seconds):
            results = model.run(arrays)
        return RESULT, frame.number, *pack(results)

    def load_script(self, frame):
        source, compiled = unpack_words(frame), self.runtime.scripts()
        with fenced(frame.seconds):
            script = compiled(source)
        self.held[frame.number] = script
        return LOADED, frame.number, *pack_words(script.functions)

    def call(self, frame):
        (function, arguments), script = unpack_words(frame), self.held[frame.number]
        with fenced(frame.seconds):
            result = script.run(function, arguments, partial(self.ask, frame.number))
        return RESULT, frame.number, *pack_words(result)

    def ask(self, number, question):
        """What the server answers to a script that runs; before, it may want a model to be run."""
        set_limit(resource.RLIMIT_NOFILE, FILES)
        try:
            self.channel.send(ASK, number, *pack_words(question))
            while (frame := self.channel.receive()).kind != ANSWER:
                self.serve(frame)
            good, value = unpack_words(frame)
        finally:
            set_limit(resource.RLIMIT_NOFILE, 0)
        if not good:
            raise CommandError(f"ERR {value}")
        return value


ANSWERS = {LOAD: Child.load, RUN: Child.run, SCRIPT: Child.load_script, CALL: Child.call}


def told(error):
    """The runtime's words in one line, without its names of errors, places and addresses."""
    if isinstance(error, CommandError):
        return error.text.removeprefix("ERR ")
    if isinstance(error, MemoryError) or "bad_alloc" in str(error):
        return "the model needs more memory than it may have"
    text = str(error).strip() or "the runtime gave no reason"
    if "Traceback" in text:  # torch shows the lines of the model; the last error is what is wrong
        lines = text.splitlines()
        text = next((one for one in reversed(lines) if re.match(r"\w+Error: ", one)), lines[-1])
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : |^(\w+Error: )+(ERR )?", "", text)
    text = re.sub(r"\S+:\d+ [^()]*\([^()]*\) ", "", text)  # file:line function(types)
    return " ".join(re.sub(r"\S*/\S+|0x[0-9a-fA-F]+", "...", text).split())[:SHOWN]


@contextmanager
def fenced(seconds):
    set_limit(resource.RLIMIT_CPU, ceil(time.process_time() + seconds) + 1)
    set_limit(resource.RLIMIT_NOFILE, 0)
    try:
        yield
    finally:
        set_limit(resource.RLIMIT_NOFILE, FILES)


def set_limit(which, value):
    """The soft limit: this process raises it again, what a model does cannot."""
    _, most = resource.getrlimit(which)
    value = value if most == resource.RLIM_INFINITY else min(value, most)
    resource.setrlimit(which, (value, most))


def address_space():
    """Bytes of addresses the runtime has taken by being there."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:  # no Linux: a guess above what torch takes
        return 2 << 30


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
