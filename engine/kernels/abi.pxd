from libc.stdint cimport int32_t, int64_t, uint64_t

cdef extern from "abi.h" nogil:
    enum:
        FAULT_TOKEN
        MAX_OPERANDS
        MAX_DIMS
        MAX_CONSTANTS
        MAX_SPACES
        MAX_TERMS
        SPACE_PARAMETERS
        SPACE_PACKS
        SPACE_GRADIENTS
        SPACE_STATE
        SPACE_WORK
        SPACE_EXTERNAL
        FAULT_PYTHON

    ctypedef void (*respnet_kernel)(const respnet_step *, respnet_frame *) noexcept nogil

    ctypedef struct respnet_step:
        respnet_kernel run
        int32_t *space
        int64_t *offset
        int64_t *dim
        double *constant
        int64_t times

    ctypedef struct respnet_term:
        double count
        double loss
        double metric

    ctypedef struct respnet_frame:
        char **base
        int64_t rows
        int64_t first_row
        int64_t batch
        uint64_t seed
        int64_t stride
        int64_t accumulate
        int64_t t
        double previous_loss
        double loss
        respnet_term *term
        int64_t turn
        int64_t fault
        double fault_value
        double fault_limit

    ctypedef struct respnet_entry:
        const char *name
        respnet_kernel float32
        respnet_kernel float64

    ctypedef struct respnet_sizes:
        int64_t (*wide)(int64_t, int64_t) noexcept nogil
        int64_t (*panels)(int64_t, int64_t) noexcept nogil
        int64_t (*workspace)(int64_t, int64_t, int64_t) noexcept nogil

    ctypedef struct respnet_level:
        const char *name
        int32_t vector_bytes
        int32_t count
        const respnet_entry *entries
        respnet_sizes float32
        respnet_sizes float64
        int32_t activation_count
        const char **activations

    const char *RESPNET_LEVEL_CAPSULE
