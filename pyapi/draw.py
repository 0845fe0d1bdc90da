"""Pictures in text. Each is data first, then drawn: tests and other front ends use the data.

decision_grid  what a network answers over a rectangle     -> decision_map
spark_heights  a curve in a few columns                    -> sparkline
"""

from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np

BARS, ASCII_BARS = "▁▂▃▄▅▆▇█", "_.,-=+*#"
GLYPHS = ".o#+x%@&"
COLOURS = ("blue", "yellow", "red", "green", "magenta", "cyan", "white", "bright_black")

Box = tuple[float, float, float, float]


def decision_grid(
    classify: Callable[[np.ndarray], np.ndarray], box: Box, width: int, height: int
) -> np.ndarray:
    """Class at the centre of each cell of ``box`` = (left, bottom, right, top).

    ``classify`` takes points (N,2) and gives classes (N). Returns (height, width) integers; row 0
    is the top. One call for all cells.
    """
    left, bottom, right, top = box
    across = left + (np.arange(width) + 0.5) * (right - left) / width
    down = top - (np.arange(height) + 0.5) * (top - bottom) / height
    points = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
    return np.asarray(classify(points), dtype=np.int64).reshape(height, width)


def decision_map(grid: np.ndarray) -> str:
    """The grid with one character a cell, class 0 as ``.``, then ``o # + x % @ &``."""
    glyphs = np.array(list(GLYPHS))
    return "\n".join("".join(row) for row in glyphs[grid % len(GLYPHS)])


def coloured_map(grid: np.ndarray):
    """The same as a rich Text of half blocks: two rows of cells in one line of text."""
    from rich.text import Text

    text = Text()
    for upper, lower in zip(grid[0::2], grid[1::2], strict=False):
        for (above, below), run in groupby(zip(upper, lower, strict=True)):
            ink, paper = COLOURS[above % len(COLOURS)], COLOURS[below % len(COLOURS)]
            text.append("▀" * len(list(run)), style=f"{ink} on {paper}")
        text.append("\n")
    text.rstrip()
    return text


def spark_heights(values: Sequence[float], width: int = 20) -> list[int]:
    """The curve as at most ``width`` heights 0..7, least value 0, greatest 7.

    Longer curves are averaged in equal stretches. What is not a finite number is left out.
    """
    curve = np.asarray(values, dtype=np.float64)
    curve = curve[np.isfinite(curve)]
    if curve.size == 0 or width < 1:
        return []
    means = np.array([part.mean() for part in np.array_split(curve, min(width, curve.size))])
    low, high = means.min(), means.max()
    if high == low:
        return [0] * means.size
    return [int(h) for h in np.rint((means - low) / (high - low) * 7)]


def sparkline(values: Sequence[float], width: int = 20, ascii_only: bool = False) -> str:
    """The curve as block characters: ``█▆▄▃▂▁▁▁``."""
    bars = ASCII_BARS if ascii_only else BARS
    return "".join(bars[height] for height in spark_heights(values, width))
