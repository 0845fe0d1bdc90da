"""Memory that runs hold: tensors that wait for their turn, files that are being read.

A tensor that a key has is counted there. If the key loses it while runs hold it, it counts here,
in ``keyspace.held``, until the last of them ends; so does one that no key ever had.
"""

from .errors import CommandError

OOM = "OOM command not allowed when used memory > 'maxmemory'."


class Holding:
    """A tensor and how many runs hold it, as its ``hooked``; place: (db, key) that has it too."""

    __slots__ = ("keyspace", "size", "place", "runs")

    def __init__(self, keyspace, size, place):
        self.keyspace, self.size, self.place, self.runs = keyspace, size, place, 0
        if place is None:
            keyspace.held += size
        else:
            keyspace[place[0]].hooked.add(place[1])

    def lost(self):
        """The key has something else now, or is gone."""
        self.place = None
        self.keyspace.held += self.size

    def end(self):
        if self.place is None:
            self.keyspace.held -= self.size
        else:
            self.keyspace[self.place[0]].hooked.discard(self.place[1])


class Holdings:
    """Of all runs of a server."""

    def __init__(self, server):
        self.server, self.keyspace = server, server.keyspace

    def begin(self, run):
        """A run is to wait; CommandError if there is no memory for that."""
        if self.keyspace.full and not run.begun:
            raise CommandError(OOM)
        if run.place is not None:
            self.hold(run.tensors, run.place)
        self.add(run.size)

    def end(self, run):
        if run.place is not None:
            self.release(run.tensors)
        self.add(-run.size)

    def hold(self, tensors, place=None):
        """place: (db, keys) the tensors were taken from just now; None if they are in no key."""
        for i, tensor in enumerate(tensors):
            if not tensor.hooked:
                at = None if place is None else (place[0], place[1][i])
                tensor.hooked = Holding(self.keyspace, tensor.memory_usage(), at)
            tensor.hooked.runs += 1

    def release(self, tensors):
        for tensor in tensors:
            holding = tensor.hooked
            holding.runs -= 1
            if not holding.runs:
                holding.end()
                tensor.hooked = False
        self.look()

    def add(self, size):
        """Bytes of a file come, or go (below 0)."""
        self.keyspace.held += size
        if size:
            self.look()

    def look(self):
        """There may be memory for commands again."""
        if self.keyspace.maxmemory:
            self.server.check_gates()


class Uncounted:
    """For queues of their own."""

    def begin(self, run): ...

    def end(self, run): ...


UNCOUNTED = Uncounted()
