"""A recurrent network bound for one step at a time, with its states in the caller's memory."""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from respnet.engine.kernels.executor cimport RESPNET_EXTERNALS, Bound, Memory

cimport numpy as cnp

import numpy as np

from respnet.engine.errors import ShapeError

cnp.import_array()

MAX_STATES = (RESPNET_EXTERNALS - 2) // 2


cdef class Stepper:
    """x (I) and all states, one after another -> y (O) and the states after the step.

    bound: the program of a ``stepping.step_spec``: its externals are x, the states, y and the
    states after. One thread at a time.
    """

    def __init__(self, Bound bound not None):
        cdef int states = (bound.executable.program.externals - 2) // 2, i
        cdef const int64_t *columns = bound.executable.program.columns
        self.bound, self.element = bound, bound.executable.program.element
        self.inputs, self.outputs = columns[0], columns[1 + states]
        self.state_bytes = self.element * sum([columns[1 + i] for i in range(states)])
        self.after = Memory(self.state_bytes)
        self.point(1 + 1 + states, self.after.data)

    cdef int point(self, int first, char *states) noexcept:
        """Externals from ``first`` on are the states that lie there."""
        cdef int count = (self.bound.executable.program.externals - 2) // 2, i
        for i in range(count):
            self.external[first + i] = states
            states += self.element * self.bound.executable.program.columns[1 + i]
        return count

    cdef int step(self, const void *x, void *state, void *y) except -1:
        """One step; on an error the state is as it was."""
        cdef int states = self.point(1, <char *>state)
        self.external[0], self.external[1 + states] = <char *>x, <char *>y
        self.bound.run(self.external, 1, 1)
        memcpy(state, self.after.data, self.state_bytes)
        return 0

    def __call__(self, x, bytearray state not None):
        """Steps x (n,I), contiguous and of the model's dtype -> y (n,O); ``state`` moves on."""
        cdef Py_ssize_t i, n
        if not (cnp.PyArray_CheckExact(x) and x.dtype == self.bound.executable.dtype
                and x.flags.c_contiguous and x.ndim == 2 and x.shape[1] == self.inputs):
            raise ShapeError(f"steps are rows of {self.inputs} {self.bound.executable.dtype} "
                             f"numbers, contiguous; got {np.shape(x)}")
        if PyByteArray_GET_SIZE(state) != self.state_bytes:
            raise ShapeError(f"the state of this network has {self.state_bytes} bytes, got "
                             f"{len(state)}")
        n = x.shape[0]
        y = np.empty((n, self.outputs), x.dtype)
        after = bytearray(state)
        for i in range(n):
            self.step(cnp.PyArray_BYTES(x) + i * self.inputs * self.element,
                      PyByteArray_AS_STRING(after),
                      cnp.PyArray_BYTES(y) + i * self.outputs * self.element)
        state[:] = after
        return y
