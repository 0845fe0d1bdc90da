# cython: language_level=3
"""What fast handlers of AI commands share."""

from .database cimport Database, Entry
from .reader cimport Span
from .session cimport Session


cdef inline Database selected(Session c):
    cdef list databases = c.server.keyspace.databases
    return databases[c.db]


cdef inline bint is_word(const Span* span, const char* upper, Py_ssize_t size) noexcept nogil:
    """Whether a span is a word of capital letters and digits, in any case."""
    cdef Py_ssize_t i
    cdef char c
    if span.size != size:
        return False
    for i in range(size):
        c = span.data[i]
        if c != upper[i] and not (c >= c"a" and c - 32 == upper[i]):
            return False
    return True


cdef int put_tensor(Session c, Database db, bytes key, Entry entry, object dtype, object shape,
                    bytes data) except -1
cdef bytes floats(const Span* words, Py_ssize_t count)
cdef int put_floats(Session c, bytes data) except -1
