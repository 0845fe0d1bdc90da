"""Pictures moved and turned, as array expressions: the reference, and with CuPy's arrays the GPU.

Draws (B,3) of 0 .. 1 say where each picture goes, between ``lows`` and ``highs``: places down,
places to the right, an angle against the clock. Each place is read from where it came from.
"""

import numpy as np

FILL_MODES = ("constant", "nearest", "reflect", "wrap")  # the order of steps_warp.hpp


def sources(size, draws, *, lows, highs, fill_mode, smooth):
    """(place of the picture, whether it lies inside, weight), (B,Y,X) each, of all a result is
    made of: one place, or with ``smooth`` the four around.
    """
    Y, X = size
    draws = draws.astype(np.float64).reshape(-1, 3, 1, 1)
    spans = [float(high - low) for low, high in zip(lows, highs, strict=True)]
    down, right, angle = (float(lows[i]) + spans[i] * draws[:, i] for i in range(3))
    middle_y, middle_x = (Y - 1) / 2, (X - 1) / 2
    place = np.arange(Y * X, like=draws).reshape(1, Y, X)
    dy, dx = place // X - middle_y - down, place % X - middle_x - right
    y = np.cos(angle) * dy + np.sin(angle) * dx + middle_y
    x = np.cos(angle) * dx - np.sin(angle) * dy + middle_x
    if not smooth:
        return [_place(np.rint(y), np.rint(x), size, fill_mode, 1.0)]
    y0, x0 = np.floor(y), np.floor(x)
    v, u = y - y0, x - x0
    corners = [(y0, x0, (1 - v) * (1 - u)), (y0, x0 + 1, (1 - v) * u),
               (y0 + 1, x0, v * (1 - u)), (y0 + 1, x0 + 1, v * u)]  # fmt: skip
    return [_place(*corner[:2], size, fill_mode, corner[2]) for corner in corners]


def _place(y, x, size, fill_mode, weight):
    (row, inside_y), (column, inside_x) = (filled(*pair, fill_mode) for pair in
                                           zip((y, x), size, strict=True))  # fmt: skip
    return row * size[1] + column, inside_y & inside_x, weight


def filled(i, n: int, mode: str):
    """(the place 0 .. n - 1 that stands for each place i, whether one does)"""
    i = i.astype(np.int64)
    inside = (i >= 0) & (i < n)
    if mode in ("constant", "nearest"):
        return np.clip(i, 0, n - 1), inside | (mode == "nearest")
    k = i % (n if mode == "wrap" else 2 * n)
    return np.where(k < n, k, 2 * n - 1 - k), inside | True


def warp_forward(x, draws, *, lows, highs, fill_mode, fill_value, smooth):
    B, Y, X, C = x.shape
    flat, y = x.reshape(B, Y * X, C), 0.0
    rows = np.arange(B, like=x).reshape(-1, 1, 1)
    options = {"lows": lows, "highs": highs, "fill_mode": fill_mode, "smooth": smooth}
    for place, inside, weight in sources((Y, X), draws, **options):
        met = np.where(inside[..., None], flat[rows, place], fill_value)
        y = y + met * (weight if isinstance(weight, float) else weight[..., None])
    return y.astype(x.dtype)


def warp_backward(
    dy, draws, *, lows, highs, fill_mode, fill_value, smooth, add_at=np.add.at
):
    """add_at: adds to places of an array, those that come twice too."""
    B, Y, X, C = dy.shape
    dx = np.zeros_like(dy).reshape(B, Y * X, C)
    rows = np.arange(B, like=dy).reshape(-1, 1, 1) + np.zeros((1, Y, X), np.int64, like=dy)
    options = {"lows": lows, "highs": highs, "fill_mode": fill_mode, "smooth": smooth}
    for place, inside, weight in sources((Y, X), draws, **options):
        part = dy * (inside * weight)[..., None]
        add_at(dx, (rows, place), part.astype(dy.dtype))
    return dx.reshape(dy.shape)
