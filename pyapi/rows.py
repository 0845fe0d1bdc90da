"""What users give as rows, as the arrays the engine and the wire want.

One row may come without its first axis: (I) for (1,I), (T,I) for (1,T,I). Errors say what came and
what was wanted.
"""

import numpy as np

from respnet.engine.errors import ShapeError


def input_rows(x, *shape: int, words: int = 0) -> tuple[np.ndarray, bool]:
    """x of the shape of a row, or (B, *shape) -> (B,N) float32, C-contiguous, and whether it was
    one row. words: all of x are whole numbers below it; 0: any numbers.
    """
    rows = np.ascontiguousarray(x, dtype=np.float32)
    single = rows.ndim == len(shape)
    if single:
        rows = rows[None]
    if rows.shape[1:] != shape:
        many = ", ".join(["rows", *map(str, shape)])
        raise ShapeError(f"x: got shape {np.shape(x)}, the network takes {shape} or ({many})")
    rows = rows.reshape(len(rows), -1)
    if words and not (np.equal(rows, np.floor(rows)) & (rows >= 0) & (rows < words)).all():
        raise ShapeError(f"x: words must be whole numbers from 0 to {words - 1}")
    return rows, single


def check_classes(y: np.ndarray, classes: int, ignored: int | None = None) -> None:
    """y (B,...): whole numbers from 0 to ``classes`` - 1, or ``ignored``; else a ShapeError that
    names the first other one and its row.
    """
    if y.dtype.kind not in "iubf":
        return  # the engine has words for what are no numbers
    whole = y.dtype.kind in "iub" or np.array_equal(y, np.floor(y))  # NaN is not whole
    if not y.size or (whole and y.min() >= 0 and y.max() < classes):
        return
    fits = (y == np.floor(y)) & (y >= 0) & (y < classes)
    if ignored is not None:
        fits |= y == ignored
    if fits.all():
        return
    row, *rest = map(int, np.unravel_index(fits.argmin(), fits.shape))
    place = f", place {rest[0]}," if y[row].size > 1 else ""
    also = "" if ignored is None else f" (or {ignored}, which is ignored)"
    raise ShapeError(
        f"y: classes must be whole numbers from 0 to {classes - 1}{also}; "
        f"row {row}{place} is {y[(row, *rest)]:g}"
    )


def class_rows(y, count: int, classes: int) -> np.ndarray:
    """y: one class, or (B) of them -> (B) int32. Classes are whole numbers 0 to classes-1."""
    given = np.asarray(y)
    labels = np.atleast_1d(given)
    if labels.shape != (count,):
        raise ShapeError(f"y: got shape {given.shape}, wanted one class for each of {count} rows")
    check_classes(labels, classes)
    return labels.astype(np.int32)


def target_rows(y, count: int, outputs: int) -> np.ndarray:
    """y (B,O), also (O) for one row and (B) for one output -> (B,O) float32."""
    given = np.asarray(y, dtype=np.float32)
    shapes = {(count, outputs)}
    shapes |= {(count,)} if outputs == 1 else set()
    shapes |= {(outputs,)} if count == 1 else set()
    shapes |= {()} if count == outputs == 1 else set()
    if given.shape not in shapes:
        raise ShapeError(f"y: got shape {given.shape}, wanted ({count}, {outputs})")
    return np.ascontiguousarray(given.reshape(count, outputs))
