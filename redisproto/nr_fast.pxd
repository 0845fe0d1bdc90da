# cython: language_level=3
"""What the hot path keeps of a network, as C fields."""

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

from respnet.engine.dataset cimport DataSplit
from respnet.engine.kernels.executor cimport Bound
from respnet.engine.kernels.stepper cimport Stepper

from .database cimport Account, Entry
from .numbers cimport parse_float32
from .reader cimport Span
from .session cimport Session


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
    cdef Stepper stepper  # the same for one step of time, or None
    cdef DataSplit data
    cdef Py_ssize_t inputs, outputs, targets
    cdef Py_ssize_t words  # inputs are whole numbers below it; 0: any numbers
    cdef bint recurrent
    cdef bint classifier
    cdef float* x  # inputs and targets of one row
    cdef float* y  # outputs of one row
    cdef Py_ssize_t most  # rows of a batch
    cdef object batch  # (most, I) float32, rows as the model takes them, or None
    cdef float* rows  # of it

    cdef bint is_at(self, Session c, const Span* key) noexcept
    cdef int place(self, Session c, bytes key, Entry entry) except -1
    cdef void used(self, Py_ssize_t count) noexcept
    cdef int run(self, const float* x) except -1
    cdef int make_rows(self) except -1
    cpdef Stepper make_stepper(self)
    cdef bint read(self, const Span* words, Py_ssize_t count, float* x) noexcept
    cdef bint take(self, const char* data, Py_ssize_t count, float* x) noexcept
    cdef bint fit(self, const float* x, Py_ssize_t count) noexcept


cdef Hot lookup(Session c, const Span* key)


cdef inline bint read_numbers(const Span* words, Py_ssize_t count, float* out) noexcept:
    cdef Py_ssize_t i
    for i in range(count):
        if not parse_float32(words[i].data, words[i].size, out + i):
            return False
    return True


cdef inline bint is_word(const Span* span, const char* word, Py_ssize_t size) noexcept:
    """Whether the span is ``word`` (given in upper case) in any case."""
    cdef Py_ssize_t i
    if span.size != size:
        return False
    for i in range(size):
        if (span.data[i] & 0xDF) != word[i]:
            return False
    return True


cdef inline bint all_finite(const char* data, Py_ssize_t count) noexcept:
    """Whether no float32 has all bits of its exponent set; without a branch for each."""
    cdef uint32_t bits, found = 0
    cdef Py_ssize_t i
    for i in range(count):
        memcpy(&bits, data + i * 4, 4)
        found |= (bits & 0x7f800000) == 0x7f800000
    return found == 0


cdef inline bint are_words(const float* x, Py_ssize_t count, Py_ssize_t words) noexcept:
    """Whether all are whole numbers from 0 to ``words`` - 1."""
    cdef Py_ssize_t i
    for i in range(count):
        if not (0 <= x[i] < words and x[i] == <Py_ssize_t>x[i]):
            return False
    return True
