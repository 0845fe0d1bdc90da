"""A network that lives in a server: the methods of ``respnet.Network``, each one command."""

import time
from functools import cached_property

import numpy as np

from .info import pairs
from .rows import class_rows, input_rows, target_rows

CHUNK = 500  # rows in one pipeline: bounds the memory of both sides


class RemoteNetwork:
    """The network ``key`` of a server; made by ``respnet.connect(url).create`` or ``.network``."""

    def __init__(self, redis, key: str):
        self.redis = redis
        self.key = key

    def __repr__(self) -> str:
        return f"<RemoteNetwork {self.key!r}>"

    def _call(self, command: str, *words):
        return self.redis.execute_command(command, self.key, *words)

    @cached_property
    def _shape(self) -> tuple[int, int, str]:
        """Inputs, outputs, role: fixed for the life of a network, so asked for once."""
        info = self.info()
        return info["layout"][0], info["layout"][-1], info["type"]

    def info(self) -> dict:
        """NR.INFO as a dict, numbers as numbers."""
        return pairs(self._call("NR.INFO"))

    def observe(self, x, y, where: str | None = None) -> tuple[int, int]:
        """Add rows x (B,I) or (I) with their y to the set ``where`` ("train" or "test"), without
        it to the emptier one. Returns the rows now held: train, test."""
        inputs, outputs, role = self._shape
        rows, _ = input_rows(x, inputs)
        prepare = class_rows if role == "classifier" else target_rows
        wanted = prepare(y, len(rows), outputs).reshape(len(rows), -1)
        tail = [where.upper()] if where else []
        answers = self._rows("NR.OBSERVE", ([*a, "->", *b, *tail] for a, b in words(rows, wanted)))
        return tuple(int(n) for n in answers[-1])

    def run(self, x) -> np.ndarray:
        """Outputs (O) for one row x (I), (B,O) for many (B,I), float32."""
        rows, single = input_rows(x, self._shape[0])
        answers = self._rows("NR.RUN", rows.tolist())
        outputs = np.array(answers, dtype=np.float32)
        return outputs[0] if single else outputs

    def classify(self, x):
        """Class of one row x (I) as int, of many (B,I) as int64 array (B)."""
        rows, single = input_rows(x, self._shape[0])
        classes = self._rows("NR.CLASS", rows.tolist())
        return int(classes[0]) if single else np.array(classes, dtype=np.int64)

    def _rows(self, command: str, rows) -> list:
        """One command a row, in pipelines of bounded size."""
        answers, pipeline = [], self.redis.pipeline(transaction=False)
        for row in rows:
            pipeline.execute_command(command, self.key, *row)
            if len(pipeline) == CHUNK:
                answers += pipeline.execute()
        return answers + pipeline.execute()

    def train(
        self,
        *,
        autostop: bool = False,
        backtrack: bool = False,
        max_cycles: int = 0,
        max_time: float = 10.0,
        wait: bool = True,
    ) -> None:
        """Train in the background of the server, at most ``max_cycles`` passes over the rows and
        ``max_time`` seconds (0: no limit); ``wait`` until it has ended."""
        words = ["MAXCYCLES", max_cycles, "MAXTIME", round(max_time * 1000)]
        words += ["AUTOSTOP"] if autostop else []
        words += ["BACKTRACK"] if backtrack else []
        self._call("NR.TRAIN", *words)
        if wait:
            self.wait()

    def wait(self, timeout: float | None = None) -> bool:
        """Until no training runs; False if ``timeout`` seconds were not enough."""
        end = None if timeout is None else time.monotonic() + timeout
        pause = 0.002
        while self.info()["training"]:
            if end is not None and time.monotonic() >= end:
                return False
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)
        return True

    def stop(self) -> None:
        """End a running training and keep what it has learned."""
        self._call("NR.STOP")

    def reset(self) -> None:
        """New random weights; the rows stay."""
        self._call("NR.RESET")

    def configure(self, **settings) -> None:
        """NR.CONFIGURE: ``configure(seed=1, optimizer="adam")``."""
        self._call("NR.CONFIGURE", *(word for pair in settings.items() for word in pair))


def words(rows: np.ndarray, wanted: np.ndarray):
    """Pairs of lists: the inputs and the targets of each row as numbers."""
    return zip(rows.tolist(), wanted.tolist(), strict=True)
