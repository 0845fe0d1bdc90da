from libc.stdint cimport int64_t, uint32_t, uint64_t


cdef class EffectBuffer:
    """Effects of the loop turn being filled; see store_buffer.pyx."""
    cdef char* data
    cdef Py_ssize_t size, capacity
    cdef Py_ssize_t last               # offset of the last frame, -1: it must not grow
    cdef readonly int64_t position     # stream position of data[0]
    cdef readonly uint64_t ticket      # number of the newest group that has effects
    cdef public uint64_t committed     # replies of groups up to here may leave
    cdef readonly uint64_t changes     # effects ever added
    cdef readonly bint open            # the group of this turn has effects

    cdef int frame(self, int type, uint64_t id, uint32_t generation,
                   const char* payload, Py_ssize_t size) except -1
    cdef char* reserve(self, int type, uint64_t id, uint32_t generation,
                       Py_ssize_t size) except NULL
    cdef char* extend(self, int type, uint64_t id, uint32_t generation,
                      Py_ssize_t size) except NULL
    cdef int grow(self, Py_ssize_t extra) except -1
    cpdef touch(self)
