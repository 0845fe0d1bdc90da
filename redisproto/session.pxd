# cython: language_level=3
"""The connection as handlers see it, and the fast handlers of hot commands."""

from .core cimport Core, Row
from .reader cimport Args, Reader, Span
from .reply cimport Reply


cdef class Session:
    cdef readonly Core server
    cdef readonly long long id
    cdef public int db
    cdef public object name, user, addr, laddr, lib_name, lib_ver
    cdef public object watched
    cdef public bint multi_error
    cdef readonly double created  # Unix time
    cdef readonly bint closing  # no further command is run
    cdef Reader reader
    cdef Reply out
    cdef list queue  # of MULTI: (Row, argv), or None
    cdef Py_ssize_t queue_bytes
    cdef object deferred  # the reply that is waited for, or None
    cdef double used_at  # monotonic

    cdef int run_command(self) except -1
    cdef int run_row(self, Row row) except -1
    cdef int run_strange(self, Row row) except -1
    cdef Row admit(self, Row row, list argv)
    cdef object call(self, Row row, list argv)
    cdef int enqueue(self, Row row, list argv) except -1
    cdef int answer(self, object value) except -1
    cdef int answer_error(self, object error) except -1


cdef class FastHandler:
    # 1: handled, the reply is written to c.out; 0: declined, nothing is written or changed.
    # args.items[0] is the name. Runs for authenticated clients outside MULTI; arity is not checked.
    cdef int run(self, Session c, Args* args) except -1
