"""pytest-benchmark of the calls users make most; skipped unless ``--benchmark-only`` is given.

``python -m bench`` compares with peers; this compares respnet with itself between two commits:
``pytest tests/benchmarks --benchmark-only --benchmark-compare``.
"""

import numpy as np
import pytest

from respnet.engine import Model, ModelSpec

SIZES = [(9, 15, 2), (64, 100, 10), (784, 100, 10)]


def rows(count, width):
    return np.random.default_rng(2).standard_normal((count, width)).astype(np.float32)


@pytest.mark.parametrize("count", [1, 256])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_predict(benchmark, sizes, count):
    model = Model(ModelSpec.dense(sizes, role="classifier"))
    y = benchmark(model.predict, rows(count, sizes[0]))
    assert y.shape == (count, sizes[-1])


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_rprop_epoch(benchmark, sizes):
    model = Model(ModelSpec.dense(sizes, role="regressor"))
    trainer = model.trainer("rprop")
    trainer.bind(rows(600, sizes[0]), rows(600, sizes[-1]))
    assert benchmark(trainer.epoch) >= 0
