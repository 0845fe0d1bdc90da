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

cdef extern from "flush.h" nogil:
    unsigned run_enter()
    void run_leave(unsigned before)


cdef const respnet_level *level_table(str level) except NULL:
    return <const respnet_level *>PyCapsule_GetPointer(levels.load(level), RESPNET_LEVEL_CAPSULE)


def vector_bytes(str level):
    """Bytes of one register of a level."""
    return level_table(level).vector_bytes


def ops(str level):
    """Names of the kernels of a level."""
    cdef const respnet_level *table = level_table(level)
    cdef int32_t i
    return [table.entries[i].name.decode() for i in range(table.count)]


def activation_names(str level="portable"):
    """Names of the activations in the order of their numbers."""
    cdef const respnet_level *table = level_table(level)
    return [table.activations[i].decode() for i in range(table.activation_count)]


cdef respnet_kernel find(str level, str op, dtype) except *:
    cdef const respnet_level *table = level_table(level)
    cdef bytes wanted = op.encode()
    cdef int32_t i
    for i in range(table.count):
        if table.entries[i].name == wanted:
            if dtype == numpy.float32:
                return table.entries[i].float32
            return table.entries[i].float64
    raise ValueError(f"level {level!r} has no op {op!r}")


def _check(dtype, operands, dims, constants):
    if dtype not in (numpy.float32, numpy.float64):
        raise ValueError(f"dtype is float32 or float64, got {dtype}")
    for what, given, limit in (("operands", operands, MAX_OPERANDS), ("dims", dims, MAX_DIMS),
                               ("constants", constants, MAX_CONSTANTS)):
        if len(given) > limit:
            raise ValueError(f"at most {limit} {what}, got {len(given)}")
    for i, operand in enumerate(operands):
        if operand is None:
            continue
        if not isinstance(operand, numpy.ndarray) or not operand.flags.c_contiguous:
            raise ValueError(f"operand {i} is a C-contiguous array or None, got {operand!r}")
        if operand.dtype != dtype:
            raise ValueError(f"operand {i} is {operand.dtype}, wanted {dtype}")


cdef fill(respnet_step *step, respnet_frame *frame, operands, dims, constants):
    """Operand i lives in a space of its own, number i."""
    cdef size_t address
    for i in range(MAX_OPERANDS):
        step.space[i] = -1
    for i, operand in enumerate(operands):
        if operand is not None:
            address = operand.ctypes.data
            frame.base[i] = <char *>address
            step.space[i] = i
    step.dim[MAX_DIMS - 1] = 1  # repeats
    for i, dim in enumerate(dims):
        step.dim[i] = dim
    for i, constant in enumerate(constants):
        step.constant[i] = constant


cdef double run(const respnet_step *step, respnet_frame *frame, int64_t repeat) noexcept nogil:
    """Seconds."""
    cdef timespec start, end
    cdef unsigned before = run_enter()
    clock_gettime(CLOCK_MONOTONIC, &start)
    for _ in range(repeat):
        step.run(step, frame)
    clock_gettime(CLOCK_MONOTONIC, &end)
    run_leave(before)
    return (end.tv_sec - start.tv_sec) + 1e-9 * (end.tv_nsec - start.tv_nsec)


def call(str level, str op, dtype, operands, dims=(), constants=(), *, int64_t repeat=1, **frame):
    """Run ``op`` of ``level`` on ``operands``: C-contiguous arrays of ``dtype``, or None.

    Kernels write into their output operands in place. ``frame`` sets fields of the frame (abi.h):
    rows (1), first_row, batch (rows), seed, stride, accumulate, t (1), loss, previous_loss, and
    count (batch), the places of the first term. Returns (loss, metric, seconds): what the kernel
    added to the frame and its first term, and the wall time of all runs.
    """
    cdef respnet_step step
    cdef respnet_frame f
    cdef double seconds
    dtype = numpy.dtype(dtype)
    _check(dtype, operands, dims, constants)
    memset(&step, 0, sizeof(step))
    memset(&f, 0, sizeof(f))
    fill(&step, &f, operands, dims, constants)
    step.run = find(level, op, dtype)
    f.rows = frame.pop("rows", 1)
    f.first_row = frame.pop("first_row", 0)
    f.batch = frame.pop("batch", f.rows)
    f.term[0].count = frame.pop("count", f.batch)
    f.seed = frame.pop("seed", 0)
    f.stride = frame.pop("stride", 0)
    f.accumulate = frame.pop("accumulate", 0)
    f.t = frame.pop("t", 1)
    f.loss = frame.pop("loss", 0.0)
    f.previous_loss = frame.pop("previous_loss", 0.0)
    if frame:
        raise TypeError(f"no field of a frame: {', '.join(sorted(frame))}")
    with nogil:
        seconds = run(&step, &f, repeat)
    return f.loss + f.term[0].loss, f.term[0].metric, seconds
