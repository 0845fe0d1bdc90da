"""Declared replies: Python types that say what a handler returns, checked by the tests.

``bytes | None``, ``list[int]``, ``dict[bytes, bytes]``, ``Literal["OK"]``. ``None`` means null;
the type NoReply, that the command answers nothing.
"""

from types import UnionType
from typing import Literal, Union, get_args, get_origin

from .errors import CommandError, Deferred, NoReply, NullArray, Verbatim

WORDS = {
    str: "simple string", bytes: "bulk string", int: "integer", float: "double", bool: "boolean",
    type(None): "null", NullArray: "null", list: "array", dict: "map", set: "set", Verbatim: "text",
    NoReply: "nothing", Deferred: "later",
}


def choices(kind):
    """The members of a union, or the type alone."""
    if get_origin(kind) in (Union, UnionType):
        return get_args(kind)
    return (type(None),) if kind is None else (kind,)


def matches(value, kind):
    """Whether a reply is what its row declared. Errors and later replies always are."""
    if isinstance(value, (CommandError, Deferred)):
        return True
    return any(matches_one(value, one) for one in choices(kind))


def matches_one(value, kind):
    origin, inner = get_origin(kind) or kind, get_args(kind)
    if origin is Literal:
        return value in inner and isinstance(value, str)
    if type(value) is not origin:
        return False
    if origin is list and inner:
        return all(matches(item, inner[0]) for item in value)
    if origin is dict and inner:
        return all(matches(k, inner[0]) and matches(v, inner[1]) for k, v in value.items())
    return True


def describe(kind):
    """The same in words, for the documentation."""
    return " or ".join(describe_one(one) for one in choices(kind))


def describe_one(kind):
    origin, inner = get_origin(kind) or kind, get_args(kind)
    if origin is Literal:
        return " or ".join(f"`{word}`" for word in inner)
    if origin is list and inner:
        return f"array of {describe(inner[0])}"
    return WORDS[origin]
