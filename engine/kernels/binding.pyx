"""Arrays bound to a model once: no checks, conversions or new arrays between two runs."""

from libc.stdint cimport int64_t

from respnet.engine.kernels.executor cimport Bound

cimport numpy as cnp

import numpy as np

from respnet.engine.errors import ShapeError

cnp.import_array()


cdef class Binding:
    """Calling it runs the model on what the arrays in ``inputs`` hold now, into ``outputs``.

    inputs: contiguous arrays (B,...) of the model's dtype, kept, not copied. The weights stay those
    of the moment of binding. One thread at a time.
    """

    cdef Bound bound
    cdef char *external[32]
    cdef int64_t rows
    cdef int threads
    cdef readonly list inputs
    cdef readonly list outputs

    def __init__(self, Bound bound, list inputs, list output_shapes, int threads=1):
        cdef const int64_t *columns = bound.executable.program.columns
        cdef int i
        self.bound, self.inputs, self.threads = bound, inputs, threads
        self.rows = len(inputs[0])
        self.outputs = [np.empty((self.rows, *shape), bound.executable.dtype)
                        for shape in output_shapes]
        for i, array in enumerate([*inputs, *self.outputs]):
            if not (cnp.PyArray_CheckExact(array) and array.dtype == bound.executable.dtype
                    and array.flags.c_contiguous and array.size == self.rows * columns[i]):
                raise ShapeError(f"array {i} must be contiguous {bound.executable.dtype} of "
                                 f"{self.rows} rows of {columns[i]} numbers; got {array.dtype} "
                                 f"{array.shape}")
            self.external[i] = <char *>cnp.PyArray_DATA(array)

    def __call__(self):
        self.bound.run(self.external, self.rows, self.threads)
