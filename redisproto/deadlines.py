"""When a key expires, from what a client wrote: relative or absolute, seconds or milliseconds."""

from .access import INT64_MAX, INT64_MIN
from .errors import CommandError
from .numbers import parse_integer

SECONDS, MILLISECONDS = 1000, 1


def unix_ms(word, unit, now, command):
    """Unix time in ms of a word; ``now`` is 0 if the word is absolute. May be in the past."""
    number = parse_integer(word)
    if not INT64_MIN // unit <= number <= INT64_MAX // unit:
        raise invalid(command)
    number = number * unit + now
    if number > INT64_MAX:
        raise invalid(command)
    return number


def positive_ms(word, unit, now, command):
    """As above for commands that refuse zero and negative times."""
    if parse_integer(word) <= 0:
        raise invalid(command)
    return unix_ms(word, unit, now, command)


def invalid(command):
    return CommandError(f"ERR invalid expire time in '{command}' command")


OPTIONS = (  # attribute of the request, milliseconds a unit, absolute
    ("seconds", SECONDS, False),
    ("milliseconds", MILLISECONDS, False),
    ("unix_time_seconds", SECONDS, True),
    ("unix_time_milliseconds", MILLISECONDS, True),
)


def from_options(request, now, command):
    """Unix ms of EX, PX, EXAT or PXAT, whichever the request has; None without."""
    for attr, unit, absolute in OPTIONS:
        word = getattr(request, attr)
        if word is not None:
            return positive_ms(word, unit, 0 if absolute else now, command)
    return None
