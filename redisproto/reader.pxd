# cython: language_level=3
"""Requests out of bytes, without Python objects."""

cdef struct Span:
    const char* data
    Py_ssize_t size

cdef struct Args:
    Span* items  # items[0] is the command's name
    Py_ssize_t count


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
