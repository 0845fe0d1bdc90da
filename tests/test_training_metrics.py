"""Metrics, by hand."""

import numpy as np
import pytest

from respnet.engine.errors import ShapeError
from respnet.engine.metrics import absolute_error, class_error, half_squared_error

OUTPUTS = np.array([[0.1, 0.9], [0.5, 0.5], [0.8, 0.2], [0.3, 0.7]], np.float32)


@pytest.mark.parametrize(
    "classes,want", [([1, 0, 0, 1], 0.0), ([0, 1, 1, 0], 1.0), ([1, 1, 0, 1], 0.25)]
)
def test_class_error_takes_the_lowest_of_equals(classes, want):
    assert class_error(OUTPUTS, np.array(classes)) == want
    assert class_error(OUTPUTS, np.array(classes).reshape(-1, 1)) == want


def test_differences():
    targets = np.array([[0.1, 0.4], [0.5, 0.5], [0.8, 0.2], [0.3, 0.7]])
    assert absolute_error(OUTPUTS, targets) == pytest.approx(0.5 / 8)
    assert half_squared_error(OUTPUTS, targets) == pytest.approx(0.5 * 0.25 / 4)


@pytest.mark.parametrize("metric", [class_error, absolute_error, half_squared_error])
@pytest.mark.parametrize("shapes", [((0, 2), (0, 2)), ((4, 2), (3, 2))])
def test_shapes_are_checked(metric, shapes):
    with pytest.raises(ShapeError, match="must"):
        metric(*(np.ones(shape) for shape in shapes))
