# cython: language_level=3
"""What the hot path keeps of a network, as C fields."""

from libc.stdint cimport uint32_t, uint64_t

from respnet.engine.dataset cimport DataSplit
from respnet.engine.kernels.executor cimport Bound

from .database cimport Account, Entry
from .reader cimport Args, Span
from .session cimport FastHandler, Session


cdef class Hot:
    cdef Account space  # where it was found last
    cdef Entry entry  # None: nowhere
    cdef bytes key
    cdef dict watches  # of the space
    cdef int db
    cdef uint64_t id
    cdef uint32_t generation
    cdef object model
    cdef Bound bound  # the present weights, or None
    cdef DataSplit data
    cdef Py_ssize_t inputs, outputs, targets
    cdef bint classifier
    cdef float* x  # inputs and targets of one row
    cdef float* y  # outputs of one row
    cdef Py_ssize_t most  # rows of a batch
    cdef object batch  # (most, I) float32, or None
    cdef float* rows  # of it

    cdef bint is_at(self, Session c, const Span* key) noexcept
    cdef int place(self, Session c, bytes key, Entry entry) except -1
    cdef void used(self, Py_ssize_t count) noexcept
    cdef int run(self, const float* x) except -1
    cdef int make_rows(self) except -1


cdef class Run(FastHandler):
    cdef int rows(self, Session c, Hot net, const Span* rows) except -1


cdef class Class(FastHandler):
    pass


cdef class Observe(FastHandler):
    cdef int store(self, Session c, Hot net, int target) except -1
