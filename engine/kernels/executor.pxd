from libc.stdint cimport int64_t, uint64_t

from respnet.engine.kernels.abi cimport (
    respnet_frame, respnet_kernel, respnet_level, respnet_step, respnet_term)


cdef extern from "program.h" nogil:
    enum:
        RESPNET_EXTERNALS
        RESPNET_MAX_SLOTS

    ctypedef struct respnet_program:
        respnet_step *prepare
        respnet_step *steps
        respnet_step *update
        respnet_step *counting
        int prepares
        int count
        int updates
        int countings
        int lanes
        int64_t rows
        int64_t element
        int64_t work
        int64_t packs
        int64_t trainable
        int externals
        int64_t *columns
        int terms
        int64_t *places
        double *weight

    ctypedef struct respnet_batch:
        const respnet_program *program
        respnet_frame *frames
        char **external
        int64_t batch
        int slots
        int counting


# Implemented in executor.pyx, over run.h: one module owns the helper threads.
cdef void execute_steps(const respnet_step *steps, int count, respnet_frame *frame) noexcept nogil
cdef int raise_fault(Executable executable, respnet_frame *frame) except -1
cdef void execute_batch(respnet_batch *b, int threads) noexcept nogil
cdef void execute_gradients(respnet_batch *b, int threads) noexcept nogil
cdef void execute_update(const respnet_program *p, respnet_frame *frame, int first,
                         int threads) noexcept nogil
cdef double execute_training_step(respnet_batch *b, int threads) noexcept nogil
cdef double execute_epoch(respnet_batch *b, int threads, char **data, const int64_t *order,
                          int64_t n, int64_t size, const int *cancel,
                          respnet_term *seen) noexcept nogil
cdef void gather(const respnet_program *p, const char *source, int64_t columns,
                 const int64_t *order, int64_t count, char *out) noexcept nogil


cdef class Memory:
    cdef char *data
    cdef readonly int64_t size


cdef class Executable:
    cdef respnet_program program
    cdef const respnet_level *level
    cdef int type_number
    cdef readonly object dtype
    cdef readonly str layout
    cdef readonly str mode
    cdef list callbacks
    cdef readonly bint whole_batches
    cdef int64_t cost
    cdef int assemble(self, respnet_step **steps, int *count, list kernels) except -1
    cdef respnet_kernel find(self, str name) except *


cdef class Frames:
    cdef respnet_frame *frames
    cdef readonly int slots
    cdef list memory


cdef class Bound:
    cdef readonly Executable executable
    cdef object vector
    cdef Memory packs
    cdef list free
    cdef Frames row
    cdef int64_t inputs
    cdef int64_t outputs
    cdef Frames borrow(self, int slots)
    cdef object predict(self, x, int threads)
    cdef int run(self, char **external, int64_t rows, int threads) except -1
    cdef void run_row(self, const void *x, void *y) noexcept nogil


cdef class Predictor:
    cdef Bound row
    cdef Bound batch
    cdef public int threads
    cdef public bint shaped
    cdef public bint single
