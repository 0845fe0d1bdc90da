# cython: language_level=3
"""What the hot path keeps of a network, as C fields."""

from libc.stdint cimport uint32_t, uint64_t

from respnet.engine.dataset cimport DataSplit
from respnet.engine.kernels.executor cimport Bound

from .reader cimport Args, Span
from .session cimport FastHandler, Session


cdef class Tally:
    cdef object space
    cdef long long turn, hits, dirty
    cdef bint due

    cdef int count(self, Session c, Hot net, bint written) except -1


cdef class Hot:
    cdef object space, entry, key, watches  # where it was found last; entry None: nowhere
    cdef int db
    cdef uint64_t id
    cdef uint32_t generation
    cdef object model
    cdef Bound bound  # the present weights, or None
    cdef DataSplit data
    cdef Py_ssize_t inputs, outputs, targets
    cdef bint classifier
    cdef Tally tally
    cdef long long turn  # of the tally, when the entry was last marked as used
    cdef float* x  # inputs and targets of one row
    cdef float* y  # outputs of one row

    cdef bint is_at(self, Session c, const Span* key) noexcept
    cdef int place(self, Session c, bytes key, entry) except -1
    cdef int run(self, const float* x) except -1
    cdef Py_ssize_t largest(self) noexcept


cdef class Run(FastHandler):
    cdef int blob(self, Session c, Hot net, const Span* rows) except -1


cdef class Class(FastHandler):
    pass


cdef class Observe(FastHandler):
    cdef int store(self, Session c, Hot net, int target) except -1
