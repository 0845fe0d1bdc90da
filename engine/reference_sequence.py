"""The reference of embeddings, masks and steps in time: plain NumPy. Sequences are (B,T,N)."""

import numpy as np

__all__ = [
    "compute_mask",
    "embedding_backward",
    "embedding_forward",
    "last_step",
    "last_step_backward",
    "multiply",
    "multiply_steps",
    "repeat_vector",
    "repeat_vector_backward",
    "reverse_time",
]


def embedding_forward(x, table):
    return table[x.astype(int)]


def embedding_backward(x, dy, *, words):
    dtable = np.zeros((words, dy.shape[2]))
    np.add.at(dtable, x.astype(int), dy)
    return dtable


def last_step(y):
    return y[:, -1]


def last_step_backward(dh, *, times):
    dy = np.zeros((len(dh), times, dh.shape[1]))
    dy[:, -1] = dh
    return dy


def reverse_time(x):
    return x[:, ::-1]


def repeat_vector(x, *, times):
    return np.repeat(x[:, None], times, axis=1)


def repeat_vector_backward(dy):
    return dy.sum(axis=1)


def compute_mask(x, *, value):
    x = x.reshape(*x.shape[:2], -1)  # of an embedding: (B,T)
    return (x != value).any(axis=-1, keepdims=True) * 1.0


def multiply(x, factor):
    return x * factor


def multiply_steps(x, factor):
    return x * factor[:, None]
