"""Watching the server at work: SLOWLOG, MONITOR, LATENCY."""

from typing import Literal

from ..access import OK
from ..command import Family
from ..grammar import integer, optional, rest, string

rows = Family("server")
CONTAINER = {"categories": "", "complexity": "Depends on subcommand."}
FLAGS = "admin loading stale"
BAD_COUNT = "ERR count should be greater than or equal to -1"

slowlog = rows.container("slowlog", since="2.2.12", summary="A container for slow log commands",
                         **CONTAINER)


@slowlog.command("get", optional(integer("count", least=-1, error=BAD_COUNT)), flags=FLAGS,
                 reply=list[list], complexity="O(N) where N is the number of entries returned",
                 summary="Get the entries of the slow log; -1 means all")
def get(session, request):
    count = 10 if request.count is None else request.count
    entries = list(session.server.stats.slow)
    return [[one.id, one.time, one.usec, one.argv, one.addr.encode(), one.name]
            for one in (entries if count == -1 else entries[:count])]


@slowlog.command("len", flags=FLAGS, reply=int, summary="Count the entries of the slow log")
def length(session, request):
    return len(session.server.stats.slow)


@slowlog.command("reset", flags=FLAGS, reply=Literal["OK"],
                 complexity="O(N) where N is the number of entries",
                 summary="Empty the slow log")
def reset(session, request):
    session.server.stats.slow.clear()
    return OK


@rows.command("monitor", flags="admin noscript loading stale", reply=Literal["OK"],
              summary="Listen to all requests as they are run")
def monitor(session, request):
    session.monitor = True
    return OK


latency = rows.container("latency", since="2.8.13", categories="",
                         complexity="Depends on subcommand.",
                         summary="A container for latency commands; nothing is recorded")
LATENCY = f"noscript {FLAGS}"


@latency.command("latest", flags=LATENCY, reply=list,
                 summary="The latest latency spikes; none are recorded")
def latest(session, request):
    return []


@latency.command("history", string("event"), flags=LATENCY, reply=list,
                 summary="The latency spikes of an event; none are recorded")
def history(session, request):
    return []


@latency.command("reset", rest("event"), flags=LATENCY, reply=int,
                 summary="Forget recorded spikes; answers how many events there were")
def latency_reset(session, request):
    return 0
