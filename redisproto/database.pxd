# cython: language_level=3
"""The keyspace as the hot path sees it."""


cdef class Account:
    cdef public object now  # () -> Unix time in ms
    cdef public object store
    cdef public object watches  # (db, key) -> Watch
    cdef public long long last_id, used, maxmemory, seconds
    cdef public long long dirty, hits, misses, expired
    cdef public bint atomic

    cpdef long long next_id(self)


cdef class Entry:
    cdef public object value
    cdef public object expire_ms  # Unix time in ms, or None
    cdef public long long number, accessed
    cdef public Py_ssize_t size


cdef class Database:
    cdef public Account space
    cdef public int index
    cdef public dict entries
    cdef public object order
    cdef public list deadlines
    cdef public Py_ssize_t expires, used
    cdef public set hooked

    cpdef Entry entry(self, bytes key)
    cpdef object get(self, bytes key)
    cpdef set(self, bytes key, object value, object expire_ms=*)
    cdef Entry place(self, bytes key, object value)
    cdef charge(self, bytes key, Entry entry)
    cdef changed(self, bytes key)
    cdef deadline(self, bytes key, Entry entry, object expire_ms)
    cdef drop(self, bytes key, bint moved)
    cdef expire_now(self, bytes key)
    cdef unhook(self, bytes key, object value)
