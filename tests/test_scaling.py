"""Scaling of columns, both kinds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from respnet.engine.errors import ShapeError
from respnet.engine.scaling import Scaling

ROWS = np.array([[1, 10, 5], [2, -30, 5], [6, 50, 5]], np.float32)
shapes = st.tuples(st.integers(1, 30), st.integers(1, 5))
numbers = hnp.arrays(np.float32, shapes, elements=st.floats(-1e6, 1e6, width=32))


def test_standard_rows_have_mean_zero_and_spread_one():
    scaled = Scaling.standard(ROWS).apply(ROWS)
    assert scaled.dtype == np.float32
    assert np.allclose(scaled.mean(axis=0), 0, atol=1e-6)
    assert np.allclose(scaled.std(axis=0), [1, 1, 0], atol=1e-6)


@pytest.mark.parametrize("value", [5.0, 0.0, 0.1, 1e9])
def test_constant_columns_are_only_shifted(value):
    scaling = Scaling.standard(np.full((1000, 1), value, np.float32))
    assert scaling.std[0] == 1.0
    assert np.allclose(scaling.apply(np.array([[value + 2]])), 2, atol=1e-3)


@given(numbers, st.sampled_from([Scaling.standard, Scaling.largest]))
@settings(max_examples=60, deadline=None)
def test_invert_undoes_apply(rows, make):
    scaling = make(rows)
    back = scaling.invert(scaling.apply(rows))
    assert np.allclose(back, rows, rtol=1e-4, atol=1e-4 * (1 + np.abs(rows).max()))


@given(numbers)
@settings(max_examples=40, deadline=None)
def test_constants_say_the_same(rows):
    scaling = Scaling.standard(rows)
    (scale, offset), (back, shift) = scaling.apply_constants(), scaling.invert_constants()
    applied = scaling.apply(rows)
    assert np.allclose(rows * scale + offset, applied, rtol=1e-4, atol=1e-4)
    assert np.allclose(applied * back + shift, scaling.invert(applied), rtol=1e-6)
    again = Scaling.of_constants(scale, offset)
    assert np.allclose(again.std, scaling.std) and np.allclose(
        again.mean, scaling.mean, atol=1e-6 * (1 + np.abs(scaling.mean))
    )


def test_largest_is_the_originals_normalize():
    scaling = Scaling.largest(np.array([[0.5, -20, 1.0], [-0.25, 10, 0.0]]))
    assert scaling.std.tolist() == [1.0, 24.0, 1.0] and not scaling.mean.any()


@pytest.mark.parametrize("rows", [np.empty((0, 3)), np.ones(3)])
def test_rows_must_be_there(rows):
    with pytest.raises(ShapeError, match="at least one row"):
        Scaling.standard(rows)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_infinities_are_refused_by_column(bad):
    rows = ROWS.copy()
    rows[1, 2] = bad
    with pytest.raises(ShapeError, match="column 2"):
        Scaling.standard(rows)
