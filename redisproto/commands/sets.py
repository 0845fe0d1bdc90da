"""Sets of bytes."""

from ..access import database, fetch
from ..collection import SetValue, record
from ..command import Family
from ..grammar import key, many, string

rows = Family("set")

EACH = "O(N) where N is the number of members given"


def members_of(session, request):
    """What is in the set of a key; nothing if it is not there."""
    value = fetch(session, request.key, SetValue)
    return {} if value is None else value.items


@rows.command("sadd", key(), many(string("member")), flags="write denyoom fast", reply=int,
              complexity=EACH, summary="Add members to a set, count those that are new")
def sadd(session, request):
    value = fetch(session, request.key, SetValue) or SetValue()
    new = [member for member in dict.fromkeys(request.members) if member not in value.items]
    if new:
        record(database(session), request.key, value, SetValue.ADD, new)
    return len(new)


@rows.command("srem", key(), many(string("member")), flags="write fast", reply=int,
              complexity=EACH, summary="Remove members of a set, count those that were there")
def srem(session, request):
    value = fetch(session, request.key, SetValue)
    found = [one for one in dict.fromkeys(request.members) if value and one in value.items]
    if found:
        record(database(session), request.key, value, SetValue.REMOVE, found)
    return len(found)


@rows.command("smembers", key(), flags="readonly", reply=set,
              complexity="O(N) where N is the number of members", summary="Get all members")
def smembers(session, request):
    return set(members_of(session, request))


@rows.command("scard", key(), flags="readonly fast", reply=int, summary="Count the members")
def scard(session, request):
    return len(members_of(session, request))


@rows.command("sismember", key(), string("member"), flags="readonly fast", reply=int,
              summary="Whether a member is in the set")
def sismember(session, request):
    return int(request.member in members_of(session, request))
