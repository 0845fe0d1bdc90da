"""Arrays bound to a model once: no checks, conversions or new arrays between two runs. And one row
as bytes, without any array."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t

from respnet.engine.kernels.executor cimport Bound, Predictor

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


def predict_row(Predictor model not None, bytes row not None):
    """The numbers of one row (I) -> (O), both as bytes of the model's dtype."""
    cdef Bound bound = model.row
    cdef char *external[2]
    cdef int64_t element
    cdef bytes y
    if bound is None:
        if not model.single:
            raise ShapeError("predict_row is for models of one row in and one out, of known shapes")
        bound = model.row = model._bind("row")
    element = bound.executable.program.element
    if PyBytes_GET_SIZE(row) != bound.inputs * element:
        raise ShapeError(f"predict_row wants {bound.inputs} numbers of {bound.executable.dtype}, "
                         f"{bound.inputs * element} bytes; got {len(row)} bytes")
    y = PyBytes_FromStringAndSize(NULL, bound.outputs * element)
    external[0], external[1] = PyBytes_AS_STRING(row), PyBytes_AS_STRING(y)
    bound.run(external, 1, 1)
    return y


cdef class LinearRow:
    """weights (O,I) and offsets (O), float32; called with a row (I) -> (O), both as bytes.

    Products are rounded and added one after another, the offset last, as NumPy's accumulate does
    it: clients compare the digits.
    """

    cdef bytes weights, offsets
    cdef Py_ssize_t inputs, outputs

    def __init__(self, weights, offsets):
        self.outputs, self.inputs = np.shape(weights)
        self.weights = np.ascontiguousarray(weights, np.float32).tobytes()
        self.offsets = np.asarray(offsets, np.float32).tobytes()
        if np.shape(offsets) != (self.outputs,):
            raise ShapeError(f"{self.outputs} rows of weights want as many offsets, "
                             f"got {np.shape(offsets)}")

    def __call__(self, bytes row not None):
        cdef const float *x = <const float *>PyBytes_AS_STRING(row)
        cdef const float *w = <const float *>PyBytes_AS_STRING(self.weights)
        cdef const float *offset = <const float *>PyBytes_AS_STRING(self.offsets)
        cdef Py_ssize_t wanted = self.inputs * <Py_ssize_t>sizeof(float), i, o
        cdef bytes result = PyBytes_FromStringAndSize(
            NULL, self.outputs * <Py_ssize_t>sizeof(float))
        cdef float *y = <float *>PyBytes_AS_STRING(result)
        cdef volatile float product  # or a compiler may fuse it with the sum
        cdef float total
        if PyBytes_GET_SIZE(row) != wanted:
            raise ShapeError(f"a linear row wants {wanted} bytes, got {len(row)}")
        for o in range(self.outputs):
            total = 0
            for i in range(self.inputs):
                product = w[i] * x[i]
                total += product
            y[o] = total + offset[o]
            w += self.inputs
        return result
