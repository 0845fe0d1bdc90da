from libc.stdint cimport int64_t

from respnet.engine.kernels.abi cimport respnet_frame, respnet_step


cdef class Callback:
    cdef object function
    cdef list shapes
    cdef int reads
    cdef bint judges
    cdef int type_number
    cdef int64_t element
    cdef dict errors
    cdef int attach(self, respnet_step *step, int type_number, int64_t element) except -1
    cdef object view(self, const respnet_step *step, respnet_frame *frame, int i)
    cdef int call(self, const respnet_step *step, respnet_frame *frame) except -1
    cdef object take_error(self, size_t key)
