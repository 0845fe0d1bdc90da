"""One numbered database: keys, values, expiry. The store and the watches are told all changes."""

from heapq import heapify, heappop, heappush

from .keyorder import KeyOrder

# Entry object, its slot in the dictionary, the key's bytes header, its row in KeyOrder: measured
# with 300 000 keys.
ENTRY_OVERHEAD = 290
DEADLINE_SLACK = 1024  # stale deadlines kept before the heap is rebuilt


class Entry:
    """What a key leads to. ``expire_ms`` is Unix time in ms or None; ``size`` in bytes."""

    __slots__ = ("value", "expire_ms", "number", "size", "accessed")

    def __init__(self, value, number, accessed):
        self.value, self.number, self.accessed = value, number, accessed
        self.expire_ms, self.size = None, 0


class Database:
    """Keys of one index. Expired keys are deleted when met, and by ``expire_due``."""

    def __init__(self, space, index):
        self.space, self.index = space, index
        self._clear()

    def _clear(self):
        self.entries = {}
        self.order = KeyOrder()
        self.deadlines = []  # heap of (expire_ms, key); rows that no longer hold are skipped
        self.volatile = 0  # keys with an expiry
        self.used = 0  # bytes
        self.hooked = set()  # keys whose values want to be told when they go; those may log, too

    def __len__(self):
        return len(self.entries)

    # -- reading

    def entry(self, key):
        """The live entry of a key, or None."""
        entry = self.entries.get(key)
        if entry is None or entry.expire_ms is None or entry.expire_ms > self.space.now():
            return entry
        self._expire(key, entry)
        return None

    def __contains__(self, key):
        return self.entry(key) is not None

    def peek(self, key):
        """The value or None; not counted as a use."""
        entry = self.entry(key)
        return entry and entry.value

    def get(self, key):
        """The value or None; counted as a hit or a miss."""
        entry = self.entry(key)
        if entry is None:
            self.space.misses += 1
            return None
        self.space.hits += 1
        entry.accessed = self.space.seconds
        return entry.value

    def ttl(self, key):
        """Unix time in ms at which the key expires; None: never; KeyError: no such key."""
        entry = self.entry(key)
        if entry is None:
            raise KeyError(key)
        return entry.expire_ms

    def scan(self, cursor, count):
        """A page of keys -> (keys, next cursor); cursor 0 starts and ends."""
        keys, cursor = self.order.page(cursor, count)
        return [key for key in keys if key in self], cursor

    def random(self):
        while (key := self.order.random()) is not None:
            if key in self:
                return key
        return None

    # -- writing

    def set(self, key, value, expire_ms=None):
        """Put a value; without ``expire_ms`` it lives for ever."""
        entry = self._place(key, value)
        self._deadline(key, entry, expire_ms)
        self._changed(key)
        self.space.store.put(self.index, key, value, expire_ms)

    def replace(self, key, value):
        """Put a value in the place of another; the expiry stays."""
        entry = self.entry(key)
        self.set(key, value, entry and entry.expire_ms)

    def _place(self, key, value):
        entry = self.entries.get(key)
        value.id = value.id or self.space.next_id()
        if entry is None:
            number = self.order.add(key)
            entry = self.entries[key] = Entry(value, number, self.space.seconds)
        elif entry.value is not value:
            self._unhook(key, entry.value)
            entry.value = value
        if value.hooked:
            self.hooked.add(key)
        self._charge(key, entry)
        return entry

    def log(self, key, frame_type, payload):
        """A value changed itself by a small effect: account for it and tell the store."""
        entry = self.entries[key]
        self._charge(key, entry)
        self._changed(key)
        self.space.store.log(entry.value, frame_type, payload)

    def delete(self, key):
        """True if the key was there."""
        if self.entry(key) is None:
            return False
        self._drop(key)
        self.space.store.delete(self.index, key)
        return True

    def expire(self, key, at_ms):
        """Set (or with None remove) the expiry of a key that exists; a time gone by deletes it."""
        if at_ms is not None and at_ms <= self.space.now():
            self.delete(key)
            return
        self._deadline(key, self.entries[key], at_ms)
        self._changed(key)
        self.space.store.expire(self.index, key, at_ms)

    def rename(self, src, dst):
        """Move value and expiry to another key, which loses its own."""
        entry = self.entries[src]
        value, expire_ms = entry.value, entry.expire_ms
        if src == dst:
            return
        self._drop(src, moved=True)
        self._deadline(dst, self._place(dst, value), expire_ms)
        self._changed(dst)
        if value.hooked:
            value.on_moved(self.index, dst)
        self.space.store.rename(self.index, src, dst)

    def copy(self, src, target, dst):
        """Copy value and expiry to ``dst`` of the database ``target``."""
        entry = self.entries[src]
        target.set(dst, entry.value.copy(), entry.expire_ms)

    def flush(self):
        """Empty the database; its memory is given back in slices by ``Keyspace.sweep``."""
        for key in tuple(self.hooked):
            self._unhook(key, self.entries[key].value)
        self.space.forget(self)
        self._clear()

    # -- inside

    def _changed(self, key):
        self.space.dirty += 1
        if self.space.watches:
            self.space.touch(self.index, key)

    def _charge(self, key, entry):
        size = ENTRY_OVERHEAD + len(key) + entry.value.memory_usage()
        self.space.used += size - entry.size
        self.used += size - entry.size
        entry.size = size

    def _unhook(self, key, value):
        if value.hooked:
            self.hooked.discard(key)
            value.on_removed()

    def _drop(self, key, moved=False):
        entry = self.entries.pop(key)
        self.order.remove(entry.number)
        self.volatile -= entry.expire_ms is not None
        self.space.used -= entry.size
        self.used -= entry.size
        if moved:
            self.hooked.discard(key)
        else:
            self._unhook(key, entry.value)
        self._changed(key)

    def _deadline(self, key, entry, expire_ms):
        self.volatile += (expire_ms is not None) - (entry.expire_ms is not None)
        entry.expire_ms = expire_ms
        if expire_ms is None:
            return
        heappush(self.deadlines, (expire_ms, key))
        if len(self.deadlines) > 2 * self.volatile + DEADLINE_SLACK:
            self.deadlines = [(e.expire_ms, k) for k, e in self.entries.items()
                              if e.expire_ms is not None]
            heapify(self.deadlines)

    def _expire(self, key, entry):
        self.space.expired += 1
        self._drop(key)
        self.space.store.delete(self.index, key)

    def expire_due(self, limit):
        """Delete at most ``limit`` keys whose time has come -> how many."""
        now, done = self.space.now(), 0
        while self.deadlines and self.deadlines[0][0] <= now and done < limit:
            expire_ms, key = heappop(self.deadlines)
            entry = self.entries.get(key)
            if entry is not None and entry.expire_ms == expire_ms:
                self._expire(key, entry)
                done += 1
        return done
