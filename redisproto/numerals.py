"""Numbers as clients write them: Redis' strict grammar, not Python's.

``int(b"1_0")``, ``int(b" 1")`` and ``float("nan")`` are numbers to Python and none to Redis.
"""

import re

from .errors import CommandError

NOT_INTEGER = "ERR value is not an integer or out of range"
NOT_DOUBLE = "ERR value is not a valid float"

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

_integer = re.compile(rb"0|-?[1-9][0-9]{0,18}").fullmatch
_double = re.compile(
    rb"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf|infinity)", re.IGNORECASE
).fullmatch
_hex = re.compile(
    rb"[+-]?0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?[0-9]+)?", re.IGNORECASE
).fullmatch
LONGEST_DOUBLE = 4300  # as long as any exact decimal expansion of a double needs, and then some


def is_integer(word):
    """Whether bytes are the canonical form of a signed 64-bit integer."""
    return bool(_integer(word)) and INT64_MIN <= int(word) <= INT64_MAX


def parse_integer(word, error=NOT_INTEGER):
    """A signed 64-bit integer from bytes, or CommandError(error)."""
    if not is_integer(word):
        raise CommandError(error)
    return int(word)


def parse_double(word, error=NOT_DOUBLE):
    """A double from bytes: decimal, exponent, hexadecimal, infinity; never NaN, never overflow."""
    if len(word) > LONGEST_DOUBLE:
        raise CommandError(error)
    if _double(word):
        number = float(word)
    elif _hex(word):
        number = _from_hex(word, error)
    else:
        raise CommandError(error)
    if number in (float("inf"), float("-inf")) and b"inf" not in word.lower():
        raise CommandError(error)
    return number


def _from_hex(word, error):
    try:
        return float.fromhex(word.decode("ascii"))
    except OverflowError:
        raise CommandError(error) from None


def format_double(number):
    """17 significant digits, no trailing zeros, as Redis prints a double."""
    return b"%.17g" % number
