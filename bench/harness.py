"""Measures sides of a contest against each other, interleaved in one process.

A *side* does a piece of work its own way; a *contest* holds the sides that do the same work; a
*workload* is a module with ``TITLE`` and ``contests(quick)``, a generator of contests. The speed
of a shared machine drifts by tens of percent within minutes, so nothing is compared across time:
every round takes one sample of every side, and a ratio is made within one round.

Names of metrics end in their unit: ``cpu_us``, ``wall_us``, ``requests_per_s``, ``gflops``.
"""

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import repeat
from typing import Protocol

HIGHER_IS_BETTER = {"requests_per_s", "gflops"}


class Disagreement(Exception):
    """The sides of a contest do not compute the same thing; their times mean nothing."""


class Skipped(Exception):
    """A side that cannot take part here; the message says why."""


class Side(Protocol):
    """One way to do the work of a contest."""

    def warm_up(self, seconds: float) -> None:
        """Get ready for samples of about ``seconds`` each; not measured."""

    def sample(self) -> dict[str, float]:
        """Do the work once and return its metrics."""


@dataclass(frozen=True)
class Bar:
    """A limit a contest must meet, with ``at_least`` or ``at_most``.

    With ``against``, ``at_least`` is how many times better ``side`` is than that peer, and
    ``at_most`` is ``side`` minus that peer; alone, both are values of the metric. The median
    over the rounds counts, or with ``worst`` the worst round.
    """

    at_least: float | None = None
    at_most: float | None = None
    against: str | None = None
    metric: str = "cpu_us"
    side: str = "respnet"
    worst: bool = False

    def __post_init__(self):
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"a bar has one limit, at_least or at_most; got {self}")


@dataclass(frozen=True)
class Contest:
    """Sides that do the same work. ``verify`` raises Disagreement or says what it compared.

    The ratios shown are of ``respnet`` to each peer, or of each side to the ``baseline``.
    """

    name: str
    sides: dict[str, Side]
    verify: Callable[[], str]
    bars: tuple[Bar, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)
    metric: str = "cpu_us"
    baseline: str | None = None


def _loop0(call, count):
    for _ in repeat(None, count):
        call()


def _loop1(call, count, x):
    for _ in repeat(None, count):
        call(x)


def _loop2(call, count, x, y):
    for _ in repeat(None, count):
        call(x, y)


class Timed:
    """A side that is a function called from Python; an empty loop costs some 10 ns a call.

    ``work`` divides the figures (batches in one call), ``prepare`` runs before each sample,
    outside the clock; ``answer`` is what ``verify`` compares, by default the value of the call;
    a sample has at most ``most`` calls. Processor time is that of the calling thread alone.
    """

    def __init__(self, call, *arguments, work=1, prepare=None, answer=None, most=1 << 30):
        self.call, self.arguments, self.prepare = call, arguments, prepare
        self.work, self.most = work, most
        self.answer = answer or (lambda: call(*arguments))
        self.loop = (_loop0, _loop1, _loop2)[len(arguments)]
        self.count = 1

    def warm_up(self, seconds):
        """Double the calls of a sample until it takes ``seconds`` of processor time."""
        while (taken := self._run()[0]) < seconds * 5e8 and self.count < self.most:
            self.count *= 2
        self.count = min(self.most, max(1, round(self.count * seconds * 1e9 / taken)))

    def sample(self):
        cpu, wall = self._run()
        calls = 1e3 * self.count * self.work
        return {"cpu_us": cpu / calls, "wall_us": wall / calls}

    def _run(self):
        if self.prepare is not None:
            self.prepare()
        gc.disable()
        try:
            wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
            self.loop(self.call, self.count, *self.arguments)
            return time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
        finally:
            gc.enable()


def measure(contest: Contest, rounds: int, seconds: float) -> dict[str, list[dict[str, float]]]:
    """Side -> its sample of each round. The order of the sides turns by one each round."""
    for side in contest.sides.values():
        side.warm_up(seconds)
    samples = {name: [] for name in contest.sides}
    gc.collect()
    for name in interleaved(list(contest.sides), rounds):
        samples[name].append(contest.sides[name].sample())
    return samples


def interleaved(names: list[str], rounds: int) -> Iterator[str]:
    for i in range(rounds):
        shift = i % len(names)
        yield from names[shift:] + names[:shift]


def agree(name: str, got, expected, tolerance: float) -> float:
    """Largest difference of ``got`` from ``expected`` (the same shape), relative to the largest
    expected magnitude; more than ``tolerance`` raises Disagreement."""
    if got.shape != expected.shape:
        raise Disagreement(f"{name}: got shape {got.shape}, wanted {expected.shape}")
    error = float(abs(got - expected).max() / abs(expected).max())
    if not error <= tolerance:
        raise Disagreement(f"{name}: off by {error:.2g} of the largest value, wanted {tolerance}")
    return error
