"""Random numbers of one run, made as torch makes them on a CPU: after the same seed the same ones.

The bits are a Mersenne Twister's, in words of 32. A float32 takes one word, a float64 two.
"""

import secrets

import numpy as np

BLOCK = 16  # numbers from which on torch makes normal ones in blocks
ROOM = 64  # bytes that making one number takes at most
WIDE = 1 << 28  # ranges from here on take two words


class Randomness:
    """Begins with a seed nobody knows."""

    def __init__(self):
        self.seed(secrets.randbits(32))

    def seed(self, number: int) -> None:
        self._bits = np.random.RandomState(number & 0xFFFFFFFF)
        self._spare = None  # the second of a pair of normal numbers

    def words(self, n):
        return self._bits.randint(0, 1 << 32, n, dtype=np.uint32)

    def pairs(self, n):
        words = self.words(2 * n).astype(np.uint64)
        return words[0::2] << np.uint64(32) | words[1::2]

    def uniform(self, n, dtype):
        """Numbers from 0 to below 1."""
        if dtype == np.float32:
            return (self.words(n) & np.uint32((1 << 24) - 1)).astype(np.float32) / dtype.type(
                1 << 24)
        return (self.pairs(n) & np.uint64((1 << 53) - 1)) / float(1 << 53)

    def below(self, limit: int, n):
        """uint64 from 0 to below a limit of at most 2**64."""
        if limit < WIDE:
            return self.words(n).astype(np.uint64) % np.uint64(limit)
        pairs = self.pairs(n)
        return pairs if limit == 1 << 64 else pairs % np.uint64(limit)

    def normal(self, n, dtype):
        """Mean 0, deviation 1; float64 if they are few."""
        if n < BLOCK:
            return np.array([self._one_normal() for _ in range(n)])
        u = self.uniform(n, dtype)
        whole = n - n % BLOCK
        u[:whole] = _blocks(u[:whole])
        if whole < n:
            u[-BLOCK:] = _blocks(self.uniform(BLOCK, dtype))
        return u

    def _one_normal(self):
        """r cos(2 pi u), then r sin(2 pi u); r = sqrt(-2 log(1 - v))"""
        if self._spare is not None:
            value, self._spare = self._spare, None
            return value
        u, v = self.uniform(2, np.dtype(np.float64))
        r, angle = np.sqrt(-2 * np.log1p(-v)), 2 * np.pi * u
        self._spare = r * np.sin(angle)
        return r * np.cos(angle)

    def order(self, n):
        """The numbers below n, shuffled: place i changes with one of those from i on."""
        found = list(range(n))
        steps = self.words(max(n - 1, 0)) % np.arange(n, 1, -1, dtype=np.uint32)
        for i, step in enumerate(steps.tolist()):
            found[i], found[i + step] = found[i + step], found[i]
        return found


def _blocks(u):
    """Uniform numbers -> normal ones: of each block of 16 the first 8 give r, the others angles."""
    u = u.reshape(-1, 2, BLOCK // 2)
    r = np.sqrt(-2 * np.log(1 - u[:, 0]))
    angle = u.dtype.type(2 * np.pi) * u[:, 1]
    return np.stack([r * np.cos(angle), r * np.sin(angle)], 1).ravel()
