"""The part of the server that connections touch for every command.

A name is looked up in a small direct-mapped cache of spellings as they came; only names that the
table knows get into it. Counters are C fields, handed to the statistics when somebody looks.
"""

from libc.string cimport memcmp, memcpy
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

AT_ONCE_NAMES = {"exec", "discard", "multi", "watch", "quit", "reset"}
SECRET_NAMES = {"auth", "hello"}

LOADING_TEXT = "LOADING respnet is loading the dataset in memory"
OOM_TEXT = "OOM command not allowed when used memory > 'maxmemory'."


cdef double now() noexcept nogil:
    cdef timespec t
    clock_gettime(CLOCK_MONOTONIC, &t)
    return t.tv_sec + 1e-9 * t.tv_nsec


cdef class Row:
    """A command of the table, as C fields."""

    def __cinit__(self, command):
        flags = command.flags
        self.command, self.fast = command, command.fast
        self.handler, self.parse = command.handler, command.parse
        self.container = bool(command.subcommands)
        self.arity = command.arity
        if "write" in flags:
            self.flags |= WRITE
        if "denyoom" in flags:
            self.flags |= DENYOOM
        if "loading" not in flags:
            self.flags |= NOT_LOADING
        if "no_auth" in flags:
            self.flags |= NO_AUTH
        if "no_multi" in flags:
            self.flags |= NO_MULTI
        if command.full_name in AT_ONCE_NAMES:
            self.flags |= AT_ONCE
        if "admin" in flags or command.full_name in SECRET_NAMES:
            self.flags |= SECRET

    cdef bint takes(self, Py_ssize_t count) noexcept:
        return count == self.arity if self.arity >= 0 else count >= -self.arity


cdef class Core:
    """Base of ``Server``: lookup, gates, counters, the turn of the loop."""

    def __init__(self, config, table, keyspace, stats):
        self.config, self.table, self.keyspace, self.counted = config, table, keyspace, stats
        self.clients, self.waiting, self.monitors, self.rows = {}, set(), [], {}
        self.query_limit, self.hard_limit, self.soft_limit = 1 << 30, 64 << 20, 32 << 20
        self.soft_seconds, self.frame_timeout = 10, 60
        self.slow_usec = -1

    def use_store(self, store):
        """Effects go to this store from now on; replies wait for its commits."""
        self.store = store
        self.effects = None if store is None else store.effects

    # -- commands

    cdef Row find(self, const char* name, Py_ssize_t size):
        """The row of a name, or None."""
        cdef Slot* slot
        cdef Row row
        if not 0 < size <= SLOT_NAME:
            return None
        slot = &self.slots[(name[0] * 31 + name[size // 2] * 17 + name[size - 1] * 7 + size)
                           & (SLOTS - 1)]
        if slot.size == size and memcmp(slot.name, name, size) == 0:
            return <Row>slot.row
        command = self.table.lookup(name[:size])
        if command is None:
            return None
        row = self.row_of(command)
        slot.row, slot.size = <PyObject*>row, size  # self.rows keeps it alive
        memcpy(slot.name, name, size)
        return row

    cdef Row row_of(self, object command):
        row = self.rows.get(command)
        if row is None:
            row = self.rows[command] = Row(command)
        return row

    # -- gates

    @property
    def loading(self):
        return bool(self.gate & NOT_LOADING)

    @loading.setter
    def loading(self, bint on):
        self.shut(NOT_LOADING, on)

    def check_gates(self):
        """Ask keyspace and store whether writes are possible."""
        self.write_error = None if self.store is None else self.store.failed
        self.shut(WRITE, self.write_error is not None)
        self.shut(DENYOOM, self.keyspace.full)

    def shut(self, int flags, bint on):
        self.gate = self.gate | flags if on else self.gate & ~flags

    cdef str refusal(self, int flags):
        """Why a command with these flags is refused now."""
        if flags & self.gate & NOT_LOADING:
            return LOADING_TEXT
        if flags & self.gate & WRITE:
            return f"MISCONF Errors writing to the store: {self.write_error}"
        return OOM_TEXT

    # -- the turn of the loop: effects of all connections are one group

    cdef int wrote(self) except -1:
        """Effects were produced in this turn."""
        if not self.turn_open:
            self.turn_open = True
            self.loop.call_soon(self.end_of_turn)
        return 0

    def effects_made(self):
        """Effects came from elsewhere than a command: time, a training, a compaction."""
        if self.effects is not None and self.effects.open:
            self.wrote()

    def end_of_turn(self):
        self.turn_open = False
        if self.store is not None:
            self.store.end_group()
        self.check_gates()

    def on_committed(self):
        """The store has committed, failed or recovered; runs on the loop."""
        self.check_gates()
        for connection in list(self.waiting):
            connection.released()

    # -- figures

    def next_id(self):
        self.last_id += 1
        return self.last_id

    @property
    def stats(self):
        """The statistics, up to date."""
        cdef Row row
        stats = self.counted
        stats.connections += self.connections
        stats.rejected_connections += self.rejected
        stats.commands += self.commands
        stats.errors += self.errors
        stats.input_bytes += self.input_bytes
        stats.output_bytes += self.output_bytes
        self.connections = self.rejected = self.commands = self.errors = 0
        self.input_bytes = self.output_bytes = 0
        for row in self.rows.values():
            if row.calls or row.rejected:
                one = stats.of(row.command)
                one.calls += row.calls
                one.usec += row.usec
                one.rejected += row.rejected
                one.failed += row.failed
                row.calls = row.usec = row.rejected = row.failed = 0
        return stats
