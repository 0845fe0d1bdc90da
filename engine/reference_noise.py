"""Random numbers of the reference, as the kernels make them: hashes of seed, salt and place."""

import numpy as np

_ALL = 2**64 - 1


def _mixed(h):
    with np.errstate(over="ignore"):
        h = np.uint32(h)
        h = (h ^ (h >> np.uint32(16))) * np.uint32(0x7FEB352D)
        h = (h ^ (h >> np.uint32(15))) * np.uint32(0x846CA68B)
        return h ^ (h >> np.uint32(16))


def hashes(count: int, salt: int, seed: int):
    """32 bits for each of ``count`` numbers of a batch."""
    with np.errstate(over="ignore"):
        key = _mixed(np.uint32(seed & 0xFFFFFFFF) ^ _mixed(np.uint32(seed >> 32) + np.uint32(salt)))
    return _mixed(np.arange(count, dtype=np.uint32) ^ key)


def next_seed(seed: int) -> int:
    """splitmix64 (Steele, Lea, Flood 2014)"""
    z = seed + 0x9E3779B97F4A7C15 & _ALL
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & _ALL
    z = (z ^ z >> 27) * 0x94D049BB133111EB & _ALL
    return z ^ z >> 31
