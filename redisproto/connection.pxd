# cython: language_level=3
"""A client's socket: bytes in, replies out, and everything that keeps both bounded."""

from .session cimport Session


cdef class Connection(Session):
    cdef object transport
    cdef object write
    cdef object held  # deque of (ticket, list of bytes, their size) that wait for a commit
    cdef Py_ssize_t held_size
    cdef unsigned long long ticket  # the commit that the newest reply waits for
    cdef unsigned long long mark  # effects seen before the commands being run
    cdef Py_ssize_t discarded  # bytes that came after closing
    cdef bint running  # commands are being run: output is flushed at the end
    cdef bint scheduled  # proceed() will be called by the loop
    cdef bint stalled  # the client does not read
    cdef bint reading
    cdef bint lingering  # let the client read the last reply before the socket goes
    cdef bint finishing
    cdef bint eof
    cdef int fd  # of a plain socket that may be written to directly, or -1
    cdef bint buffered  # the transport may have unsent bytes
    cdef bint gone
    cdef double frame_at, over_at, closing_at  # monotonic; 0: not so

    cdef bint stuck(self) noexcept
    cdef int drain(self) except -1
    cdef int settle(self, bint progress) except -1
    cdef int flush(self) except -1
    cdef bint send_now(self) except -1
    cdef int send(self, list pieces, Py_ssize_t size) except -1
    cdef int check_output(self, Py_ssize_t newest) except -1
    cdef int schedule(self) except -1
    cdef int update_reading(self) except -1
    cdef int finish(self) except -1
    cdef int discard(self, Py_ssize_t size) except -1
