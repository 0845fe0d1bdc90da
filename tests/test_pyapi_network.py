"""``respnet.Network``: what a user does with it, in process."""

import threading

import numpy as np
import pytest

from respnet import Network, TrainingError
from respnet.demos import circles, subtraction
from respnet.engine.errors import FileError, ShapeError, SpecError


def rings(rows=900, **settings):
    """A classifier with rows of the circles problem, and 300 rows it has not seen."""
    x, label = circles(rows + 300, seed=2)
    settings = {"train_rows": 600, "test_rows": 300, "seed": 3, **settings}
    net = Network(2, 20, 3, role="classifier", **settings)
    net.observe(x[:rows], label[:rows])
    return net, x[rows:], label[rows:]


def test_a_classifier_learns():
    net, x, label = rings()
    net.train(autostop=True, max_time=20)
    assert (net.classify(x) == label).mean() > 0.95
    assert net.info()["classification-errors-perc"] < 5
    outputs = net.run(x)
    assert outputs.shape == (300, 3) and outputs.dtype == np.float32
    assert outputs.sum(axis=1) == pytest.approx(np.ones(300), abs=1e-5)


def test_a_regressor_learns_targets_below_zero():
    x, y = subtraction(900, seed=1)
    net = Network(2, 10, 1, role="regressor", train_rows=400, test_rows=200, normalize=True, seed=1)
    assert net.observe(x[:600], y[:600]) == (400, 200)
    net.train(autostop=True, max_time=20)
    assert abs(net.run(x[600:]) - y[600:]).mean() < 0.3
    assert net.run([3, 45])[0] == pytest.approx(-42, abs=1.5)


def test_one_row_and_many_rows_agree():
    net, x, _ = rings()
    net.train(max_cycles=20)
    many = net.run(x[:40])
    assert net.run(x[7]).shape == (3,)
    assert np.array([net.run(row) for row in x[:40]]) == pytest.approx(many, abs=1e-5)
    assert [net.classify(row) for row in x[:40]] == net.classify(x[:40]).tolist()
    assert isinstance(net.classify(x[0]), int)


def test_rows_fill_both_sets_evenly_and_go_where_they_are_sent():
    net = Network(1, 1, role="regressor", train_rows=4, test_rows=2)
    sizes = [net.observe([v], [v]) for v in range(6)]
    assert sizes == [(1, 0), (1, 1), (2, 1), (3, 1), (3, 2), (4, 2)]
    assert net.observe([9], [9]) == (4, 2)
    other = Network(1, 1, role="regressor", train_rows=4, test_rows=2)
    assert other.observe([[1], [2]], [[1], [2]], where="test") == (0, 2)
    assert other.observe([3], 3, where="train") == (1, 2)


def test_equal_seeds_give_equal_bits():
    outputs = []
    for _ in range(2):
        net, x, _ = rings()
        net.train(max_cycles=30)
        outputs.append(net.run(x))
    assert np.array_equal(*outputs)
    assert not np.array_equal(outputs[0], rings(seed=4)[0].run(x))


def test_training_goes_on_where_it_was():
    once, x, _ = rings()
    once.train(max_cycles=40)
    twice, _, _ = rings()
    twice.train(max_cycles=25)
    twice.train(max_cycles=15)
    assert np.array_equal(once.run(x), twice.run(x))
    assert once.info()["training-total-cycles"] == twice.info()["training-total-cycles"] == 40
    assert once.info()["training-total-steps"] == 40 * 600


def test_info_has_the_fields_of_nr_info():
    net, _, _ = rings()
    info = net.info()
    assert info["layout"] == [2, 20, 3] and info["type"] == "classifier"
    assert net.parameters == 2 * 20 + 20 + 20 * 3 + 3
    assert (info["training-dataset-len"], info["test-dataset-len"]) == (600, 300)
    assert info["training"] == 0 and info["training-total-cycles"] == 0
    net.train(max_cycles=10)
    after = net.info()
    assert after["training-total-cycles"] == 10 and after["dataset-error"] > 0
    assert "classification-errors-perc" not in Network(1, 1, role="regressor").info()


def test_it_answers_with_the_old_weights_while_it_trains():
    net, x, _ = rings()
    before = net.run(x)
    net.train(max_time=30, wait=False)
    assert net.info()["training"] == 1
    assert np.array_equal(net.run(x), before)
    with pytest.raises(TrainingError, match="in progress"):
        net.train(max_cycles=1)
    assert not net.wait(timeout=0.01)
    net.stop()
    assert net.info()["training"] == 0
    assert net.info()["training-total-cycles"] > 0
    assert not np.array_equal(net.run(x), before)


def test_reset_cancels_and_forgets():
    net, x, _ = rings()
    before = net.run(x)
    net.train(max_cycles=10)
    net.train(max_time=30, wait=False)
    net.reset()
    assert net.info()["training"] == 0 and net.info()["training-total-cycles"] == 0
    assert np.array_equal(net.run(x), before)
    assert net.info()["training-dataset-len"] == 600
    assert [t for t in threading.enumerate() if t.name == "respnet-training"] == []


def test_a_saved_network_is_the_same_and_trains_on(tmp_path):
    net, x, _ = rings()
    net.train(max_cycles=25)
    net.save(tmp_path / "net")
    again = Network.load(tmp_path / "net")
    assert again.info() == net.info() and again.units == (2, 20, 3)
    assert np.array_equal(again.run(x), net.run(x))
    for one in (net, again):
        one.train(max_cycles=10)
    assert np.array_equal(again.run(x), net.run(x))


def test_a_network_that_never_trained_can_be_saved(tmp_path):
    net = Network(3, 2, role="regressor", seed=1)
    net.save(tmp_path / "net")
    assert np.array_equal(Network.load(tmp_path / "net").run([1, 2, 3]), net.run([1, 2, 3]))


def test_other_files_are_refused(tmp_path):
    from respnet.engine import Model, ModelSpec, storage

    spec = ModelSpec.dense((2, 3, 1), role="regressor")
    bare = storage.Saved(spec, {"weights": Model(spec).weights.vector})
    storage.save(tmp_path / "model", bare)
    with pytest.raises(FileError, match="no saved Network"):
        Network.load(tmp_path / "model")


def test_wrong_use_is_said_in_one_line():
    with pytest.raises(SpecError, match="role must be classifier or regressor, got 'oracle'"):
        Network(2, 1, role="oracle")
    with pytest.raises(SpecError, match="at least two positive integers"):
        Network(2, role="regressor")
    net = Network(2, 3, 2, role="classifier", train_rows=5)
    with pytest.raises(ShapeError, match="takes"):
        net.run([1, 2, 3])
    with pytest.raises(ShapeError, match="at least one row"):
        net.train()
    net.observe([1, 2], 0)
    with pytest.raises(ShapeError, match="at least one test row"):
        net.train(autostop=True)
    with pytest.raises(ShapeError, match="regressor; use run"):
        Network(2, 1, role="regressor").classify([1, 2])
