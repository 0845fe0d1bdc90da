"""Data sets: growth, snapshots, and the rule that fills training and test set."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respnet.engine.dataset import Dataset, DataSplit, Place
from respnet.engine.errors import LimitError, ShapeError


def row(number):
    return [number, number + 0.5, -number]


def filled(split, count, target=None):
    return [split.observe(row(i), target) for i in range(count)]


@given(st.integers(0, 200))
@settings(max_examples=30, deadline=None)
def test_rows_come_back_in_order(count):
    data = Dataset(2, 1, 1000)
    slots = [data.append(row(i)) for i in range(count)]
    assert slots == list(range(count))
    assert np.array_equal(data.rows, np.array([row(i) for i in range(count)]).reshape(-1, 3))
    inputs, targets = data.snapshot()
    assert inputs.shape == (count, 2) and targets.shape == (count, 1)


def test_growth_is_doubling_and_ends_at_maxlen():
    data, sizes = Dataset(2, 1, 100), set()
    for i in range(100):
        data.append(row(i))
        sizes.add(data.nbytes // 12)
    assert sizes == {16, 32, 64, 100}
    with pytest.raises(LimitError, match="full: 100 rows"):
        data.append(row(0))


def test_a_snapshot_stays_as_it_was():
    data = Dataset(2, 1, 20)
    for i in range(5):
        data.append(row(i))
    before = data.snapshot()
    copy = before.inputs.copy(), before.targets.copy()
    data.replace(2, row(99))
    for i in range(15):
        data.append(row(i))
    assert np.array_equal(before.inputs, copy[0]) and np.array_equal(before.targets, copy[1])
    assert data.rows[2].tolist() == row(99)
    with pytest.raises(ValueError):
        before.inputs[0, 0] = 1


def test_extend_equals_append_and_checks_its_rows():
    one, other = Dataset(2, 1, 50), Dataset(2, 1, 50)
    rows = np.array([row(i) for i in range(40)])
    one.extend(rows[:7])
    one.extend(rows[7:])
    for each in rows:
        other.append(each)
    assert np.array_equal(one.rows, other.rows) and len(one) == 40
    with pytest.raises(LimitError, match="51 rows do not fit"):
        one.extend(rows[:11])
    with pytest.raises(ShapeError, match=r"must be \(N, 3\)"):
        one.extend(rows[:, :2])


@pytest.mark.parametrize("slot", [-1, 3])
def test_replace_wants_a_row_that_is_there(slot):
    data = Dataset(2, 1, 5)
    data.extend(np.ones((3, 3)))
    with pytest.raises(LimitError, match="0 to 2"):
        data.replace(slot, row(0))


@pytest.mark.parametrize("sizes", [(0, 1, 5), (1, 0, 5), (1, 1, -1)])
def test_impossible_sizes_are_refused(sizes):
    with pytest.raises(LimitError, match="at least one input"):
        Dataset(*sizes)


def test_the_fill_ratio_decides_as_in_the_original():
    split = DataSplit(2, 1, 1000, 500)
    order = [place.which for place in filled(split, 601)]
    assert order[:5] == ["train", "test", "train", "train", "test"]
    assert (len(split.train), len(split.test)) == (401, 200)


def test_a_target_is_obeyed_and_a_missing_set_gives_its_rows_away():
    split = DataSplit(2, 1, 10, 10)
    assert filled(split, 3, "test") == [Place("test", i) for i in range(3)]
    only_train, only_test = DataSplit(2, 1, 4, 0), DataSplit(2, 1, 0, 4)
    assert only_train.observe(row(0), "test") == Place("train", 0)
    assert only_test.observe(row(0), "train") == Place("test", 0)
    assert DataSplit(2, 1, 0, 0).observe(row(0)) is None
    with pytest.raises(ShapeError, match="target must be"):
        split.observe(row(0), "TRAIN")


def test_full_sets_are_refreshed_in_proportion():
    split = DataSplit(2, 1, 30, 10, seed=1)
    filled(split, 40)
    places = filled(split, 4000)
    share = sum(place.which == "test" for place in places) / 4000
    assert 0.2 < share < 0.3
    assert {place.slot for place in places if place.which == "test"} == set(range(10))
    assert {place.slot for place in places if place.which == "train"} == set(range(30))


def test_a_full_target_is_refreshed_while_the_other_has_room():
    split = DataSplit(2, 1, 3, 10, seed=2)
    filled(split, 3, "train")
    place = split.observe(row(77), "train")
    assert place.which == "train" and split.train.rows[place.slot].tolist() == row(77)
    assert len(split.test) == 0


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 40), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_logged_places_rebuild_the_sets(train_maxlen, test_maxlen, count, seed):
    split = DataSplit(2, 1, train_maxlen, test_maxlen, seed)
    log = [(place, row(i)) for i, place in enumerate(filled(split, count))]
    again = DataSplit(2, 1, train_maxlen, test_maxlen)
    for place, values in log:
        if place is not None:
            again.put(place, values)
    assert np.array_equal(again.train.rows, split.train.rows)
    assert np.array_equal(again.test.rows, split.test.rows)
    assert len(split.train) + len(split.test) == min(count, train_maxlen + test_maxlen)
