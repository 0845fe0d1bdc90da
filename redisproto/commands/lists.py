"""Lists of bytes."""

from itertools import islice
from typing import Literal

from ..access import INT64_MAX, OK, database, fetch
from ..collection import ListValue, record
from ..command import Family
from ..errors import NULL_ARRAY, NullArray
from ..grammar import integer, key, many, optional, string
from ..numbers import parse_integer
from ..words import Word

rows = Family("list")
POPPED = bytes | list[bytes] | None | NullArray

EACH = "O(N) where N is the number of elements given"
POSITIVE = "ERR value is out of range, must be positive"


def push(session, request, effect):
    value = fetch(session, request.key, ListValue) or ListValue()
    length = len(value) + len(request.elements)
    record(database(session), request.key, value, effect, request.elements)
    return length


@rows.command("rpush", key(), many(string("element")), flags="write denyoom fast", reply=int,
              complexity=EACH, summary="Append elements to a list")
def rpush(session, request):
    return push(session, request, ListValue.APPEND)


@rows.command("lpush", key(), many(string("element")), flags="write denyoom fast", reply=int,
              complexity=EACH, summary="Put elements before a list, one after the other")
def lpush(session, request):
    return push(session, request, ListValue.PREPEND)


@rows.command("llen", key(), flags="readonly fast", reply=int, summary="Count the elements")
def llen(session, request):
    return len(fetch(session, request.key, ListValue) or ())


@rows.command("lindex", key(), Word("index", "integer"), flags="readonly", reply=bytes | None,
              complexity="O(N) where N is the distance from the nearer end",
              summary="Get an element by its place; negative places count from the end")
def lindex(session, request):
    value = fetch(session, request.key, ListValue)
    if value is None:
        return None
    index = parse_integer(request.index)
    return value.items[index] if -len(value) <= index < len(value) else None


def span(value, request):
    """(first, last) of the places asked for, both from 0; last < first for none."""
    start, stop = (n + len(value) if n < 0 else n for n in (request.start, request.stop))
    return max(0, start), min(stop, len(value) - 1)


@rows.command("lrange", key(), integer("start"), integer("stop"), flags="readonly",
              complexity="O(N) where N is the number of the last element asked for",
              reply=list[bytes], summary="Get a range of elements, both ends included")
def lrange(session, request):
    value = fetch(session, request.key, ListValue)
    if value is None:
        return []
    first, last = span(value, request)
    return value.slice(first, last) if first <= last else []


@rows.command("ltrim", key(), integer("start"), integer("stop"), flags="write",
              complexity="O(N) where N is the number of elements removed", reply=Literal["OK"],
              summary="Keep a range of elements only, both ends included")
def ltrim(session, request):
    value = fetch(session, request.key, ListValue)
    if value is not None:
        first, last = span(value, request)
        after = len(value) - 1 - last
        if first > last:
            first, after = len(value), 0
        for effect, count in ((ListValue.DROP_FIRST, first), (ListValue.DROP_LAST, after)):
            if count:
                record(database(session), request.key, value, effect, [b"%d" % count])
    return OK


COUNT = optional(integer("count", least=0, most=INT64_MAX, error=POSITIVE))


def pop(session, request, effect):
    """One element or null; with a count an array, of at most so many."""
    value, count = fetch(session, request.key, ListValue), request.count
    if value is None:
        return None if count is None else NULL_ARRAY
    taken = min(len(value), 1 if count is None else count)
    order = value.items if effect == ListValue.DROP_FIRST else reversed(value.items)
    found = list(islice(order, taken))
    if taken:
        record(database(session), request.key, value, effect, [b"%d" % taken])
    return found[0] if count is None else found


@rows.command("lpop", key(), COUNT, flags="write fast", reply=POPPED,
              error="ERR wrong number of arguments for 'lpop' command",
              complexity="O(N) where N is the number of elements returned",
              summary="Remove and return the first elements of a list")
def lpop(session, request):
    return pop(session, request, ListValue.DROP_FIRST)


@rows.command("rpop", key(), COUNT, flags="write fast", reply=POPPED,
              error="ERR wrong number of arguments for 'rpop' command",
              complexity="O(N) where N is the number of elements returned",
              summary="Remove and return the last elements of a list")
def rpop(session, request):
    return pop(session, request, ListValue.DROP_LAST)
