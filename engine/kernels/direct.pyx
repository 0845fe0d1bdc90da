"""Run one step kernel of one level on NumPy arrays: for tests and benches, not for the engine."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memset
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

import numpy

from respnet.engine.kernels import levels

from respnet.engine.kernels.abi cimport (
    MAX_CONSTANTS, MAX_DIMS, MAX_OPERANDS, RESPNET_LEVEL_CAPSULE, respnet_frame, respnet_kernel,
    respnet_level, respnet_step)


cdef const respnet_level *level_table(str level) except NULL:
    return <const respnet_level *>PyCapsule_GetPointer(levels.load(level), RESPNET_LEVEL_CAPSULE)


def vector_bytes(str level):
    """Bytes of one register of a level."""
    return level_table(level).vector_bytes


def ops(str level):
    """Names of the kernels of a level."""
    cdef const respnet_level *table = level_table(level)
    cdef int32_t i
    return [table.entries[i].name.decode() for i in range(table.count) if table.entries[i].name]


def activation_names(str level="portable"):
    """Names of the activations in the order of their numbers."""
    cdef const respnet_level *table = level_table(level)
    return [table.activations[i].decode() for i in range(table.activation_count)]


cdef respnet_kernel find(str level, str op, dtype) except *:
    cdef const respnet_level *table = level_table(level)
    cdef bytes wanted = op.encode()
    cdef respnet_kernel kernel
    cdef int32_t i
    for i in range(table.count):
        if table.entries[i].name and table.entries[i].name == wanted:
            if dtype == numpy.float32:
                kernel = table.entries[i].float32
            else:
                kernel = table.entries[i].float64
            if kernel == NULL:
                raise ValueError(f"op {op!r} of level {level!r} has no {dtype} kernel")
            return kernel
    raise ValueError(f"level {level!r} has no op {op!r}")


cdef fill(respnet_step *step, respnet_frame *frame, operands, dims, constants):
    cdef size_t address
    cdef int i
    for what, given, limit in (("operands", operands, MAX_OPERANDS), ("dims", dims, MAX_DIMS),
                               ("constants", constants, MAX_CONSTANTS)):
        if len(given) > limit:
            raise ValueError(f"at most {limit} {what}, got {len(given)}")
    for i in range(MAX_OPERANDS):
        step.space[i] = -1
    for i, operand in enumerate(operands):
        if operand is None:
            continue
        address = operand.ctypes.data
        frame.base[i] = <char *>address
        step.space[i] = i
    for i, dim in enumerate(dims):
        step.dim[i] = dim
    for i, constant in enumerate(constants):
        step.constant[i] = constant


cdef check(operands, dtype):
    for i, operand in enumerate(operands):
        if operand is None:
            continue
        if not isinstance(operand, numpy.ndarray) or not operand.flags.c_contiguous:
            raise ValueError(f"operand {i} is not a C-contiguous array: {type(operand).__name__}")
        if operand.dtype.kind == "f" and operand.dtype != dtype:
            raise ValueError(f"operand {i} is {operand.dtype}, wanted {dtype}")


def call(str level, str op, dtype, operands, dims=(), constants=(), *, int64_t rows=1,
         int64_t first_row=0, batch=None, uint64_t seed=0, int64_t t=1, int64_t repeat=1,
         double loss=0, double previous_loss=0):
    """Run ``op`` of ``level`` on ``operands``: C-contiguous arrays of ``dtype``, or None.

    Kernels write into their output operands in place. Returns ``(loss, metric, seconds)``: the sums
    the kernel added to its frame, and the wall time of all ``repeat`` runs together.
    """
    dtype = numpy.dtype(dtype)
    if dtype not in (numpy.float32, numpy.float64):
        raise ValueError(f"dtype is float32 or float64, got {dtype}")
    check(operands, dtype)
    cdef respnet_kernel kernel = find(level, op, dtype)
    cdef respnet_step step
    cdef respnet_frame frame
    cdef timespec start, end
    cdef int64_t i
    memset(&step, 0, sizeof(step))
    memset(&frame, 0, sizeof(frame))
    fill(&step, &frame, operands, dims, constants)
    step.run = kernel
    frame.rows, frame.first_row, frame.seed, frame.t = rows, first_row, seed, t
    frame.batch = rows if batch is None else batch
    frame.loss, frame.previous_loss = loss, previous_loss
    with nogil:
        clock_gettime(CLOCK_MONOTONIC, &start)
        for i in range(repeat):
            kernel(&step, &frame)
        clock_gettime(CLOCK_MONOTONIC, &end)
    return frame.loss, frame.metric, (end.tv_sec - start.tv_sec) + 1e-9 * (end.tv_nsec - start.tv_nsec)
