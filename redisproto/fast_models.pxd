# cython: language_level=3
"""What fast handlers of runs share."""

from .database cimport Database, Entry


cdef object ready(object executor, object model, object dtype, object shape)
cdef Entry used(Database db, bytes key, object kind)
