"""One numbered database: keys, values, expiry. The store and the watches are told all changes."""

from heapq import heapify, heappop, heappush

from .keyorder import KeyOrder

cdef enum:
    # Entry object, its slot in the dictionary, the key's bytes header, its row in KeyOrder:
    # measured with 300 000 keys.
    ENTRY_OVERHEAD = 232
    DEADLINE_SLACK = 1024  # stale deadlines kept before the heap is rebuilt


cdef class Account:
    """What all databases of a keyspace share: memory, counters, clock, store, watches."""

    cpdef long long next_id(self):
        self.last_id += 1
        return self.last_id


cdef class Entry:
    """What a key leads to; ``size`` in bytes, ``number`` its place in the order of arrival."""


cdef class Database:
    """Keys of one index. Expired keys are deleted when met, and by ``expire_due``."""

    def __init__(self, Account space not None, int index):
        self.space, self.index = space, index
        self.clear()

    def clear(self):
        self.entries = {}
        self.order = KeyOrder()
        self.deadlines = []  # heap of (expire_ms, key); rows that no longer hold are skipped
        self.expires = 0  # keys with an expiry
        self.used = 0  # bytes
        self.hooked = set()  # keys whose values want to be told when they go; those may log, too

    def __len__(self):
        return len(self.entries)

    # -- reading

    cpdef Entry entry(self, bytes key):
        """The live entry of a key, or None."""
        cdef Entry entry = self.entries.get(key)
        if entry is None or entry.expire_ms is None or entry.expire_ms > self.space.now():
            return entry
        self.expire_now(key)
        return None

    def __contains__(self, bytes key):
        return self.entry(key) is not None

    def peek(self, bytes key):
        """The value or None; not counted as a use."""
        cdef Entry entry = self.entry(key)
        return None if entry is None else entry.value

    cpdef object get(self, bytes key):
        """The value or None; counted as a hit or a miss."""
        cdef Entry entry = self.entry(key)
        if entry is None:
            self.space.misses += 1
            return None
        self.space.hits += 1
        entry.accessed = self.space.seconds
        return entry.value

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

    cpdef set(self, bytes key, object value, object expire_ms=None):
        """Put a value; without ``expire_ms`` (Unix time) it lives for ever."""
        cdef Entry entry = self.place(key, value)
        if expire_ms is not None or entry.expire_ms is not None:
            self.deadline(key, entry, expire_ms)
        self.changed(key)
        self.space.store.put(self.index, key, value, expire_ms)

    def replace(self, bytes key, value):
        """Put a value in the place of another; the expiry stays."""
        cdef Entry entry = self.entry(key)
        self.set(key, value, None if entry is None else entry.expire_ms)

    def log(self, bytes key, frame_type, payload):
        """A value changed itself by a small effect: account for it and tell the store."""
        cdef Entry entry = self.entries[key]
        self.charge(key, entry)
        self.changed(key)
        self.space.store.log(entry.value, frame_type, payload)

    def delete(self, bytes key):
        """True if the key was there."""
        if self.entry(key) is None:
            return False
        self.drop(key, False)
        self.space.store.delete(self.index, key)
        return True

    def expire(self, bytes key, at_ms):
        """Set (or with None remove) the expiry of a key that exists; a time gone by deletes it."""
        if at_ms is not None and at_ms <= self.space.now():
            self.delete(key)
            return
        self.deadline(key, self.entries[key], at_ms)
        self.changed(key)
        self.space.store.expire(self.index, key, at_ms)

    def rename(self, bytes src, bytes dst):
        """Move value and expiry to another key, which loses its own."""
        cdef Entry entry = self.entries[src]
        if src == dst:
            return
        self.drop(src, True)
        self.deadline(dst, self.place(dst, entry.value), entry.expire_ms)
        self.changed(dst)
        if entry.value.hooked:
            entry.value.on_moved(self.index, dst)
        self.space.store.rename(self.index, src, dst)

    def copy(self, bytes src, Database target not None, bytes dst):
        """Copy value and expiry to ``dst`` of the database ``target``."""
        cdef Entry entry = self.entries[src]
        target.set(dst, entry.value.copy(), entry.expire_ms)

    def flush(self):
        """Empty the database; its memory is given back in slices by ``Keyspace.sweep``."""
        for key in tuple(self.hooked):
            self.unhook(key, self.entries[key].value)
        self.space.forget(self)
        self.clear()

    def expire_due(self, int limit):
        """Delete at most ``limit`` keys whose time has come -> how many."""
        cdef Entry entry
        cdef int done = 0
        now = self.space.now()
        while self.deadlines and self.deadlines[0][0] <= now and done < limit:
            expire_ms, key = heappop(self.deadlines)
            entry = self.entries.get(key)
            if entry is not None and entry.expire_ms == expire_ms:
                self.expire_now(key)
                done += 1
        return done

    # -- inside

    cdef Entry place(self, bytes key, object value):
        """The entry of a key with this value in it, made if need be; its expiry is as it was."""
        cdef Entry entry = self.entries.get(key)
        if not value.id:
            value.id = self.space.next_id()
        if entry is None:
            entry = Entry.__new__(Entry)
            entry.value, entry.accessed = value, self.space.seconds
            entry.number = self.order.add(key)
            self.entries[key] = entry
        elif entry.value is not value:
            self.unhook(key, entry.value)
            entry.value = value
        if value.hooked:
            self.hooked.add(key)
        self.charge(key, entry)
        return entry

    cdef charge(self, bytes key, Entry entry):
        cdef Py_ssize_t size = ENTRY_OVERHEAD + len(key) + <Py_ssize_t>entry.value.memory_usage()
        self.space.used += size - entry.size
        self.used += size - entry.size
        entry.size = size

    cdef changed(self, bytes key):
        self.space.dirty += 1
        if self.space.watches:
            self.space.touch(self.index, key)

    cdef deadline(self, bytes key, Entry entry, object expire_ms):
        self.expires += (expire_ms is not None) - (entry.expire_ms is not None)
        entry.expire_ms = expire_ms
        if expire_ms is None:
            return
        heappush(self.deadlines, (expire_ms, key))
        if len(self.deadlines) > 2 * self.expires + DEADLINE_SLACK:
            self.deadlines = [(e.expire_ms, k) for k, e in self.entries.items()
                              if e.expire_ms is not None]
            heapify(self.deadlines)

    cdef drop(self, bytes key, bint moved):
        cdef Entry entry = self.entries.pop(key)
        self.order.remove(entry.number)
        self.expires -= entry.expire_ms is not None
        self.space.used -= entry.size
        self.used -= entry.size
        if moved:
            self.hooked.discard(key)
        else:
            self.unhook(key, entry.value)
        self.changed(key)

    cdef expire_now(self, bytes key):
        self.space.expired += 1
        self.drop(key, False)
        self.space.store.delete(self.index, key)

    cdef unhook(self, bytes key, object value):
        if value.hooked:
            self.hooked.discard(key)
            value.on_removed()
