"""Sums over named axes (Einstein's convention)."""

import numpy as np

from respnet.engine.errors import ShapeError
from respnet.engine.tensors.table import LIST, OPS, apply, gradient_of, op


@op("one array for each set of letters, whose axes of one letter are equally long", LIST)
def einsum(operands, subscripts):
    """einsum("ij,jk->ik", a, b): sums of products over named axes"""
    inputs, output = _letters(subscripts, len(operands))
    return np.einsum(f"{','.join(inputs)}->{output}", *operands)


def _letters(subscripts: str, count: int) -> tuple[list[str], str]:
    """(letters of each array, of the result); without -> those that come once, in order."""
    left, arrow, output = str(subscripts).replace(" ", "").partition("->")
    inputs = left.split(",")
    letters = "".join(inputs)
    if not arrow:
        output = "".join(sorted(x for x in set(letters) if letters.count(x) == 1))
    each_once = all(len(set(part)) == len(part) for part in (*inputs, output))
    if len(inputs) != count or not letters.isalpha() or not each_once or set(output) - set(letters):
        raise ShapeError(
            f"einsum wants letters for each of {count} arrays, each letter once in an array, and "
            f"no new ones behind ->; got {subscripts!r}"
        )
    return inputs, output


@gradient_of(einsum)
def einsum_gradient(dy, y, operands, subscripts):
    """dx: the same sum with dy in the place of x; along axes only x has it repeats."""
    inputs, output = _letters(subscripts, len(operands))
    return [_one(dy, list(operands), inputs, output, i) for i in range(len(operands))]


def _one(dy, operands, inputs, output, i):
    def gradient():
        others = [(part, x) for k, (part, x) in enumerate(zip(inputs, operands, strict=True))
                  if k != i]  # fmt: skip
        known = set(output).union(*(part for part, _ in others))
        kept = "".join(letter for letter in inputs[i] if letter in known)
        parts = ",".join([output, *(part for part, _ in others)])
        found = np.einsum(f"{parts}->{kept}", dy, *(x for _, x in others))
        missing = tuple(k for k, letter in enumerate(inputs[i]) if letter not in known)
        return np.broadcast_to(np.expand_dims(found, missing), operands[i].shape)

    return gradient


def _as_keras(subscripts, *operands):
    return apply(OPS["einsum"], (list(operands), subscripts), {})


OPS["einsum"].call = _as_keras
