from respnet.engine.kernels.executor cimport Bound, Memory


cdef class Stepper:
    cdef Bound bound
    cdef char *external[32]
    cdef Memory after  # the states of the step being done
    cdef Py_ssize_t element  # bytes of a number
    cdef readonly Py_ssize_t inputs, outputs, state_bytes

    cdef int point(self, int first, char *states) noexcept
    cdef int step(self, const void *x, void *state, void *y) except -1
