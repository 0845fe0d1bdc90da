"""What AI.MODELSTORE and AI.MODELEXECUTE (and their older forms) ask for, read from their words."""

import re
import time
from dataclasses import dataclass

from .ai_backends import BACKENDS
from .ai_model import Options, text
from .ai_words import Words
from .errors import CommandError

DEVICE = re.compile(rb"(?:CPU|GPU)(?::[0-9]+)?", re.I)
DEVICE_LETTERS = 9
NO_BLOB = "ERR Insufficient arguments, missing model BLOB"
NOT_BLOB = "ERR Invalid argument, expected BLOB"
IN_MULTI = "ERR Cannot run RedisAI command within a transaction or a LUA script"


# -- storing


def store_order(argv, old=False):
    """(Options, words of the blob) of AI.MODELSTORE, or of AI.MODELSET if ``old``."""
    words = Words(argv, 2)
    found = {"backend": backend(words), "device": device(words)}
    if words.match(b"TAG"):
        found["tag"] = text(words.take("ERR Insufficient arguments, missing model TAG"))
    found |= batching(words)
    found |= names(words, found["backend"], old_names if old else counted_names)
    return Options(**found), blob(words)


def backend(words):
    name = text(words.take("ERR unsupported backend")).upper()
    if name not in BACKENDS:
        raise CommandError("ERR unsupported backend")
    return name


def device(words, error="ERR Invalid DEVICE"):
    word = words.take(error)
    if len(word) > DEVICE_LETTERS or not DEVICE.fullmatch(word):
        raise CommandError(error)
    return word.decode()


def batching(words):
    """BATCHSIZE, MINBATCHSIZE, MINBATCHTIMEOUT; each needs the one before."""
    found = {}
    if words.match(b"BATCHSIZE"):
        found["batch"] = words.number("ERR Invalid argument for BATCHSIZE")
    if words.match(b"MINBATCHSIZE"):
        if not found.get("batch"):
            raise CommandError("ERR MINBATCHSIZE specified without BATCHSIZE")
        found["min_batch"] = words.number("ERR Invalid argument for MINBATCHSIZE")
    if words.match(b"MINBATCHTIMEOUT"):
        if not found.get("min_batch"):
            raise CommandError("ERR MINBATCHTIMEOUT specified without MINBATCHSIZE")
        found["min_timeout"] = words.number("ERR Invalid argument for MINBATCHTIMEOUT")
    return found


def names(words, backend, read):
    """INPUTS and OUTPUTS: needed for TF, refused for those that tell their own."""
    found = {}
    for token in ("INPUTS", "OUTPUTS"):
        given = words.match(token.encode())
        if backend != "TF" and given:
            raise CommandError(
                f"ERR {token} argument should not be specified for this backend")
        if backend == "TF":
            if not given:
                raise CommandError(f"ERR {token} not specified for TF")
            found[token.lower()] = tuple(map(text, read(words, token.lower())))
    return found


def counted_names(words, what):
    count = words.number(f"ERR Invalid argument for {what[:-1]}_count", least=1)
    return words.some(count, f"ERR number of model {what} does not match the number of given "
                             "arguments")


def old_names(words, what):
    """Names up to the word that must follow."""
    end, start = b"OUTPUTS" if what == "inputs" else b"BLOB", words.at
    while words.left and words.argv[words.at].upper() != end:
        words.at += 1
    if words.at == start:
        raise CommandError(f"ERR {what.upper()} not specified for TF")
    return words.argv[start : words.at]


def blob(words):
    if not words.left:
        raise CommandError(NO_BLOB)
    if not words.match(b"BLOB"):
        raise CommandError(NOT_BLOB)
    if not words.left:
        raise CommandError(NO_BLOB)
    return words.some(words.left, NO_BLOB)


# -- running


@dataclass(frozen=True)
class RunOrder:
    """Keys of inputs and outputs; timeout in milliseconds, 0 for none."""

    inputs: list
    outputs: list
    timeout: int = 0

    @property
    def deadline(self):
        """As ``Run`` wants it, counted from now."""
        return time.monotonic() + self.timeout / 1000 if self.timeout else None


def execute_order(argv, at=2, command="AI.MODELEXECUTE", timeout=True):
    """``INPUTS n key ... OUTPUTS n key ... [TIMEOUT ms]`` from word ``at`` on; a DAG's steps have
    no time limit of their own."""
    words = Words(argv, at)
    inputs, outputs = INPUTS.read(words, command), OUTPUTS.read(words, command)
    limit = 0
    if words.left:
        word = words.take("")
        if word.upper() != b"TIMEOUT":
            raise CommandError(f"ERR Invalid argument: {text(word[:128])}")
        if not timeout:
            raise CommandError("ERR TIMEOUT not allowed within a DAG command")
        limit = time_limit(words)
    if words.left:
        raise CommandError(f"ERR Invalid argument: {text(words.argv[words.at][:128])}")
    return RunOrder(inputs, outputs, limit)


class Keys:
    """``INPUTS n key ...`` or ``OUTPUTS n key ...``; its texts are made once."""

    def __init__(self, what):
        self.what, self.token = what, f"{what.upper()}S".encode()
        self.missing = f"ERR {what.upper()}S not specified"
        self.bad_count = f"ERR Invalid argument for {what}_count"

    def read(self, words, command):
        if not words.match(self.token):
            raise CommandError(self.missing)
        count = words.number(self.bad_count, least=-(2**31))
        if count <= 0:
            raise CommandError(f"ERR {self.what.capitalize()} count must be a positive integer")
        if count > words.left:
            raise CommandError(f"ERR number of {self.what} keys to {command} command does not "
                               "match the number of given arguments")
        return words.some(count, self.missing)


INPUTS, OUTPUTS = Keys("input"), Keys("output")


def time_limit(words):
    if not words.left:
        raise CommandError("ERR No value provided for TIMEOUT")
    return words.number("ERR Invalid value for TIMEOUT", least=1)


def run_order(argv, at=2):
    """``[TIMEOUT ms] INPUTS key ... OUTPUTS key ...`` of AI.MODELRUN."""
    words, limit = Words(argv, at), 0
    if words.match(b"TIMEOUT"):
        limit = time_limit(words)
    if not words.match(b"INPUTS"):
        raise CommandError("ERR INPUTS not specified")
    rest = argv[words.at:]
    upper = [word.upper() for word in rest]
    if b"OUTPUTS" not in upper:
        raise CommandError("ERR OUTPUTS not specified")
    split = upper.index(b"OUTPUTS")
    return RunOrder(rest[:split], rest[split + 1 :], limit)


def refuse_in_multi(session):
    """A run ends later, EXEC answers now."""
    if session.server.keyspace.atomic:
        raise CommandError(IN_MULTI)


def check_counts(model, order):
    """CommandError unless an order names as many keys as the model takes and gives."""
    if len(model.inputs) == len(order.inputs) and len(model.outputs) == len(order.outputs):
        return
    for what, slots, names in (("INPUTS", model.inputs, order.inputs),
                               ("OUTPUTS", model.outputs, order.outputs)):
        if len(slots) != len(names):
            raise CommandError(f"ERR Number of keys given as {what} here does not match model "
                               "definition")
