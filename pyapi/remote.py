"""A network that lives in a server: the methods of ``respnet.Network``, each one command."""

import time
from functools import cached_property

import numpy as np

from respnet.engine.layer_words import row_shape, step_shape

from .extras import need
from .info import pairs
from .rows import class_rows, input_rows, target_rows

CHUNK_BYTES = 16 << 20  # of rows in one command: bounds the memory of both sides
FLOAT = np.dtype("<f4")


class RemoteNetwork:
    """The network ``key`` of a server; made by ``respnet.connect(url).create`` or ``.network``.

    expire: how many seconds a state lives after its last step; None: until it is forgotten.
    """

    expire: int | None = None

    def __init__(self, redis, key: str):
        self.redis = redis
        self.key = key

    def __repr__(self) -> str:
        return f"<RemoteNetwork {self.key!r}>"

    def _call(self, command: str, *words):
        return self.redis.execute_command(command, self.key, *words)

    @cached_property
    def _made(self) -> tuple[int | str, int, str]:
        """Inputs, outputs, role: fixed for the life of a network, so asked for once."""
        info = self.info()
        return info["layout"][0], info["layout"][-1], info["type"]

    def _rows(self, x) -> tuple[np.ndarray, bool]:
        return input_rows(x, *row_shape(self._made[0]))

    def info(self) -> dict:
        """NR.INFO as a dict, numbers as numbers."""
        return pairs(self._call("NR.INFO"))

    def observe(self, x, y, where: str | None = None) -> tuple[int, int]:
        """Add rows x (B,I) or (I), sequences (B,T,I) or (T,I), with their y: classes (B) or
        targets (B,O).

        where: "train" or "test"; without it each row goes to the set that is emptier for its
        size. Returns the rows now held. Of very many rows, all of a block are stored or none.
        """
        rows, _ = self._rows(x)
        _, outputs, role = self._made
        prepare = class_rows if role == "classifier" else target_rows
        wanted = prepare(y, len(rows), outputs)
        target = [where.upper()] if where else []
        held = (0, 0)
        for part in blocks(rows):
            blob = rows[part].astype(FLOAT).tobytes(), wanted[part].astype(FLOAT).tobytes()
            held = self._call("NR.OBSERVE", "BLOB", *blob, *target)
        return int(held[0]), int(held[1])

    def run(self, x) -> np.ndarray:
        """Outputs (O) for one row x (I) or (T,I), (B,O) for many (B,I) or (B,T,I), float32."""
        rows, single = self._rows(x)
        replies = [self._ask("NR.RUN", rows[part]) for part in blocks(rows)]
        outputs = np.frombuffer(b"".join(replies), FLOAT).reshape(len(rows), -1)
        return outputs[0] if single else outputs

    def classify(self, x):
        """Class of one row x as int, of many as int64 array (B)."""
        rows, single = self._rows(x)
        classes = [int(c) for part in blocks(rows) for c in self._ask("NR.CLASS", rows[part])]
        return classes[0] if single else np.array(classes, dtype=np.int64)

    def step(self, state: str, x) -> np.ndarray:
        """Outputs (O) for the next step x (I) of a sequence, (n,O) for n steps (n,I), float32.

        state: the key of where the sequence has come to; a new one begins with zeros. A training
        keeps it; after ``reset`` it is refused until it is forgotten.
        """
        rows, single = self._steps(x)
        reply = self._call("NR.STEP", state, *self._expiry(), "BLOB", rows.astype(FLOAT).tobytes())
        outputs = np.frombuffer(reply, FLOAT).reshape(len(rows), -1)
        return outputs[0] if single else outputs

    def classify_step(self, state: str, x):
        """Class after the next step x (I) as int, of n steps (n,I) as int64 array (n)."""
        rows, single = self._steps(x)
        blob = rows.astype(FLOAT).tobytes()
        classes = self._call("NR.STEP", state, "CLASS", *self._expiry(), "BLOB", blob)
        return int(classes[0]) if single else np.array(classes, dtype=np.int64)

    def forget(self, state: str) -> None:
        """Drop a state: its name begins anew."""
        self.redis.delete(state)

    def _steps(self, x) -> tuple[np.ndarray, bool]:
        return input_rows(x, *step_shape(self._made[0]))

    def _expiry(self) -> list:
        return [] if self.expire is None else ["EX", self.expire]

    def _ask(self, command: str, rows: np.ndarray):
        return self._call(command, "BLOB", rows.astype(FLOAT).tobytes())

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
        """End a running training and keep what it has learned; nothing if none runs."""
        try:
            self._call("NR.STOP")
        except need("redis.exceptions", "client").ResponseError as problem:
            if "no training in progress" not in str(problem):
                raise

    def progress(self) -> dict:
        """NR.PROGRESS: where the present or last training is, with the curve of its error."""
        return pairs(self._call("NR.PROGRESS"))

    def reset(self) -> None:
        """New weights; a running training is cancelled; the rows stay."""
        self._call("NR.RESET")

    def configure(self, **settings) -> None:
        """NR.CONFIGURE: ``configure(seed=1, hidden="relu", optimizer="adam", learning_rate=0.01)``;
        an optimizer's constants follow its name."""
        self._call("NR.CONFIGURE", *(word for pair in settings.items() for word in pair))

    def save(self) -> None:
        """Wait until everything the server holds, this network with it, is on its disk (SAVE)."""
        self.redis.save()

    def delete(self) -> None:
        """Remove the key; a running training is cancelled."""
        self.redis.delete(self.key)


def blocks(rows: np.ndarray):
    """Slices of the rows, each of at most CHUNK_BYTES; one empty slice for no rows."""
    count = max(1, CHUNK_BYTES // (rows.shape[1] * FLOAT.itemsize))
    return [slice(at, at + count) for at in range(0, max(1, len(rows)), count)]
