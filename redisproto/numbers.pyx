"""The number grammars of numbers.h, for Python callers."""

from .errors import CommandError


cpdef long long parse_integer(bytes word, str error="ERR value is not an integer or out of range"):
    """A signed 64-bit integer, or CommandError(error)."""
    cdef long long number
    if not parse_long_long(word, len(word), &number):
        raise CommandError(error)
    return number


cpdef double parse_real(bytes word, str error="ERR value is not a valid float"):
    """A finite double, or CommandError(error)."""
    cdef double number
    if not parse_double(word, len(word), &number):
        raise CommandError(error)
    return number


cpdef double parse_single(bytes word, str error="ERR value is not a valid float"):
    """A finite float32 (widened), or CommandError(error)."""
    cdef float number
    if not parse_float32(word, len(word), &number):
        raise CommandError(error)
    return number


cpdef bytes format_integer(long long number):
    cdef char text[NUMBER_TEXT]
    return text[:print_long_long(number, text)]


cpdef bytes format_double(double number):
    """17 significant digits, no trailing zeros: printf's ``%.17g``."""
    cdef char text[NUMBER_TEXT]
    return text[:print_double(number, text)]
