"""Trainers: bits repeat, levels agree, training resumes, cancels, and really learns."""

import threading
import time

import numpy as np
import pytest

from respnet.engine import Model, ModelSpec
from respnet.engine.errors import ShapeError, SpecError
from respnet.engine.kernels import levels

WIDE, NARROW = (40, 70, 3), (9, 15, 3)


def problem(units, rows=500, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, units[0]))
    return x, (x @ rng.normal(size=(units[0], units[-1]))).argmax(axis=1)


def trained(
    units, device="cpu", threads=1, optimizer="rprop", epochs=20, dtype="float32", **options
):
    model = Model(ModelSpec.dense(units, role="classifier", seed=4, dtype=dtype), device=device)
    trainer = model.trainer(optimizer, threads=threads, **options)
    trainer.bind(*problem(units))
    losses = [trainer.epoch() for _ in range(epochs)]
    return trainer, losses


@pytest.mark.parametrize("units", [WIDE, NARROW])
@pytest.mark.parametrize("optimizer,batch", [("rprop", None), ("adam", 32), ("sgd", 50)])
@pytest.mark.parametrize("threads", [1, 2])
def test_same_seed_same_bits(units, optimizer, batch, threads):
    runs = [
        trained(units, optimizer=optimizer, batch_size=batch, threads=threads)[0].vector
        for _ in range(3)
    ]
    assert np.array_equal(runs[0], runs[1]) and np.array_equal(runs[0], runs[2])
    assert np.isfinite(runs[0]).all()


@pytest.mark.skipif("avx512" not in levels.available(), reason="this processor has no AVX-512")
@pytest.mark.parametrize("units", [WIDE, NARROW, (60, 150, 5)])
@pytest.mark.parametrize("optimizer,batch", [("rprop", None), ("adam", 32)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_avx2_and_avx512_give_the_same_bits(units, optimizer, batch, dtype):
    ends = [
        trained(units, f"cpu:{level}", 1, optimizer, 8, dtype, batch_size=batch)
        for level in ("avx2", "avx512")
    ]
    assert np.array_equal(ends[0][0].vector, ends[1][0].vector)
    assert ends[0][1] == ends[1][1]


@pytest.mark.parametrize("level", levels.available())
@pytest.mark.parametrize("units", [WIDE, NARROW])
def test_it_learns(level, units):
    trainer, losses = trained(units, f"cpu:{level}", epochs=150)
    loss, error = trainer.evaluate()
    assert losses[0] > 0.8 and loss < 0.05 and error < 0.02


@pytest.mark.parametrize("optimizer,batch", [("rprop", None), ("adam", 64), ("rmsprop", 64)])
def test_a_snapshot_resumes_to_the_same_bits(optimizer, batch):
    trainer, _ = trained(NARROW, optimizer=optimizer, batch_size=batch, epochs=5)
    if batch:
        trainer._rng = np.random.default_rng(1)
    saved = trainer.snapshot()
    trainer.epochs(4)
    end = trainer.vector.copy()
    trainer.restore(saved)
    if batch:
        trainer._rng = np.random.default_rng(1)
    trainer.epochs(4)
    assert np.array_equal(trainer.vector, end)


def test_training_leaves_the_model_alone():
    trainer, _ = trained(NARROW)
    assert not np.array_equal(trainer.model.weights.vector, trainer.vector)
    with pytest.raises(ValueError, match="read-only"):
        trainer.model.weights.vector[0] = 1


def test_a_batch_of_all_rows_is_a_full_batch_step():
    ends = []
    for batch in (None, 500):
        model = Model(ModelSpec.dense(WIDE, role="classifier", seed=4, dtype="float64"))
        trainer = model.trainer("sgd", batch_size=batch)
        trainer.bind(*problem(WIDE))
        trainer.epoch()
        ends.append(trainer.vector)
    assert np.allclose(ends[0], ends[1], atol=1e-13)


def test_cancel_ends_a_running_call():
    model = Model(ModelSpec.dense((50, 200, 3), role="classifier"))
    trainer = model.trainer("rprop")
    trainer.bind(*problem((50, 200, 3), 2000))
    thread = threading.Thread(target=trainer.epochs, args=(10**9,))
    thread.start()
    time.sleep(0.05)
    trainer.cancel()
    thread.join(30)
    assert not thread.is_alive()


def test_predictions_and_trainings_from_many_threads_agree():
    """Shared programs, one pool, frames of their own."""
    model = Model(ModelSpec.dense(WIDE, role="classifier", seed=4), threads=2)
    x = np.random.default_rng(0).normal(size=(3000, 40)).astype(np.float32)
    want, end = model.predict(x), trained(WIDE, threads=2)[0].vector
    wrong = []

    def predict():
        wrong.extend(1 for _ in range(30) if not np.array_equal(model.predict(x), want))

    def train():
        wrong.extend(
            1 for _ in range(3) if not np.array_equal(trained(WIDE, threads=2)[0].vector, end)
        )

    jobs = [threading.Thread(target=f) for f in (predict, predict, train, train)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert wrong == []


def test_bad_input_says_what_it_wanted():
    model = Model(ModelSpec.dense(NARROW, role="classifier"))
    with pytest.raises(ShapeError, match=r"rows of 9 numbers, shape \(B, 9\); got shape \(3, 8\)"):
        model.predict(np.zeros((3, 8)))
    with pytest.raises(ShapeError, match="as many rows"):
        model.trainer("rprop").bind(np.zeros((3, 9)), np.zeros(4))
    with pytest.raises(ShapeError, match=r"array 0 must be contiguous float32 of shape \(3, 9\)"):
        model.trainer("rprop").bind(np.zeros((3, 7)), np.zeros(3))
    with pytest.raises(SpecError, match="optimizer must be one of"):
        model.trainer("lion")
    with pytest.raises(SpecError, match="has no constant 'rate'"):
        model.trainer("adam", {"rate": 1})
    with pytest.raises(ShapeError, match="bind rows"):
        model.trainer("adam").epoch()
