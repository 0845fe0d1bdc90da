# cython: language_level=3
from .reply cimport Reply


cdef int put_doubles(Reply out, const float* values, Py_ssize_t count) except -1
cdef Py_ssize_t largest(const float* y, Py_ssize_t count) noexcept
