"""Embeddings, masks and steps in time on the GPU. Sequences are (B,T,N)."""

__all__ = [
    "compute_mask",
    "embedding_backward",
    "embedding_forward",
    "last_step",
    "last_step_backward",
    "repeat_vector",
    "reverse_time",
]


def embedding_forward(c, x, table):
    words, units = table.shape
    y = c.empty(*x.shape, units)
    int64 = c.cp.int64
    c.launch("elementwise", "embedding_forward", y.size, x, table, int64(units), int64(words), y,
             c.fault, int64(y.size))
    return y


def embedding_backward(c, x, dy, *, words):
    units = dy.shape[-1]
    dtable, int64 = c.zeros(words, units), c.cp.int64
    c.launch("elementwise", "embedding_backward", dy.size, x, dy, int64(units), int64(words),
             dtable, int64(dy.size))
    return dtable


def last_step(c, y):
    return y[:, -1].copy()


def last_step_backward(c, dh, *, times):
    dy = c.zeros(len(dh), times, dh.shape[1])
    dy[:, -1] = dh
    return dy


def reverse_time(c, x):
    return c.cp.ascontiguousarray(x[:, ::-1])


def repeat_vector(c, x, *, times):
    return c.cp.repeat(x[:, None], times, axis=1)



def compute_mask(c, x, *, value):
    x = x.reshape(*x.shape[:2], -1)  # of an embedding: (B,T)
    return (x != value).any(axis=-1, keepdims=True).astype(c.dtype)
