"""All databases of a server: ids, memory, watches, the clock and what is told to the store.

The store is told every change in the words of ``NoStore``; what it does with them is its business.
"""

import time
from weakref import WeakValueDictionary

from .database import Account, Database
from .values import load

SWEEP_KEYS = 10_000  # entries freed in one go after a flush: about 2 ms
EXPIRE_KEYS = 1_000  # keys expired in one go, per database


class NoStore:
    """Takes all changes and keeps none."""

    def put(self, db, key, value, expire_ms):
        """A key has a new value, whole."""

    def delete(self, db, key): ...

    def rename(self, db, src, dst): ...

    def expire(self, db, key, expire_ms): ...

    def flush(self, db):
        """One database, or all with None."""

    def swapdb(self, first, second): ...

    def log(self, value, frame_type, payload):
        """A value changed itself by a small effect that ``value.apply`` can redo."""


class Watch:
    """A watched key; lives as long as a client watches it. ``version`` rises with each write."""

    __slots__ = ("db", "key", "version", "__weakref__")

    def __init__(self, db, key):
        self.db, self.key, self.version = db, key, 0


class Keyspace(Account):
    """``keyspace[n]`` is a Database. All sizes are bytes, all times Unix time in ms."""

    def __init__(self, databases=16, store=None, clock=None):
        self.now = clock or (lambda: time.time_ns() // 1_000_000)
        self.store = store or NoStore()
        self.databases = [Database(self, index) for index in range(databases)]
        self.watches = WeakValueDictionary()  # (db, key) -> Watch
        self.garbage = []  # flushed databases' entries, waiting to be freed
        self.used = 0  # bytes of all keys and values
        self.held = 0  # bytes of tensors and files that runs hold and no key (ai_holdings.py)
        self.maxmemory = 0  # 0: no limit
        self.atomic = False  # a transaction is running: nothing may be put off
        self.seconds = self.now() // 1000  # coarse clock for OBJECT IDLETIME

    def __getitem__(self, index):
        return self.databases[index]

    def __len__(self):
        return len(self.databases)

    @property
    def full(self):
        """Whether commands that need memory must be refused (there is no eviction)."""
        return 0 < self.maxmemory < self.used + self.held

    def load_entry(self, db, key, value, expire_ms):
        """Put back what the store knows: nothing is reported."""
        store, self.store = self.store, NoStore()
        try:
            self.last_id = max(self.last_id, value.id)
            self.databases[db].set(key, value, expire_ms)
        finally:
            self.store = store

    def reload(self):
        """Put what a dump gives back in the place of every value, as a restart does."""
        for database in self.databases:
            for key, entry in list(database.entries.items()):
                value = load(entry.value.kind, *entry.value.dump())
                value.id, value.generation = entry.value.id, entry.value.generation
                self.load_entry(database.index, key, value, entry.expire_ms)

    def find(self, id):
        """(db, key, entry) of the hooked value with this id, or None."""
        for database in self.databases:
            for key in database.hooked:
                if database.entries[key].value.id == id:
                    return database.index, key, database.entries[key]
        return None

    # -- all databases

    def flush(self, db=None):
        """Empty one database or all."""
        for database in self.databases if db is None else (self.databases[db],):
            database.flush()
        self.store.flush(db)

    def forget(self, database):
        """A database is about to be emptied: its watched keys change, its entries are garbage."""
        for watch in list(self.watches.values()):
            if watch.db == database.index and watch.key in database.entries:
                watch.version += 1
        self.used -= database.used
        self.dirty += len(database)
        self.garbage.append((database.entries, database.order.keys))

    def swapdb(self, first, second):
        """Exchange two databases; whoever watches a key in either of them has seen a write."""
        pair = [self.databases[first], self.databases[second]]
        for watch in list(self.watches.values()):
            if watch.db in (first, second) and any(watch.key in db.entries for db in pair):
                watch.version += 1
        for index, database in zip((second, first), pair, strict=True):
            self.databases[index] = database
            database.index = index
            for key in database.hooked:
                database.entries[key].value.on_moved(index, key)
        self.dirty += 1
        self.store.swapdb(first, second)

    # -- watches

    def watch(self, db, key):
        """The Watch of a key; keep it, and compare its version later."""
        key in self.databases[db]  # noqa: B015  (what has expired already is no change later)
        return self.watches.setdefault((db, key), Watch(db, key))

    def touch(self, db, key):
        watch = self.watches.get((db, key))
        if watch is not None:
            watch.version += 1

    # -- now and then

    def tick(self):
        """Called ten times a second: expire what is due, free what was flushed."""
        self.seconds = self.now() // 1000
        for database in self.databases:
            if database.deadlines:
                database.expire_due(EXPIRE_KEYS)
        self.sweep()

    def sweep(self, limit=SWEEP_KEYS):
        """Free at most ``limit`` flushed entries -> how many are left."""
        while self.garbage and limit > 0:
            entries, keys = self.garbage[-1]
            count = min(limit, len(entries))
            for _ in range(count):
                entries.popitem()
            del keys[-2 * count :]  # at most half of the rows are holes
            limit -= count
            if not entries:
                self.garbage.pop()
        return sum(len(entries) for entries, _ in self.garbage)
