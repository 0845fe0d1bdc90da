"""Accuracy on the tasks of the original's examples, trained with AUTOSTOP from other seeds.

A round is one whole training of every side: the seed draws the split into observed and held-out
rows, and the first weights. 30 rounds are what the bars are meant for: ``--rounds 30``. Errors are
those of `tasks`: percent of held-out rows, or mean absolute error in the user's units.
"""

import time

import numpy as np

from respnet.engine.dataset import DataSplit
from respnet.engine.model import Model
from respnet.engine.original import original_spec
from respnet.engine.spec import ModelSpec
from respnet.engine.training import TrainOptions, run

from . import tasks
from .harness import Bar, Contest

TITLE = "Accuracy on held-out rows, trained with AUTOSTOP"
FIRST_SEED = 20_000
# task -> most of the median error: goals, or what the original reached where it was better
MEDIAN = {
    "iris": 4.0,
    "iris_5": 4.0,
    "iris_deep": 4.0,
    "iris_upstream": 4.0,
    "titanic": 16.5,
    "titanic_shuffled": 20.2,
    "circles": 5.0,
    "addition": 0.3,
    "subtraction": 0.3,
    "hello": 0.57,
    "sentiment": 23.5,
}
WORST = {"iris": 15.0, "iris_5": 15.0, "iris_deep": 15.0, "iris_upstream": 15.0}
LONGEST = 9_000  # milliseconds: no training may last to MAXTIME's default of ten seconds


def split(task) -> DataSplit:
    """The observed rows as the server sorts them into training and test set."""
    inputs, targets = task.observed
    targets = targets.reshape(len(inputs), -1)
    data = DataSplit(inputs.shape[1], targets.shape[1], task.train_maxlen, task.test_maxlen, seed=0)
    for row in np.concatenate([inputs, targets], axis=1):
        data.observe(row)
    return data


def trained(task, spec, options):
    """(error on the held-out rows, result) of one training."""
    model, data = Model(spec), split(task)
    result = run(model, data.train.snapshot(), data.test.snapshot(), options)
    model.swap(result.weights)
    return task.error(model.predict(task.held_out[0])), result


class Training:
    """One side on one task: a sample is a training from the next seed."""

    def __init__(self, name, make_spec, **options):
        self.make_task, self.make_spec, self.seed = tasks.TASKS[name], make_spec, FIRST_SEED
        self.options = TrainOptions(autostop=True, **options)

    def warm_up(self, seconds):
        pass

    def sample(self):
        task = self.make_task(np.random.default_rng(self.seed))
        spec = self.make_spec(task.units, role=task.role, scaling=True, seed=self.seed)
        self.seed += 1
        began = time.perf_counter()
        error, result = trained(task, spec, self.options)
        wall_ms = 1e3 * (time.perf_counter() - began)
        return {"error": error, "epochs": result.progress.epoch, "wall_ms": wall_ms}


def contest(name):
    sides = {"respnet": Training(name, ModelSpec.dense)}
    if name != "sentiment":  # its inputs are not meant for NORMALIZE, and it takes minutes
        sides["original"] = Training(name, original_spec, exact_original=True, max_epochs=5_000)
    bars = [Bar(at_most=MEDIAN[name], metric="error")]
    bars.append(Bar(at_most=LONGEST, metric="wall_ms", worst=True))
    if name in WORST:
        bars.append(Bar(at_most=WORST[name], metric="error", worst=True))
    return Contest(name, sides, lambda: "held-out rows are never shown", tuple(bars), {}, "wall_ms")


def contests(quick):
    wanted = ["iris", "addition"] if quick else list(tasks.TASKS)
    for name in wanted:
        if name not in tasks.NEEDS_DATA or tasks.DATA.is_dir():
            yield contest(name)
