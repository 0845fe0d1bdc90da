"""Pictures as data: what the grid asks and holds, how a curve becomes heights."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from respnet import draw

finite = st.floats(-1e9, 1e9)


def test_the_grid_asks_for_the_centres_of_its_cells_and_its_first_row_is_the_top():
    asked = []

    def classify(points):
        asked.append(points)
        return (points[:, 0] > 0) + 2 * (points[:, 1] > 0)

    grid = draw.decision_grid(classify, (-2, -1, 2, 1), 4, 2)
    assert grid.tolist() == [[2, 2, 3, 3], [0, 0, 1, 1]]
    assert len(asked) == 1
    assert asked[0][0].tolist() == [-1.5, 0.5]
    assert asked[0][-1].tolist() == [1.5, -0.5]


def test_the_map_has_a_glyph_for_each_class():
    assert draw.decision_map(np.array([[0, 1], [2, 3]])) == ".o\n#+"


def test_the_coloured_map_puts_two_rows_in_a_line():
    text = draw.coloured_map(np.array([[0, 1], [1, 0], [2, 2], [2, 2]]))
    assert text.plain == "▀▀\n▀▀"
    assert str(text.spans[0].style) == "blue on yellow"
    assert [str(span.style) for span in text.spans[1:]] == ["yellow on blue", "red on red"]


@given(st.lists(finite, min_size=1, max_size=200), st.integers(1, 40))
def test_a_curve_fits_its_width_and_touches_both_ends(values, width):
    heights = draw.spark_heights(values, width)
    assert len(heights) == min(width, len(values))
    assert min(heights) == 0
    assert max(heights) == (7 if len(set(heights)) > 1 else 0)


def test_a_falling_curve_falls():
    heights = draw.spark_heights(np.linspace(1, 0, 80), 8)
    assert heights == [7, 6, 5, 4, 3, 2, 1, 0]
    assert draw.sparkline(np.linspace(1, 0, 80), 8) == "█▇▆▅▄▃▂▁"
    assert draw.sparkline([0, 1], ascii_only=True) == "_#"


def test_what_is_no_number_is_left_out():
    assert draw.spark_heights([float("nan"), 1, float("inf"), 2]) == [0, 7]
    assert draw.sparkline([]) == ""
    assert draw.sparkline([float("nan")]) == ""


def test_a_flat_curve_is_flat():
    assert draw.spark_heights([3.0, 3.0, 3.0]) == [0, 0, 0]
