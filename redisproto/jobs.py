"""Trainings: each in a thread of its own, which runs without the GIL for nearly all of its time.

A job works on copies: the weights of the moment and a snapshot of the rows. Its result goes back
to the loop, which puts it into the network if that still waits for this very job; DEL, RESET,
FLUSHALL and the like have taken the job away from the network before.
"""

import logging
import os
import threading
from dataclasses import dataclass
from itertools import count

import numpy as np

from respnet.engine.losses import loss_named
from respnet.engine.model import Model
from respnet.engine.training import Training

from .errors import CommandError

log = logging.getLogger("respnet.jobs")

TOO_MANY = "ERR Can't train the neural network: too many NNs already training"
POINTS = 200  # of a curve; beyond, every second one is dropped
CLASS_METRICS = ("class_error", "sparse_class_error")


@dataclass(frozen=True)
class Limits:
    """What one NR.TRAIN asked for; 0 is without limit."""

    max_cycles: int = 0
    max_time: int = 10_000  # milliseconds
    autostop: bool = False
    backtrack: bool = False

    def for_engine(self, threads):
        return {"max_epochs": self.max_cycles, "max_seconds": self.max_time / 1000,
                "autostop": self.autostop, "backtrack": self.backtrack, "threads": threads}


@dataclass(frozen=True)
class Outcome:
    """What a training leaves; errors in the unit of NR.INFO."""

    weights: object
    snapshot: object
    progress: object
    error: float | None
    test_error: float | None
    class_errors: float | None


class Curve:
    """At most POINTS reports, evenly spaced over the training so far."""

    def __init__(self):
        self.points, self.stride, self.seen = [], 1, 0

    def add(self, progress):
        if self.seen % self.stride == 0:
            self.points.append(progress)
        self.seen += 1
        if len(self.points) > POINTS:
            self.points = self.points[::2]
            self.stride *= 2


class Job:
    """One training. ``progress``, ``curve``, ``reason`` may be read from the loop at any time."""

    def __init__(self, number, value, limits, threads):
        self.number, self.value, self.limits = number, value, limits
        self.network_id = value.id
        self.model, self.resume = value.model, value.resume
        self.rows = value.data.train.snapshot()
        self.test_rows = value.data.test.snapshot() if len(value.data.test) else None
        self.options = value.options.train_options(**limits.for_engine(threads))
        self.progress, self.curve, self.reason = None, Curve(), None
        self.training = None  # once the thread has begun
        self.cancelled = self.stopping = False
        self.waiting = []  # Deferred replies of NR.STOP

    @property
    def error_unit(self):
        """Factor from the loss to the error reported: half the sum of squares where it is mse."""
        spec = self.model.spec
        return self.model.layout.shapes[spec.outputs[0]][-1] / 2 if spec.loss == "mse" else 1.0

    def cancel(self):
        """End soon, without a result; from the loop's thread."""
        self.cancelled = True
        if self.training is not None:
            self.training.cancel()

    def stop(self):
        """End soon, with the result so far."""
        self.stopping = True

    # -- in the job's thread

    def work(self):
        """Train -> Outcome, or None if cancelled."""
        self.training = Training(self.model, self.rows, self.test_rows, self.options, self.resume)
        for progress in self.training:
            self._see(progress)
            if self.cancelled or self.stopping:
                break
        return None if self.cancelled else self._outcome(self.training.result())

    def _see(self, progress):
        self.progress = progress
        self.curve.add(progress)

    def _outcome(self, result):
        self.reason = "stopped" if self.stopping else result.reason
        self._see(result.progress)
        unit, test = self.error_unit, result.progress.test_loss
        return Outcome(result.weights, result.snapshot, result.progress,
                       result.progress.loss * unit, None if test is None else test * unit,
                       self._class_errors(result))

    def _class_errors(self, result):
        """The part of the test rows in the wrong class; None without test rows or classes."""
        if self.test_rows is None or self.model.spec.role != "classifier":
            return None
        if loss_named(self.model.spec.loss).metric in CLASS_METRICS:
            return result.progress.metric
        judge = Model(self.model.spec, vector=result.weights.vector)
        chosen = judge.predict_rows(np.ascontiguousarray(self.test_rows.inputs)).argmax(axis=1)
        return float(np.mean(chosen != self.test_rows.targets[:, 0]))


class Jobs:
    """The trainings of a server."""

    def __init__(self, server):
        self.server = server
        self.numbers = count(1)
        self.running = {}  # number -> Job; cancelled ones until their thread has ended
        server.at_stop.append(self.close)

    def live(self):
        return [job for job in list(self.running.values()) if not job.cancelled]

    def start(self, value, limits):
        """Start training ``value``, whose ``place`` is set."""
        slots = self.server.config["training-slots"]
        if len(self.live()) >= slots or len(self.running) >= 2 * slots:
            raise CommandError(TOO_MANY)
        job = Job(next(self.numbers), value, limits, self.threads())
        thread = threading.Thread(target=self.run, args=(job,), daemon=True,
                                  name=f"respnet-train-{job.number}")
        self.running[job.number] = job
        try:
            thread.start()
        except RuntimeError:  # the system gives no more threads
            del self.running[job.number]
            raise CommandError(TOO_MANY) from None
        value.job = value.last = job

    def threads(self):
        """Of one training: as configured, or all cores but the one the loop runs on."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return self.server.config["threads"] or max(1, cores - 1)

    def run(self, job):
        """The thread of a job."""
        outcome = None
        try:
            outcome = job.work()
        except Exception as error:
            log.exception("training %d failed", job.number)
            job.reason = f"failed: {error}" if isinstance(error, ValueError) else "failed"
        if not self.server.loop.is_closed():
            self.server.loop.call_soon_threadsafe(self.finish, job, outcome)

    def finish(self, job, outcome):
        """On the loop: the thread has ended."""
        del self.running[job.number]
        value = job.value
        if value.job is job:
            value.job = None
            if outcome is not None:
                value.adopt(outcome)
                self.save(value)
        for deferred in job.waiting:
            deferred.set("OK")
        job.waiting = []

    def save(self, value):
        db, key = value.place
        self.server.keyspace[db].replace(key, value)
        store = self.server.store
        if store is not None:
            value.await_commit(store)
        self.server.end_of_turn()

    def close(self):
        """The server ends: no result is wanted any more."""
        for job in self.running.values():
            job.cancel()


def jobs_of(server):
    """The trainings of ``server``, made at the first use."""
    if getattr(server, "jobs", None) is None:
        server.jobs = Jobs(server)
    return server.jobs
