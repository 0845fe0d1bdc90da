# cython: language_level=3
"""Requests out of bytes, without Python objects."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.object cimport PyObject

cdef struct Span:
    const char* data
    Py_ssize_t size
    PyObject* whole  # the bytes object that the argument is, or NULL; the reader holds it

cdef struct Args:
    Span* items  # items[0] is the command's name
    Py_ssize_t count


cdef inline bytes word(const Span* span):
    """An argument as an object, for keeping."""
    if span.whole != NULL:
        return <bytes>span.whole
    return PyBytes_FromStringAndSize(span.data, span.size)


cdef class Reader:
    cdef Args args  # the command read last; valid until the next call of any method
    cdef public bint trusted  # the limits of an authenticated client hold
    cdef readonly str error  # after next() == -1
    cdef const char* start  # first byte of the command being read
    cdef const char* at  # next byte to read
    cdef const char* end
    cdef char* own  # holds start..end if they are not borrowed
    cdef char* words  # an inline command without its quotes
    cdef Py_ssize_t own_capacity
    cdef Py_ssize_t capacity  # of args.items
    cdef Py_ssize_t awaited  # arguments that the command being read still lacks
    cdef Py_ssize_t bulk  # size of the argument being read, -1 before its header
    cdef public Py_ssize_t long_from  # arguments of this size become objects as they arrive
    cdef list long_words  # those of the command being read
    cdef PyObject* long_word  # the one being read, larger than what has arrived; or NULL
    cdef Py_ssize_t arrived  # bytes of it

    cdef int borrow(self, const char* data, Py_ssize_t size) except -1
    cdef int keep(self) except -1
    cdef int next(self) except -2
    cdef list argv(self)
    cdef bint is_own(self, const char* start) noexcept
    cdef void rebase(self, const char* start) noexcept
    cdef int append(self, const char* data, Py_ssize_t size) except -1
    cdef Span* reserve(self, Py_ssize_t more) except NULL
    cdef int push(self, const char* data, Py_ssize_t size) except -1
    cdef int multibulk(self) except -2
    cdef int arguments(self) except -2
    cdef int short_arguments(self) except -1
    cdef int inline_command(self) except -2
    cdef int split(self, const char* p, const char* end) except -2
    cdef int fail(self, str text)
    cdef int start_long(self) except -1
    cdef Py_ssize_t fill(self, const char* data, Py_ssize_t size) except -1
    cdef int resize_long(self, Py_ssize_t size) except -1
    cdef int end_long(self) except -1
