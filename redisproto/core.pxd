# cython: language_level=3
"""What connections need of their server, as C fields."""

from cpython.object cimport PyObject

from .store_buffer cimport EffectBuffer

cdef enum:
    # Flags of a command
    WRITE = 1
    DENYOOM = 2
    NOT_LOADING = 4  # refused while the store is being read
    NO_AUTH = 8  # for strangers too
    NO_MULTI = 16
    AT_ONCE = 32  # not queued inside MULTI
    SECRET = 64  # not shown to monitors or the slow log

    SLOTS = 256
    SLOT_NAME = 24


cdef double now() noexcept nogil  # seconds, monotonic


cdef class Row:
    cdef readonly object command
    cdef readonly object fast  # a FastHandler or None
    cdef object handler
    cdef object parse
    cdef bint container
    cdef int arity
    cdef int flags
    cdef long long calls, usec, rejected, failed  # since they were last handed to the statistics

    cdef bint takes(self, Py_ssize_t count) noexcept


cdef struct Slot:
    char name[SLOT_NAME]
    Py_ssize_t size
    PyObject* row


cdef class Core:
    cdef public object config, table, keyspace, loop
    cdef public dict clients  # id -> Connection
    cdef public set waiting  # connections that hold replies back until a commit
    cdef public list monitors
    cdef public str write_error  # why the store cannot write, or None
    cdef public double idle_timeout, frame_timeout, soft_seconds  # seconds; idle 0: for ever
    cdef public Py_ssize_t query_limit, hard_limit, soft_limit  # bytes
    cdef public long long slow_usec  # negative: no slow log
    cdef readonly object store  # or None
    cdef EffectBuffer effects  # the store's, or None
    cdef object counted  # Stats
    cdef int gate  # commands with one of these flags are refused now
    cdef long long last_id, connections, rejected, commands, errors, input_bytes, output_bytes
    cdef bint turn_open
    cdef dict rows  # Command -> Row
    cdef Slot slots[SLOTS]

    cdef Row find(self, const char* name, Py_ssize_t size)
    cdef Row row_of(self, object command)
    cdef str refusal(self, int flags)
    cdef int wrote(self) except -1
