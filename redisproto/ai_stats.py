"""What AI.INFO tells about models and scripts: counted by name, outside the keyspace.

The figures of a model are bound to the database and key it was stored at, and go with it: another
value at the key, DEL and a restart begin anew, RENAME leaves them at the old name.
"""

from bisect import bisect_left

# Upper bounds of the histogram of runs, in seconds.
BUCKETS = (50e-6, 100e-6, 250e-6, 500e-6, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
           1.0, 2.5, 5.0)


class RunStats:
    """kind: MODEL or SCRIPT; options has backend, device and tag, as they were typed."""

    __slots__ = ("place", "kind", "backend", "device", "tag", "duration", "samples", "calls",
                 "errors", "latencies", "_book")

    def __init__(self, book, place, kind, backend, device, tag):
        self._book, self.place, self.kind = book, place, kind
        self.backend, self.device, self.tag = backend, device, tag
        self.reset()
        book[place] = self

    def reset(self):
        """Duration in microseconds; samples: rows of first outputs, -1 for scripts;
        latencies: how many runs fell in each of ``BUCKETS``, and above."""
        self.duration = self.calls = self.errors = 0
        self.samples = 0 if self.kind == "MODEL" else -1
        self.latencies = [0] * (len(BUCKETS) + 1)

    def succeeded(self, seconds, samples=0):
        self.calls += 1
        self.duration += round(1e6 * seconds)
        self.latencies[bisect_left(BUCKETS, seconds)] += 1
        if self.kind == "MODEL":
            self.samples += samples

    def failed(self):
        self.calls += 1
        self.errors += 1

    def drop(self):
        """The value is gone; figures that another value keeps at this name stay."""
        if self._book.get(self.place) is self:
            del self._book[self.place]

    def fields(self):
        """The reply of AI.INFO."""
        return [b"key", self.place[1], b"type", self.kind.encode(), b"backend",
                self.backend.encode(), b"device", self.device.encode(), b"tag", self.tag,
                b"duration", self.duration, b"samples", self.samples, b"calls", self.calls,
                b"errors", self.errors]
