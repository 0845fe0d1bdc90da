"""Matrix products."""

import numpy as np

from respnet.engine.tensors.elementwise import multiply, unbroadcast
from respnet.engine.tensors.table import composed, gradient_of, op


@op("x1 (...,M,K) and x2 (...,K,N)", 2)
def matmul(x1, x2):
    """The matrix product x1 x2; the axes before the last two broadcast."""
    return np.matmul(x1, x2)


@gradient_of(matmul)
def matmul_gradient(dy, y, x1, x2):
    """dx1 = dy x2^T, dx2 = x1^T dy; a vector is a row on the left and a column on the right."""
    a = x1[None, :] if x1.ndim == 1 else x1
    b = x2[:, None] if x2.ndim == 1 else x2
    if x1.ndim == 1:
        dy = np.expand_dims(dy, -1 if x2.ndim == 1 else -2)
    if x2.ndim == 1:
        dy = np.expand_dims(dy, -1)
    return (
        lambda: unbroadcast(np.matmul(dy, np.swapaxes(b, -1, -2)), a).reshape(x1.shape),
        lambda: _columns(a, dy, b).reshape(x2.shape),
    )


def _columns(a, dy, b):
    """a^T dy; of one matrix b that all of a met, as one product."""
    if b.ndim == 2 and a.ndim > 2:
        a, dy = a.reshape(-1, a.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return unbroadcast(np.matmul(np.swapaxes(a, -1, -2), dy), b)


@composed
def dot(x1, x2):
    """The product of numbers, vectors and matrices; of vectors the inner one."""
    return multiply(x1, x2) if 0 in (np.ndim(_plain(x1)), np.ndim(_plain(x2))) else matmul(x1, x2)


def _plain(x):
    return getattr(x.tensor() if hasattr(x, "tensor") else x, "value", x)
