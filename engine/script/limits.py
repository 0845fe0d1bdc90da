"""What a script may use: numbers of the text, and a budget for each run."""

import time
import weakref
from dataclasses import dataclass

import numpy as np

from respnet.engine.errors import LimitError
from respnet.engine.script.randomness import Randomness

LOOK = 256  # steps between two looks at the clock
NUMBERS_A_STEP = 4096  # so many numbers of an array cost as much as one step
ARRAY_BYTES = 600  # of an array besides its numbers, and of what counts it
MOST_TEXT = 64 << 20  # bytes of all strings that one run makes


@dataclass(frozen=True)
class Limits:
    """Of a run: steps (statements, rounds of loops, list elements, 4096 numbers each), bytes of
    the arrays held at once, seconds, calls inside calls. Of a text: source bytes, nesting."""

    steps: int = 5_000_000
    bytes: int = 256 << 20
    seconds: float = 5.0
    calls: int = 32
    source: int = 64 << 10
    nesting: int = 50


class Budget:
    """What is left for one run, LimitError when nothing is; and the run's random numbers."""

    def __init__(self, limits: Limits):
        self.limits = limits
        self.depth = self.held = self.text = 0
        self._left = limits.steps
        self._look_at = limits.steps - LOOK
        self._deadline = time.monotonic() + limits.seconds
        self._counted: dict[int, weakref.ref] = {}
        self._random = None

    @property
    def random(self) -> Randomness:
        self._random = self._random or Randomness()
        return self._random

    def step(self, count=1):
        self._left -= count
        if self._left < self._look_at:
            self._look()

    def _look(self):
        if self._left < 0:
            raise LimitError(f"more than {self.limits.steps} steps")
        if time.monotonic() > self._deadline:
            raise LimitError(f"longer than {self.limits.seconds:g} seconds")
        self._look_at = self._left - LOOK

    def work(self, numbers):
        """An op will go through so many numbers."""
        self.step(1 + numbers // NUMBERS_A_STEP)

    def ask(self, size):
        """An op will need so many bytes; refused before they are there."""
        if self.held + size > self.limits.bytes:
            raise LimitError(f"more than {self.limits.bytes} bytes of tensors")
        self.work(size // 8)

    def hold(self, array):
        """Count an array until nobody has it any more; of a view, what it looks at too."""
        root = array
        while isinstance(root.base, np.ndarray):
            root = root.base
        self._count(root, root.nbytes + ARRAY_BYTES)
        if root is not array:
            self._count(array, ARRAY_BYTES)
        if self.held > self.limits.bytes:
            raise LimitError(f"more than {self.limits.bytes} bytes of tensors")

    def _count(self, array, size):
        number, counted = id(array), self._counted
        if number in counted:
            return

        def gone(_):
            counted.pop(number, None)
            self.held -= size

        counted[number] = weakref.ref(array, gone)
        self.held += size

    def write(self, length):
        """A string of so many letters is made; strings count even when they are gone."""
        self.text += length
        if self.text > MOST_TEXT:
            raise LimitError(f"more than {MOST_TEXT} bytes of strings")
