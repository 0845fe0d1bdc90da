"""Keys that expire: EXPIRE and TTL in their four units, PERSIST."""

from ..access import database
from ..command import Family
from ..deadlines import MILLISECONDS, SECONDS, unix_ms
from ..errors import CommandError
from ..grammar import flag, key, options
from ..words import Word

rows = Family("generic")

NX_WITH_OTHERS = "ERR NX and XX, GT or LT options at the same time are not compatible"
GT_WITH_LT = "ERR GT and LT options at the same time are not compatible"
NO_KEY, NO_EXPIRY = -2, -1


def expire_row(name, word, unit, absolute, since):
    """EXPIRE and its sisters differ in the unit and in where time starts."""

    def handler(session, request):
        return expire(session, request, request.argv[2], unit, absolute, name)

    rest = "at a Unix time" if absolute else "after a time"
    rows.command(
        name, key(), Word(word, "unix-time" if absolute else "integer"),
        options(flag("NX"), flag("XX"), flag("GT"), flag("LT")),
        flags="write fast", since=since, reply=int, error="ERR Unsupported option {word}",
        summary=f"Let a key expire {rest}, in {'milli' * (unit == 1)}seconds",
    )(handler)


expire_row("expire", "seconds", SECONDS, False, "1.0.0")
expire_row("pexpire", "milliseconds", MILLISECONDS, False, "2.6.0")
expire_row("expireat", "unix-time-seconds", SECONDS, True, "1.2.0")
expire_row("pexpireat", "unix-time-milliseconds", MILLISECONDS, True, "2.6.0")


def expire(session, request, word, unit, absolute, command):
    if request.nx and (request.xx or request.gt or request.lt):
        raise CommandError(NX_WITH_OTHERS)
    if request.gt and request.lt:
        raise CommandError(GT_WITH_LT)
    db = database(session)
    at_ms = unix_ms(word, unit, 0 if absolute else db.space.now(), command)
    entry = db.entry(request.key)
    if entry is None or not allowed(request, entry.expire_ms, at_ms):
        return 0
    db.expire(request.key, at_ms)
    return 1


def allowed(request, present, wanted):
    """NX, XX, GT, LT; a key without expiry counts as one that expires at the end of time."""
    if request.nx and present is not None:
        return False
    if request.xx and present is None:
        return False
    if request.gt and (present is None or wanted <= present):
        return False
    return not (request.lt and present is not None and wanted >= present)


def ttl_row(name, unit, absolute, since, summary):
    def handler(session, request):
        db = database(session)
        entry = db.entry(request.key)
        if entry is None:
            return NO_KEY
        if entry.expire_ms is None:
            return NO_EXPIRY
        left = entry.expire_ms - (0 if absolute else db.space.now())
        return (max(0, left) + unit // 2) // unit

    rows.command(name, key(), flags="readonly fast", since=since, reply=int,
                 summary=summary)(handler)


ttl_row("ttl", SECONDS, False, "1.0.0", "Get the time to live of a key, in seconds")
ttl_row("pttl", MILLISECONDS, False, "2.6.0", "Get the time to live of a key, in milliseconds")
ttl_row("expiretime", SECONDS, True, "7.0.0", "Get the Unix time a key expires at, in seconds")
ttl_row("pexpiretime", MILLISECONDS, True, "7.0.0",
        "Get the Unix time a key expires at, in milliseconds")


@rows.command("persist", key(), flags="write fast", since="2.2.0", reply=int,
              summary="Remove the expiration of a key")
def persist(session, request):
    db = database(session)
    entry = db.entry(request.key)
    if entry is None or entry.expire_ms is None:
        return 0
    db.expire(request.key, None)
    return 1
