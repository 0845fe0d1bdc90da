"""Frames between the server and a child that runs models of another runtime.

A frame is a head (kind u8, number of the model u32, bytes of the body u32, bytes of the file u64,
seconds it may take f64), a body, and a file without a name, sent as a descriptor, with what is too
long for the body. Tensors are a count (u16) and for each: bytes of its head (u32) and of its data
in the file (u64), head as in a dump. Nothing is run by reading; both sides check all lengths, and
the file is read, never mapped: who made it could still cut it.
"""

import os
import socket
import struct
import tempfile
import time
from dataclasses import dataclass
from math import inf

from .ai_tensor import MOST_BYTES, TensorValue
from .errors import CommandError

READY, FAILED, ABSENT, LOAD, RUN, DROP, LOADED, RESULT = range(8)
SCRIPT, CALL, ASK, ANSWER = range(8, 12)  # a script: load it, call a function; it asks the server
HEAD = struct.Struct("<BIIQd")
COUNT, LENGTHS = struct.Struct("<H"), struct.Struct("<IQ")
MOST_BODY = 1 << 20
TOO_MUCH = f"ERR the tensors of a run on another runtime hold at most {MOST_BYTES} bytes"


@dataclass(frozen=True)
class Frame:
    kind: int
    number: int
    body: bytes
    file: bytes
    seconds: float


class Channel:
    """Frames over a Unix socket; ``until`` (monotonic) ends waiting with TimeoutError. A peer
    that is gone is a ConnectionError, one that breaks the format a ValueError."""

    def __init__(self, sock):
        self.sock, self.until = sock, inf

    def send(self, kind, number=0, body=b"", parts=(), seconds=0.0):
        size = sum(map(len, parts))
        if len(body) > MOST_BODY or size > MOST_BYTES:
            raise ValueError(f"a frame of {len(body)} and {size} bytes")
        head = HEAD.pack(kind, number, len(body), size, seconds)
        self._wait()
        if not size:
            return self.sock.sendall(head + body)
        with unnamed() as file:
            file.writelines(parts)
            file.flush()
            socket.send_fds(self.sock, [head], [file.fileno()])
        return self.sock.sendall(body)

    def receive(self) -> Frame:
        self._wait()
        head, descriptors, _, _ = socket.recv_fds(self.sock, HEAD.size, 1)
        try:
            if not head:
                raise ConnectionError("the other side is gone")
            head += self._read(HEAD.size - len(head))
            kind, number, length, size, seconds = HEAD.unpack(head)
            if length > MOST_BODY or size > MOST_BYTES or bool(size) != bool(descriptors):
                raise ValueError(f"a frame of {length} and {size} bytes")
            body = self._read(length)
            data = b"".join(pieces(descriptors[0], size)) if size else b""
            return Frame(kind, number, body, data, seconds)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _wait(self):
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(None if left == inf else left)

    def _read(self, size):
        data = bytearray()
        while len(data) < size:
            self._wait()
            got = self.sock.recv(size - len(data))
            if not got:
                raise ConnectionError("the other side is gone")
            data += got
        return bytes(data)


def unnamed():
    """A file in memory where there are such, for writing."""
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("respnet"), "wb")
    return tempfile.TemporaryFile()


def pieces(descriptor, size):
    """The first bytes of a file, however far it was read."""
    at = 0
    while at < size:
        piece = os.pread(descriptor, size - at, at)
        if not piece:
            raise ValueError(f"a file of {at} bytes, {size} were announced")
        yield piece
        at += len(piece)


def pack(arrays):
    """Arrays -> (body, parts of the file). CommandError for what no tensor or frame holds."""
    body, parts = [], []
    for array in arrays:
        head, data = TensorValue.of(array).dump()
        body += (LENGTHS.pack(len(head), sum(map(len, data))), head)
        parts += data
    if COUNT.size + sum(map(len, body)) > MOST_BODY or sum(map(len, parts)) > MOST_BYTES:
        raise CommandError(TOO_MUCH)
    return b"".join([COUNT.pack(len(arrays)), *body]), parts


def unpack(frame):
    """The arrays of a frame, read-only; ValueError for anything else."""
    body, at, begin, arrays = frame.body, COUNT.size, 0, []
    try:
        for _ in range(COUNT.unpack_from(body)[0]):
            length, size = LENGTHS.unpack_from(body, at)
            at += LENGTHS.size
            data = memoryview(frame.file)[begin : begin + size]
            arrays.append(TensorValue.load(body[at : at + length], [data]).array())
            at, begin = at + length, begin + size
    except struct.error as error:
        raise ValueError(f"tensors that cannot be read: {error}") from None
    return arrays
