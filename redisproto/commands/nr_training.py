"""Trainings: NR.TRAIN, NR.STOP, NR.PROGRESS, NR.THREADS."""

from typing import Literal

from ..command import Family
from ..errors import CommandError, Deferred
from ..grammar import flag, integer, key, option, options
from ..jobs import Limits, jobs_of
from ..nr_access import network

rows = Family("nr", since="1.0.0")

STARTED = "Training has started"
IN_PROGRESS = "ERR neural network training already in progress"
CYCLES = "ERR invalid number of cycles"
MILLISECONDS = "ERR invalid number of milliseconds of time"
NO_TEST_ROWS = ("ERR Can't start training with AUTOSTOP option: overfitting detection requires a "
                "non zero length testing dataset")
NO_ROWS = "ERR Can't start training: the training dataset is empty"
NOT_TRAINING = "ERR no training in progress for this neural network"
LARGEST = 2**31 - 1


@rows.command("nr.train", key(),
              options(option("MAXCYCLES", integer("cycles", 0, LARGEST, error=CYCLES)),
                      option("MAXTIME", integer("milliseconds", 0, error=MILLISECONDS)),
                      flag("AUTOSTOP"), flag("BACKTRACK")),
              flags="write", reply=Literal["Training has started"],
              error="ERR Syntax error in NR.TRAIN",
              summary="Train a network in the background on the rows it has observed")
def train(session, request):
    net = network(session, request.key)
    if net.training:
        raise CommandError(IN_PROGRESS)
    if request.autostop and not len(net.data.test):
        raise CommandError(NO_TEST_ROWS)
    if not len(net.data.train):
        raise CommandError(NO_ROWS)
    time = Limits.max_time if request.milliseconds is None else request.milliseconds
    net.place = (session.db, request.key)
    limits = Limits(request.cycles or 0, time, request.autostop, request.backtrack)
    jobs_of(session.server).start(net, limits)
    return STARTED


@rows.command("nr.stop", key(), flags="write no_multi", reply=Literal["OK"],
              summary="End a training and keep its result so far; replies when that is in place")
def stop(session, request):
    job = network(session, request.key).job
    if job is None:
        raise CommandError(NOT_TRAINING)
    job.stop()
    deferred = Deferred()
    job.waiting.append(deferred)
    return deferred


@rows.command("nr.progress", key(), flags="readonly", reply=dict,
              summary="How the present or last training goes: errors, metric, a curve")
def progress(session, request):
    net = network(session, request.key)
    job = net.last
    now = job and job.progress
    points = list(job.curve.points) if job else []
    unit = job.error_unit if job else 1.0
    state = "saving" if net.training else "idle"
    return {
        "state": "training" if net.job else state,
        "reason": job and job.reason,
        "cycle": now.epoch if now else 0,
        "max-cycles": job.limits.max_cycles if job else 0,
        "steps": now.steps if now else 0,
        "seconds": now.seconds if now else 0.0,
        "max-seconds": job.limits.max_time / 1000 if job else 0.0,
        "error": now and now.loss * unit,
        "test-error": now and scaled(now.test_loss, unit),
        "metric": now and now.metric,
        "best-cycle": now.best_epoch if now else 0,
        "overfitting": bool(now and now.overfitting),
        "curve": [point.loss * unit for point in points],
        "points": [[point.epoch, point.loss * unit, scaled(point.test_loss, unit), point.metric,
                    point.seconds] for point in points],
    }


def scaled(loss, unit):
    return None if loss is None else loss * unit


@rows.command("nr.threads", reply=list[bytes],
              summary="One line for each network that is being trained")
def threads(session, request):
    return [line(job) for job in jobs_of(session.server).live()]


def line(job):
    """As the original writes it; a key that is not ASCII comes as it is."""
    now, unit, limits = job.progress, job.error_unit, job.limits
    loss = now.loss * unit if now else 0.0
    test = (now.test_loss or 0.0) * unit if now else 0.0
    wrong = 100 * (now.metric or 0.0) if now and job.model.spec.role == "classifier" else 0.0
    db, key = job.value.place
    head = b"nn_id=%d cycle=%d key=" % (job.network_id, now.epoch if now else 0)
    tail = (f" db={db} maxtime={limits.max_time} maxcycles={limits.max_cycles} "
            f"trainerr={loss:f} testerr={test:f} classerr={wrong:f}")
    return head + key + tail.encode()
