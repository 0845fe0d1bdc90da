"""What AI.SCRIPTSTORE and AI.SCRIPTEXECUTE (and their older forms) ask for, from their words."""

import time
from dataclasses import dataclass, field

from .ai_backends import NO_GPU
from .ai_model import text
from .ai_orders import device, time_limit
from .ai_script import ScriptOptions
from .ai_words import Words
from .command import wrong_count
from .errors import CommandError

NO_ENTRY_POINTS = "ERR Insufficient arguments, missing script entry points"
BAD_COUNT = "ERR Non numeric entry points number provided to AI.SCRIPTSTORE command"
NO_SOURCE = "ERR Insufficient arguments, missing script SOURCE"
MOST_NAMES = 10_000  # entry points
SHOWN = 128  # letters of a word that an error repeats

FIRST = "ERR KEYS or INPUTS scope must be provided first for AI.SCRIPTEXECUTE command"
TWICE = "ERR Already Encountered {} scope in AI.SCRIPTEXECUTE command"
NO_KEYS = "ERR Missing arguments after KEYS keyword"
BAD_KEYS = "ERR Invalid or negative value found in number of KEYS"
FEW_KEYS = ("ERR Number of pre declared KEYS to be used in the command does not match the number "
            "of given arguments")
LATE = "ERR Encountered problem parsing AI.SCRIPTEXECUTE"
NO_LIMIT = "ERR No value provided for TIMEOUT in AI.SCRIPTEXECUTE"
UNEXPECTED = "ERR Invalid AI.SCRIPTEXECUTE command. Unexpected argument: {}"
OWN_TIMEOUT = "ERR TIMEOUT not allowed within a DAG command"
UNRECOGNIZED = "ERR Unrecongnized parameter to SCRIPTRUN"  # their spelling
SECOND_LIST = "ERR Already encountered a variable size list of tensors"


# -- storing


def store_order(argv):
    """(ScriptOptions, source) of AI.SCRIPTSTORE."""
    words = Words(argv, 3)
    tag = tag_of(words)
    if not words.match(b"ENTRY_POINTS"):
        raise CommandError(NO_ENTRY_POINTS)
    count = words.number(BAD_COUNT)
    if count > MOST_NAMES:
        raise CommandError(f"ERR a script has at most {MOST_NAMES} entry points")
    names = tuple(map(text, words.some(count, NO_ENTRY_POINTS)))
    return ScriptOptions(checked_device(argv), tag, names), source_of(words)


def set_order(argv):
    """(ScriptOptions, source) of AI.SCRIPTSET."""
    if len(argv) not in (5, 7):
        raise wrong_count(argv[0])
    words = Words(argv, 3)
    tag = tag_of(words)
    return ScriptOptions(checked_device(argv), tag), source_of(words)


def tag_of(words):
    return text(words.take(NO_SOURCE)) if words.match(b"TAG") else ""


def checked_device(argv):
    name = device(Words(argv, 2), "ERR unsupported device")
    if name.upper().startswith("GPU"):
        raise CommandError(NO_GPU)
    return name


def source_of(words):
    if not words.match(b"SOURCE"):
        raise CommandError(NO_SOURCE)
    source = words.take(NO_SOURCE)
    if words.left:
        raise CommandError(f"ERR Invalid argument: {text(words.argv[words.at][:SHOWN])}")
    return source


# -- running


@dataclass
class ScriptOrder:
    """keys, args: str; inputs, outputs: keys of tensors; split: how many inputs stand before the
    list that ``$`` began, or None; timeout in milliseconds, 0 for none."""

    keys: list = field(default_factory=list)
    inputs: list = field(default_factory=list)
    args: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    timeout: int = 0
    split: int | None = None
    key_words: list = field(default_factory=list)  # KEYS as they came

    @property
    def deadline(self):
        """As ``Run`` wants it, counted from now."""
        return time.monotonic() + self.timeout / 1000 if self.timeout else None


def execute_order(argv, at=3, in_dag=False):
    """``[KEYS n k ...] [INPUTS n k ...] [ARGS n a ...] [OUTPUTS n k ...] [TIMEOUT ms]``; in a DAG
    they may begin with any, and have no time limit of their own."""
    words, order, seen = Words(argv, at), ScriptOrder(), set()
    if not in_dag and (not words.left or words.argv[at].upper() not in (b"KEYS", b"INPUTS")):
        raise CommandError(FIRST)
    while words.left:
        word = words.take(LATE).upper()
        if word == b"TIMEOUT":
            order.timeout = limit_of(words, in_dag)
            break
        if word not in SCOPES:
            raise CommandError(UNEXPECTED.format(text(words.argv[words.at - 1][:SHOWN])))
        if word in seen:
            raise CommandError(TWICE.format(word.decode()))
        seen.add(word)
        SCOPES[word](order, words)
    if words.left:
        raise CommandError(LATE)
    return order


def limit_of(words, in_dag):
    if in_dag:
        raise CommandError(OWN_TIMEOUT)
    if not words.left:
        raise CommandError(NO_LIMIT)
    return time_limit(words)


def keys_scope(order, words):
    if words.left < 2:
        raise CommandError(NO_KEYS)
    order.key_words = words.some(words.number(BAD_KEYS), FEW_KEYS)
    order.keys = list(map(text, order.key_words))


def scope(attribute, what):
    """A reader of ``n word ...`` into an attribute of the order."""

    def read(order, words):
        count = words.number(f"ERR Invalid argument for {what} count in AI.SCRIPTEXECUTE")
        setattr(order, attribute, words.some(
            count, f"ERR number of {what} to AI.SCRIPTEXECUTE command does not match the number of "
                   "given arguments"))

    return read


def args_scope(order, words):
    scope("args", "args")(order, words)
    order.args = list(map(text, order.args))


SCOPES = {b"KEYS": keys_scope, b"INPUTS": scope("inputs", "input keys"), b"ARGS": args_scope,
          b"OUTPUTS": scope("outputs", "output keys")}


def run_order(argv, at=3, in_dag=False):
    """``[TIMEOUT ms] [INPUTS k ...] [$ k ...] [OUTPUTS k ...]`` of AI.SCRIPTRUN."""
    words, order, into = Words(argv, at), ScriptOrder(), None
    if words.match(b"TIMEOUT"):
        if in_dag:
            raise CommandError(OWN_TIMEOUT)
        order.timeout = time_limit(words)
    while words.left:
        word = words.take(UNRECOGNIZED)
        if word.upper() in (b"INPUTS", b"OUTPUTS"):
            into = order.inputs if word.upper() == b"INPUTS" else order.outputs
        elif into is None:
            raise CommandError(UNRECOGNIZED)
        elif word == b"$" and into is order.inputs:
            if order.split is not None:
                raise CommandError(SECOND_LIST)
            order.split = len(into)
        else:
            into.append(word)
    return order
