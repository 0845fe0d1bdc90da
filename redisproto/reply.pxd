# cython: language_level=3
"""The output buffer of a connection, in RESP2 or RESP3."""

cdef class Reply:
    cdef public int protocol  # 2 or 3
    cdef char* data
    cdef Py_ssize_t size
    cdef Py_ssize_t capacity
    cdef list sealed  # bytes that go before those in data

    cdef list take_pieces(self)
    cdef int put_bytes(self, bytes data) except -1
    cdef int cut(self, Py_ssize_t sealed, Py_ssize_t size) except -1
    cdef void drop(self, Py_ssize_t size) noexcept
    cdef char* room(self, Py_ssize_t size) except NULL
    cdef int put_raw(self, const char* data, Py_ssize_t size) except -1
    cdef int put_header(self, char kind, Py_ssize_t count) except -1
    cdef int put_simple(self, str text) except -1
    cdef int put_bulk(self, const char* data, Py_ssize_t size) except -1
    cdef int put_integer(self, long long number) except -1
    cdef int put_double(self, double number) except -1
    cdef int put_bool(self, bint truth) except -1
    cdef int put_null(self) except -1
    cdef int put_array(self, Py_ssize_t count) except -1
    cdef int put_map(self, Py_ssize_t count) except -1
    cdef int put_error(self, str text) except -1
    cdef int put_value(self, object value, int depth=*) except -1
    cdef int put_other(self, object value, int depth) except -1
    cdef int put_line(self, char kind, bytes text, Py_ssize_t most) except -1
    cdef int put_verbatim(self, object value) except -1
    cdef int put_items(self, object items, int depth) except -1
    cdef bytes take_bytes(self)
