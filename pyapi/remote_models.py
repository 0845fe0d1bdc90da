"""Tensors and models of a server: the AI.* commands with NumPy arrays."""

import numpy as np

from .deploying import Deployable, network_bytes
from .extras import need

# NumPy dtype -> type of a tensor
TYPES = {
    np.dtype(code): name
    for name, code in (
        ("FLOAT", "<f4"), ("DOUBLE", "<f8"), ("INT8", "<i1"), ("INT16", "<i2"), ("INT32", "<i4"),
        ("INT64", "<i8"), ("UINT8", "<u1"), ("UINT16", "<u2"), ("BOOL", "?"))
}
DTYPES = {name: dtype for dtype, name in TYPES.items()}
MISMATCH = "Number of keys given as"


class Models:
    """The part of a ``Client`` that keeps tensors and runs models."""

    def tensor_set(self, key: str, array) -> None:
        """Keep an array of any shape: numbers of 8 to 64 bits, bools, or text."""
        self.redis.execute_command("AI.TENSORSET", key, *tensor_words(array))

    def tensor_get(self, key: str) -> np.ndarray:
        """The tensor ``key`` as an array of its own; of text an array of bytes objects."""
        return array_of(self.redis.execute_command("AI.TENSORGET", key, "META", "BLOB"))

    def model_store(
        self,
        key: str,
        model,
        *,
        backend: str | None = None,
        device: str = "CPU",
        tag: str = "",
        batch: int = 0,
        min_batch: int = 0,
        min_timeout: int = 0,
    ) -> None:
        """Keep a model: one of respnet's, or bytes of a file (``*.respnet``, ``*.onnx``).

        backend: RESPNET, ONNX ...; None: by what ``model`` is. batch: rows the server may join of
        several clients' runs, min_batch and min_timeout (ms): how many it waits for, and how long.
        """
        blob = network_bytes(model) if isinstance(model, Deployable) else bytes(model)
        words = [backend or backend_of(blob), device]
        words += ["TAG", tag] if tag else []
        for name, number in (("", batch), ("MIN", min_batch)):
            words += [f"{name}BATCHSIZE", number] if number else []
        words += ["MINBATCHTIMEOUT", min_timeout] if min_timeout else []
        self.redis.execute_command("AI.MODELSTORE", key, *words, "BLOB", blob)

    def model_run(self, key: str, *arrays, timeout: int = 0):
        """Run a model on arrays, one an input: its output, or a list of several.

        timeout: milliseconds it may wait for its turn, then TimeoutError; 0: for ever. Nothing is
        kept in the server.
        """
        count = self._outputs.get(key) or self._count_outputs(key)
        try:
            return self._run(key, arrays, count, timeout)
        except need("redis.exceptions", "client").ResponseError as problem:
            # Another model may be at the key by now.
            if MISMATCH not in str(problem) or self._count_outputs(key) == count:
                raise
        return self._run(key, arrays, self._outputs[key], timeout)

    def _count_outputs(self, key: str) -> int:
        words = self.redis.execute_command("AI.MODELGET", key, "SIGNATURE")
        self._outputs[key] = len(words[3])
        return self._outputs[key]

    def _run(self, key: str, arrays, count: int, timeout: int):
        """One AI.DAGEXECUTE: its tensors have names of their own, which end with it."""
        inputs, outputs = names("x", len(arrays)), names("y", count)
        words = ["ROUTING", key, *(["TIMEOUT", timeout] if timeout else [])]
        for name, array in zip(inputs, arrays, strict=True):
            words += ["|>", "AI.TENSORSET", name, *tensor_words(array)]
        words += ["|>", "AI.MODELEXECUTE", key, "INPUTS", len(inputs), *inputs]
        words += ["OUTPUTS", count, *outputs]
        for name in outputs:
            words += ["|>", "AI.TENSORGET", name, "META", "BLOB"]
        replies = self.redis.execute_command("AI.DAGEXECUTE", *words)
        if replies in (b"TIMEDOUT", "TIMEDOUT"):
            raise TimeoutError(f"the model {key} was not run in time")
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        found = [array_of(reply) for reply in replies[-count:]]
        return found if count > 1 else found[0]


def names(letter: str, count: int) -> list[str]:
    return [f"{letter}{i}" for i in range(count)]


def backend_of(blob: bytes) -> str:
    """safetensors begin with a length and the text of their header."""
    return "RESPNET" if blob[8:9] == b"{" else "ONNX"


def tensor_words(array) -> list:
    """The words after the key of AI.TENSORSET."""
    array = np.asarray(array)
    if array.dtype.kind in "SUO":
        return ["STRING", *array.shape, "VALUES", *array.ravel().tolist()]
    dtype = array.dtype.newbyteorder("<")
    if dtype not in TYPES:
        known = ", ".join(str(one) for one in TYPES)
        raise TypeError(f"a tensor holds {known} or text, got an array of {array.dtype}")
    return [TYPES[dtype], *array.shape, "BLOB", array.astype(dtype, copy=False).tobytes()]


def array_of(reply) -> np.ndarray:
    """The array of a reply of AI.TENSORGET META BLOB."""
    fields = dict(zip(reply[::2], reply[1::2], strict=True))
    dtype, shape, blob = fields[b"dtype"].decode(), fields[b"shape"], fields[b"blob"]
    if dtype == "STRING":
        return np.array(blob.split(b"\0")[:-1], object).reshape(shape)
    return np.frombuffer(blob, DTYPES[dtype]).reshape(shape).copy()
