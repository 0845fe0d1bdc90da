"""Rows as users give them: what is taken, what is refused and in which words."""

import numpy as np
import pytest

from respnet.engine.errors import ShapeError
from respnet.rows import class_rows, input_rows, target_rows


def test_one_row_and_many():
    rows, single = input_rows([1, 2, 3], 3)
    assert rows.tolist() == [[1, 2, 3]] and rows.dtype == np.float32 and single
    rows, single = input_rows(np.zeros((5, 3))[::2], 3)
    assert rows.shape == (3, 3) and rows.flags.c_contiguous and not single


@pytest.mark.parametrize("x", [[1, 2], np.zeros((2, 2)), np.zeros((1, 1, 3)), 5])
def test_other_shapes_are_refused_by_name(x):
    with pytest.raises(ShapeError, match=r"x: got shape .* takes \(3,\) or \(rows, 3\)"):
        input_rows(x, 3)


def test_classes():
    assert class_rows(2, 1, 3).tolist() == [2]
    assert class_rows([0, 2.0], 2, 3).dtype == np.int32


@pytest.mark.parametrize("y", [[0, 3], [0, -1], [0, 1.5]])
def test_classes_out_of_range_are_refused(y):
    with pytest.raises(ShapeError, match="whole numbers from 0 to 2"):
        class_rows(y, 2, 3)


@pytest.mark.parametrize("y", [[0], [0, 1, 2], [[0, 1]], [[1, 0, 0], [0, 1, 0]]])
def test_as_many_classes_as_rows(y):
    with pytest.raises(ShapeError, match="one class for each of 2 rows"):
        class_rows(y, 2, 3)


@pytest.mark.parametrize(
    "y, count, outputs",
    [([[1.0], [2.0]], 2, 1), ([1, 2], 2, 1), ([1, 2], 1, 2), (5, 1, 1), (np.ones((3, 2)), 3, 2)],
)
def test_targets(y, count, outputs):
    rows = target_rows(y, count, outputs)
    assert rows.shape == (count, outputs)
    assert rows.ravel().tolist() == np.ravel(y).tolist()


@pytest.mark.parametrize(
    "y, count, outputs",
    [([[1, 2]], 2, 1), ([1, 2], 2, 2), (np.ones((2, 3)), 3, 2), (np.ones(6), 3, 2), ([], 1, 1)],
)
def test_other_targets_are_refused(y, count, outputs):
    with pytest.raises(ShapeError, match=rf"wanted \({count}, {outputs}\)"):
        target_rows(y, count, outputs)
