"""How a run ends: what its work gave, an error, or that it was too late; and handing that over."""

import logging
import time

from .ai_backends import refusal

log = logging.getLogger("respnet.ai")


class TimedOut:
    """Type of ``TIMED_OUT``: what ``done`` is given for a run that waited too long."""

    def __repr__(self):
        return "TIMED_OUT"


TIMED_OUT = TimedOut()


def perform(runs):
    """In a worker -> (a result of each run, or CommandError; seconds)."""
    start = time.perf_counter()
    try:
        results = [runs[0].work()] if len(runs) == 1 else runs[0].join(runs)
    except Exception as error:
        results = [refusal(error)] * len(runs)
    return results, time.perf_counter() - start


def settle(run, result, seconds):
    """Hand a result over; one that cannot be taken must not stop those behind it."""
    try:
        run.done(result, seconds)
    except Exception:
        log.exception("the result of a run was lost")
