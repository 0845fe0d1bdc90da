"""Numbers moved, encoded and counted on the GPU."""

from math import prod

__all__ = ["count_tokens", "one_hot", "rearrange_backward", "rearrange_forward"]


def _sources(c, lengths, strides, offset):
    """Which number of a row each place of the output reads."""
    import numpy as np

    def places():
        return offset + np.array(strides) @ np.indices(lengths).reshape(len(lengths), -1)

    return c.constant((tuple(lengths), tuple(strides), offset), places)


def rearrange_forward(c, x, *, lengths, strides, offset):
    return c.cp.take(x.reshape(len(x), -1), _sources(c, lengths, strides, offset), axis=1)


def rearrange_backward(c, dy, *, lengths, strides, offset, columns):
    dx = c.zeros(columns, len(dy))
    sources = _sources(c, lengths, strides, offset)
    c.cp.add.at(dx, sources, dy.reshape(len(dy), prod(lengths)).T)
    return c.cp.ascontiguousarray(dx.T)


def one_hot(c, x, *, tokens):
    y, int64 = c.empty(*x.shape, tokens), c.cp.int64
    c.launch("elementwise", "one_hot", y.size, x, int64(tokens), y, c.fault, int64(y.size))
    return y


def count_tokens(c, x, *, tokens, once):
    counts = one_hot(c, x, tokens=tokens).sum(axis=-2)
    return c.cp.minimum(counts, 1) if once else counts
