"""Steps that call Python: layers, losses and activations of users.

A step takes the GIL on whichever thread runs it. What is read is copied, so that Python may keep
it; what comes back is copied to its place. An exception becomes a fault of the frame and is raised
to whoever started the run.
"""

from cpython.ref cimport PyObject
from libc.stdint cimport int64_t

from respnet.engine.kernels.abi cimport (
    FAULT_PYTHON, SPACE_GRADIENTS, respnet_frame, respnet_step, respnet_term)

cimport numpy as cnp

cnp.import_array()

cdef extern from "flush.h" nogil:
    unsigned run_enter()
    void run_pause()


cdef class Callback:
    """function(key, arrays) -> arrays, for the operands of one step.

    shapes: of each operand, (rows, *shape) where it has rows ("rows", shape) or ("once", shape);
    None where it is absent. reads: how many of them are read, from the first on. key: a number of
    the frame; forward and backward of the same rows have the same. judges: it is a loss; it also
    gets how many places the term counts and its weight, and gives the value first.
    """

    def __init__(self, function, list shapes, int reads, bint judges=False):
        self.judges = judges
        self.function, self.shapes, self.reads = function, shapes, reads
        self.errors = {}

    cdef int attach(self, respnet_step *step, int type_number, int64_t element) except -1:
        """Make ``step`` call this object, which whoever owns the step must keep."""
        self.type_number, self.element = type_number, element
        step.run = run_python
        step.dim[1] = <int64_t><PyObject *>self
        return 0

    cdef object view(self, const respnet_step *step, respnet_frame *frame, int i):
        """Operand i in the engine's memory."""
        cdef cnp.npy_intp lengths[32]
        cdef int n = 0
        how, shape = self.shapes[i]
        if how == "rows":
            lengths[0] = frame.rows
            n = 1
        for length in shape:
            lengths[n] = length
            n += 1
        return cnp.PyArray_SimpleNewFromData(
            n, lengths, self.type_number,
            frame.base[step.space[i]] + step.offset[i] * self.element)

    cdef int call(self, const respnet_step *step, respnet_frame *frame) except -1:
        cdef respnet_term *term
        cdef int i
        arrays = [None if self.shapes[i] is None else self.view(step, frame, i).copy()
                  for i in range(self.reads)]
        if self.judges:
            term = &frame.term[step.dim[2]]
            value, *results = self.function(<size_t>frame, arrays, term.count, step.constant[0])
            term.loss += value
        else:
            results = self.function(<size_t>frame, arrays)
        for i, result in enumerate(results, self.reads):
            if self.shapes[i] is None:
                continue
            place = self.view(step, frame, i)
            # gradients of weights: the first sub-batch writes, later ones and later steps add
            if step.space[i] == SPACE_GRADIENTS and (frame.accumulate or step.dim[0]):
                place += result
            else:
                place[...] = result
        return 0

    cdef object take_error(self, size_t key):
        return self.errors.pop(key, None)


cdef void run_python(const respnet_step *step, respnet_frame *frame) noexcept with gil:
    cdef Callback callback = <Callback><PyObject *>step.dim[1]
    if frame.fault:
        return
    run_pause()
    try:
        callback.call(step, frame)
    except BaseException as error:
        callback.errors[<size_t>frame] = error
        frame.fault, frame.fault_value = FAULT_PYTHON, <double><size_t>frame
    run_enter()
