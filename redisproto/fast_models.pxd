# cython: language_level=3
"""What fast handlers of runs share."""

from .database cimport Database, Entry


cdef object run_row(object executor, object model, object dtype, object shape, object data,
                    double* seconds)
cdef Entry used(Database db, bytes key, object kind)
