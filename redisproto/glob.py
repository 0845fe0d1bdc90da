"""Redis' glob patterns as regular expressions that cannot blow up.

Every element but ``*`` takes exactly one byte, so the leftmost match of the part between two stars
is always as good as a later one. Each such part becomes an atomic group: no backtracking from one
star into another, time at most len(pattern) * len(key), no recursion.
"""

import re
from functools import lru_cache

from .errors import CommandError

LONGEST = 1024
TOO_LONG = f"ERR pattern is longer than {LONGEST} bytes"


def matcher(pattern):
    """A function bytes -> truth for a glob; CommandError if it is longer than 1 KiB."""
    if len(pattern) > LONGEST:
        raise CommandError(TOO_LONG)
    return _compiled(pattern)


@lru_cache(maxsize=256)
def _compiled(pattern):
    first, *middle = _segments(pattern)
    text = first
    if middle:
        text += b"".join(b"(?>.*?" + part + b")" for part in middle[:-1]) + b".*" + middle[-1]
    return re.compile(text, re.DOTALL).fullmatch


def is_literal(pattern):
    return not any(special in pattern for special in b"*?[\\")


def _segments(pattern):
    """Regular expressions of the parts between the stars."""
    parts, at = [b""], 0
    while at < len(pattern):
        if pattern[at : at + 1] == b"*":
            parts.append(b"")
            at += 1
        else:
            text, at = _element(pattern, at)
            parts[-1] += text
    return parts


def _element(pattern, at):
    """One byte's worth of pattern -> (regular expression, next position)."""
    byte = pattern[at : at + 1]
    if byte == b"?":
        return b".", at + 1
    if byte == b"[":
        return _set(pattern, at + 1)
    if byte == b"\\" and at + 1 < len(pattern):
        at += 1
    return re.escape(pattern[at : at + 1]), at + 1


def _set(pattern, at):
    """``[a-z]``, ``[^\\]x]``; one that is never closed ends with the pattern, as in Redis."""
    negated = pattern[at : at + 1] == b"^"
    at += negated
    wanted = set()
    while at < len(pattern) and pattern[at : at + 1] != b"]":
        members, at = _members(pattern, at)
        wanted.update(members)
    if negated:
        wanted = set(range(256)) - wanted
    body = b"".join(b"\\x%02x" % byte for byte in sorted(wanted))
    return (b"[" + body + b"]" if body else b"(?!)"), at + 1


def _members(pattern, at):
    """The next byte or range of a set -> (bytes it stands for, next position)."""
    if pattern[at : at + 1] == b"\\" and at + 1 < len(pattern):
        return pattern[at + 1 : at + 2], at + 2
    if pattern[at + 1 : at + 2] == b"-" and at + 2 < len(pattern):
        low, high = sorted((pattern[at], pattern[at + 2]))
        return range(low, high + 1), at + 3
    return pattern[at : at + 1], at + 1
