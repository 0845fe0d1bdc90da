"""Rows a model learns from, as C fields: the server appends to them without Python objects."""

from libc.stdint cimport uint64_t

cdef enum:
    TRAIN = 0
    TEST = 1
    ANY = 2


cdef class Dataset:
    cdef readonly Py_ssize_t input_columns, target_columns, maxlen
    cdef readonly Py_ssize_t columns  # of a row: inputs and targets
    cdef Py_ssize_t length, capacity
    cdef bint shared  # a snapshot may look at the rows
    cdef object array  # (capacity, columns) float32
    cdef float* data  # of array

    cdef bint is_full(self) noexcept
    cdef bint ready(self, Py_ssize_t slot) noexcept
    cdef float* open(self, Py_ssize_t slot) except NULL
    cdef int move(self, Py_ssize_t capacity) except -1


cdef class DataSplit:
    cdef readonly Dataset train, test
    cdef uint64_t state

    cdef Dataset pick(self, int target, Py_ssize_t* slot)
    cdef Py_ssize_t below(self, Py_ssize_t count) noexcept
