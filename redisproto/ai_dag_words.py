"""The words of AI.DAGEXECUTE and its kin: split into steps once, without copying any.

    order = Order(argv, KINDS["AI.DAGEXECUTE"])

Everything here is text; keys are looked up by ``ai_dag.py``.
"""

from dataclasses import dataclass, field

from .ai_words import LARGEST
from .errors import CommandError
from .numbers import parse_integer

ARROW = b"|>"
MOST_STEPS = 10_000
SHOWN = 128  # bytes of a client's word that an error repeats

UNEXPECTED = "ERR Invalid DAG command. Unexpected argument:  "
NO_KEYWORD = ("ERR AI.DAGEXECUTE and AI.DAGEXECUTE_RO commands must contain at least one out of "
              "ROUTING, LOAD, PERSIST keywords")
EMPTY = "ERR DAG is empty"
TOO_LONG = f"ERR a DAG has at most {MOST_STEPS} steps"
LOADS = "ERR number of keys to LOAD into DAG does not match the number of given arguments"
PERSISTS = ("ERR number of keys to PERSIST after DAG execution does not match the number of given "
            "arguments")
BAD_TIMEOUT = "ERR Invalid value for TIMEOUT"


@dataclass(frozen=True, eq=False)
class Kind:
    """One of the four commands: least words, the text for fewer, what it may do."""

    least: int
    missing: str
    readonly: bool = False
    deprecated: bool = False  # AI.DAGRUN: AI.MODELRUN inside, no keyword needed
    plans: dict = field(default_factory=dict)  # number of words -> the last ai_dag_plan.Plan


KINDS = {
    "AI.DAGEXECUTE": Kind(6, "ERR missing arguments for 'AI.DAGEXECUTE' command"),
    "AI.DAGEXECUTE_RO": Kind(6, "ERR missing arguments for 'AI.DAGEXECUTE_RO' command", True),
    "AI.DAGRUN": Kind(4, "ERR wrong number of arguments for 'AI.DAGRUN' command", False, True),
    "AI.DAGRUN_RO": Kind(4, "ERR wrong number of arguments for 'AI.DAGRUN_RO' command", True, True),
}


class Order:
    """loads: key -> what ``load`` says of it; persists, routing: keys; timeout: milliseconds or 0;
    steps: lists of words, which begin at ``starts``.

    ``load(key)`` is called for each key of LOAD as it is read: a missing one is told before what
    is wrong behind it.
    """

    def __init__(self, argv, kind, load=lambda key: None):
        if len(argv) < kind.least:
            raise CommandError(kind.missing)
        self.kind, self.load = kind, load
        self.loads, self.persists, self.routing, self.timeout = {}, {}, [], 0
        at, seen = 1, set()
        while at < len(argv) and argv[at] != ARROW:
            word = argv[at].lower()
            if word in seen or word not in KEYWORDS:
                raise unexpected(argv[at])
            seen.add(word)
            at = KEYWORDS[word](self, argv, at + 1)
        self.starts, self.steps = split(argv, at)
        if not kind.deprecated and not seen - {b"timeout"}:
            raise CommandError(NO_KEYWORD)
        if not self.steps:
            raise CommandError(EMPTY)

    def read_load(self, argv, at):
        keys, count = counted(argv, at, "LOAD")
        for key in keys:
            self.loads[key] = self.load(key)
        return behind(at, keys, count, LOADS)

    def read_persist(self, argv, at):
        if self.kind.readonly:
            raise CommandError("ERR PERSIST cannot be specified in a read-only DAG")
        keys, count = counted(argv, at, "PERSIST")
        self.persists = dict.fromkeys(keys)
        if len(self.persists) != len(keys):
            raise CommandError("ERR PERSIST keys must be unique")
        return behind(at, keys, count, PERSISTS)

    def read_routing(self, argv, at):
        if at == len(argv):
            raise CommandError("ERR Missing ROUTING value")
        self.routing = [argv[at]]
        return at + 1

    def read_timeout(self, argv, at):
        if at == len(argv):
            raise CommandError("ERR No value provided for TIMEOUT")
        self.timeout = parse_integer(argv[at], BAD_TIMEOUT)
        if not 0 < self.timeout <= LARGEST:
            raise CommandError(BAD_TIMEOUT)
        return at + 1


KEYWORDS = {b"load": Order.read_load, b"persist": Order.read_persist,
            b"routing": Order.read_routing, b"timeout": Order.read_timeout}


def counted(argv, at, keyword):
    """``n key ...`` -> (the keys there are, n)"""
    if len(argv) < at + 2:
        raise CommandError(f"ERR missing arguments after {keyword} keyword in DAG command")
    error = f"ERR invalid or negative value found in number of keys to {keyword}"
    count = parse_integer(argv[at], error)
    if count <= 0:
        raise CommandError(error)
    return argv[at + 1 : at + 1 + count], count


def behind(at, keys, count, error):
    """The place behind a count and its keys."""
    if len(keys) != count:
        raise CommandError(error)
    return at + 1 + count


def unexpected(word):
    return CommandError(UNEXPECTED + word[:SHOWN].decode("utf-8", "surrogateescape"))


def split(argv, at):
    """(place of the first word, words) of each step, as two lists; an arrow stands at ``at``."""
    starts, steps = [], []
    while at < len(argv):
        if at == len(argv) - 1:
            raise unexpected(argv[at])
        if len(steps) == MOST_STEPS:
            raise CommandError(TOO_LONG)
        start, at = at + 1, arrow(argv, at + 1)
        starts.append(start)
        steps.append(argv[start:at])
    return starts, steps


def arrow(argv, start):
    """The place of the next arrow, or the end; the two bytes of a blob may look like one."""
    end = start
    while True:
        try:
            end = argv.index(ARROW, end)
        except ValueError:
            return len(argv)
        if argv[end - 1].lower() != b"blob" or argv[start].lower() != b"ai.tensorset":
            return end
        end += 1
