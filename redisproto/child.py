"""``python -m respnet.redisproto.child BACKEND BYTES``: models of another runtime.

A process that may die. The server starts it; standard input is a socket that carries frames
(``child_wire``).

While the runtime reads a model or runs one, no file can be opened and no descriptor made, and
memory and processor time are limited.
"""

import importlib
import json
import re
import resource
import socket
import sys
import time
from contextlib import contextmanager
from math import ceil

from .ai_tensor import MOST_BYTES
from .child_wire import (ABSENT, DROP, FAILED, LOAD, LOADED, READY, RESULT, RUN, Channel, pack,
                         unpack)
from .errors import CommandError

RUNTIMES = {"ONNX": ".child_onnx", "TORCH": ".child_torch"}
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
    models = {}
    while True:
        try:
            frame = channel.receive()
        except ConnectionError:
            return None
        if frame.kind == DROP:
            models.pop(frame.number, None)
        else:
            channel.send(*reply(runtime, models, frame))


def reply(runtime, models, frame):
    """(kind, number, body, parts) of what a frame is answered with."""
    try:
        if frame.kind == LOAD:
            with fenced(frame.seconds):
                model = models[frame.number] = runtime.Model(frame.file)
            slots = {"inputs": model.inputs, "outputs": model.outputs}
            return LOADED, frame.number, json.dumps(slots).encode()
        if frame.kind == RUN:
            arrays = unpack(frame)
            with fenced(frame.seconds):
                results = models[frame.number].run(arrays)
            return RESULT, frame.number, *pack(results)
        raise ValueError(f"a frame of kind {frame.kind}")
    except Exception as error:
        return FAILED, frame.number, told(error).encode("utf-8", "replace")


def told(error):
    """The runtime's words in one line, without its names of errors, places and addresses."""
    if isinstance(error, CommandError):
        return error.text.removeprefix("ERR ")
    if isinstance(error, MemoryError) or "bad_alloc" in str(error):
        return "the model needs more memory than it may have"
    text = str(error).strip() or "the runtime gave no reason"
    if "Traceback" in text:  # torch shows the lines of the model; the last one says what is wrong
        text = text.splitlines()[-1]
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : |^\w+Error: ", "", text)
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
