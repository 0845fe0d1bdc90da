"""Figures of a running server: counters, per-command statistics, the slow log."""

import time
from collections import deque
from dataclasses import dataclass, field

SLOWLOG_ARGS = 32  # words of a command that the slow log keeps
SLOWLOG_BYTES = 128  # bytes of each


@dataclass(slots=True)
class CommandStats:
    """Calls, microseconds in all, refused before they ran, failed while they ran."""

    calls: int = 0
    usec: int = 0
    rejected: int = 0
    failed: int = 0


@dataclass(slots=True)
class SlowEntry:
    id: int
    time: int  # Unix seconds
    usec: int
    argv: list
    addr: str
    name: bytes


@dataclass
class Stats:
    """Counters since the start or CONFIG RESETSTAT. The connection counts, INFO shows."""

    started: float = field(default_factory=time.time)
    connections: int = 0
    rejected_connections: int = 0
    commands: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    errors: int = 0
    peak_memory: int = 0
    by_command: dict = field(default_factory=dict)
    slow: deque = field(default_factory=deque)
    slow_id: int = 0

    def of(self, row):
        """The statistics of a command, made when first asked for."""
        found = self.by_command.get(row.full_name)
        if found is None:
            found = self.by_command[row.full_name] = CommandStats()
        return found

    def reset(self):
        self.connections = self.rejected_connections = self.commands = self.errors = 0
        self.input_bytes = self.output_bytes = 0
        self.by_command.clear()

    def log_slow(self, session, argv, usec):
        """Keep a command in the slow log if it took long enough."""
        config = session.server.config
        if not 0 <= config["slowlog-log-slower-than"] <= usec:
            return
        self.slow.appendleft(SlowEntry(self.slow_id, int(time.time()), usec, shorten(argv),
                                       session.addr, session.name or b""))
        self.slow_id += 1
        while len(self.slow) > config["slowlog-max-len"]:
            self.slow.pop()


def shorten(argv):
    """At most 32 words of at most 128 bytes, saying what was left out, as Redis does."""
    words = [trim(bytes(word)) for word in argv[:SLOWLOG_ARGS]]
    if len(argv) > SLOWLOG_ARGS:
        words[-1] = b"... (%d more arguments)" % (len(argv) - SLOWLOG_ARGS + 1)
    return words


def trim(word):
    more = len(word) - SLOWLOG_BYTES
    return word if more <= 0 else word[:SLOWLOG_BYTES] + b"... (%d more bytes)" % more
