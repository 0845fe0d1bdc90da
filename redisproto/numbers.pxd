# cython: language_level=3
# Inline C for every module of the protocol; see numbers.h for the grammars and bounds.

cdef extern from "numbers.h":
    enum:
        NUMBER_TEXT  # bytes that any printed number fits in
    int parse_long_long(const char* s, Py_ssize_t n, long long* out) noexcept nogil
    int parse_double(const char* s, Py_ssize_t n, double* out) noexcept
    int parse_float32(const char* s, Py_ssize_t n, float* out) noexcept
    Py_ssize_t print_long_long(long long number, char* out) noexcept nogil
    Py_ssize_t print_double(double value, char* out) except -1
