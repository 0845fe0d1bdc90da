"""The keys of a database in order of arrival: what SCAN and RANDOMKEY walk over.

Every key gets a number when it is created and keeps it until it is deleted. A scan runs from the
newest number down, so its cursor (the last number seen) stays valid whatever is written meanwhile:
a key that is there throughout is seen exactly once, and a scan always ends.
"""

import random
from array import array
from bisect import bisect_left

COMPACT_FROM = 64  # holes are cheaper than moving, up to here


class KeyOrder:
    """Keys by rising number; a deleted key leaves a hole until half of the rows are holes."""

    def __init__(self):
        self.numbers = array("Q")
        self.keys = []
        self.last = 0
        self.holes = 0

    def __len__(self):
        return len(self.keys) - self.holes

    def add(self, key):
        """Number of a new key."""
        self.last += 1
        self.numbers.append(self.last)
        self.keys.append(key)
        return self.last

    def remove(self, number):
        self.keys[bisect_left(self.numbers, number)] = None
        self.holes += 1
        if self.holes > COMPACT_FROM and 2 * self.holes > len(self.keys):
            self._compact()

    def _compact(self):
        kept = [i for i, key in enumerate(self.keys) if key is not None]
        self.numbers = array("Q", [self.numbers[i] for i in kept])
        self.keys = [self.keys[i] for i in kept]
        self.holes = 0

    def page(self, cursor, count):
        """At most ``count`` rows below ``cursor`` (0: from the newest) -> (keys, next cursor)."""
        end = bisect_left(self.numbers, cursor) if cursor else len(self.keys)
        start = max(0, end - count)
        keys = [key for key in reversed(self.keys[start:end]) if key is not None]
        return keys, self.numbers[start] if start else 0

    def random(self):
        """A key, each with the same chance; None if there are none."""
        if not len(self):
            return None
        while (key := random.choice(self.keys)) is None:
            pass
        return key
