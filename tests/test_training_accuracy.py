"""Accuracy on tasks of the original's examples; ``python -m bench accuracy`` has the whole table.

The limits are the goals of the project, over a few seeds: the median and the worst run.
"""

import importlib
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from respnet.engine.spec import ModelSpec
from respnet.engine.training import TrainOptions

ROOT = Path(__file__).resolve().parents[1]
SEEDS = range(300, 309)
GOALS = [  # task, median, worst
    ("iris", 4.0, 15.0),
    ("iris_upstream", 4.0, 15.0),
    ("iris_deep", 6.0, 15.0),
    ("titanic", 16.6, 19.0),
    ("addition", 0.3, 0.5),
    ("subtraction", 0.3, 0.5),
]


@pytest.fixture
def bench(monkeypatch):
    """Loads a module of the benchmarks, which are not installed."""
    monkeypatch.syspath_prepend(str(ROOT))
    return lambda name: importlib.import_module(f"bench.{name}")


@pytest.mark.parametrize("name,goal,worst", GOALS)
def test_goals_are_met_with_autostop(bench, name, goal, worst):
    tasks, accuracy = bench("tasks"), bench("accuracy")
    if name in tasks.NEEDS_DATA and not tasks.DATA.is_dir():
        pytest.skip("the data beside the repository is not there")
    errors, reasons = [], set()
    for seed in SEEDS:
        task = tasks.TASKS[name](np.random.default_rng(seed))
        spec = ModelSpec.dense(task.units, role=task.role, scaling=True, seed=seed)
        error, result = accuracy.trained(task, spec, TrainOptions(autostop=True, max_seconds=60))
        errors.append(error)
        reasons.add(result.reason)
    assert median(errors) <= goal and max(errors) <= worst
    assert reasons <= {"plateau", "overfitting", "learned"}


def test_the_split_of_the_titanic_rows_is_the_servers(bench):
    tasks, accuracy = bench("tasks"), bench("accuracy")
    if not tasks.DATA.is_dir():
        pytest.skip("the data beside the repository is not there")
    task = tasks.titanic(np.random.default_rng(0))
    data = accuracy.split(task)
    assert (len(data.train), len(data.test), len(task.held_out[0])) == (401, 200, 290)
    assert task.observed[0][0].tolist() == [0, 0, 1, 1, 0, 22, 1, 0, 7.25]
    assert task.observed[1][:5].tolist() == [0, 1, 1, 1, 0]


def test_circles_need_their_time(bench):
    tasks, accuracy = bench("tasks"), bench("accuracy")
    task = tasks.circles(np.random.default_rng(7))
    spec = ModelSpec.dense(task.units, role=task.role, scaling=True, seed=7)
    error, result = accuracy.trained(task, spec, TrainOptions(autostop=True, max_seconds=60))
    assert error < 10 and result.progress.epoch > 1000
