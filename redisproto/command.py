"""One row of the command table, and the decorator that writes it.

    rows = Family("string", since="1.0.0")

    @rows.command("get", key(), flags="readonly fast", reply=bytes | None,
                  summary="Get the value of a key", complexity="O(1)")
    def get(session, request): ...

Dispatch, arity, COMMAND, docs/commands.md and the reply checks of the tests come from the row.
``reply`` is written as Python types, because replies are written by Python type: ``str`` simple
string, ``bytes`` bulk, ``int``, ``float`` double, ``None`` null, ``list[...]``, ``dict``, ``set``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from .errors import CommandError
from .signature import SYNTAX, Signature
from .words import Rest

ERROR_WORD = 128  # bytes of a client's word that an error repeats

GROUP_CATEGORIES = {
    "generic": "keyspace",
    "connection": "connection",
    "string": "string",
    "transactions": "transaction",
    "nr": "nr",
    "ai": "ai",
    "hash": "hash",
    "list": "list",
    "set": "set",
}
FLAG_CATEGORIES = {
    "readonly": {"read"},
    "write": {"write"},
    "admin": {"admin", "dangerous"},
}


def wrong_count(name):
    """The error for a command called ``name`` (bytes) with too few or too many words."""
    shown = name[:ERROR_WORD].decode("latin-1")
    return CommandError(f"ERR wrong number of arguments for '{shown}' command")


@dataclass(eq=False, repr=False)
class Command:
    """Name, handler, grammar, flags; ``fast`` is set by the connection for the hot path."""

    name: str
    handler: Callable  # handler(session, request) -> value
    items: tuple = ()
    group: str = ""
    since: str = ""  # the Redis version, or ours, that brought it
    summary: str = ""  # at most 80 characters
    complexity: str = "O(1)"
    reply: object = None  # a type: what the handler returns
    flags: frozenset = ""  # written as words with blanks between, Redis' flag names
    categories: frozenset = None  # written like flags; without: from the group
    arity: int = 0  # without: from the grammar
    told_key: int = 0  # the first key as COMMAND INFO tells it; without: from the grammar
    error: str = SYNTAX  # for words that do not fit the grammar
    parent: "Container" = None
    fast: object = None
    subcommands: dict = field(default_factory=dict)

    def __post_init__(self):
        self.flags = frozenset(self.flags.split())
        self.signature = Signature(self.items, start=2 if self.parent else 1, error=self.error)
        self.arity = self.arity or self.signature.arity
        self.first, self.last, self.step = self.signature.key_range()
        if self.signature.movable():
            self.flags |= {"movablekeys"}
        self.categories = self._categories(self.categories)

    def _categories(self, extra):
        if extra is None:
            extra = GROUP_CATEGORIES.get(self.group, "")
        found = set(extra.split())
        for flag, implied in FLAG_CATEGORIES.items():
            if flag in self.flags:
                found |= implied
        return frozenset(found | ({"fast"} if "fast" in self.flags else {"slow"}))

    @property
    def full_name(self):
        """``client|setname`` for a subcommand."""
        return f"{self.parent.name}|{self.name}" if self.parent else self.name

    @property
    def told_range(self):
        """(first, last, step) of COMMAND INFO."""
        return ((self.told_key, self.told_key, 1) if self.told_key
                else (self.first, self.last, self.step))

    @property
    def told_arity(self):
        """A module's commands tell none: they count their words themselves."""
        return -1 if self.group == "ai" else self.arity

    @property
    def denies_oom(self):
        return "denyoom" in self.flags

    def resolve(self, argv):
        """The row that serves these words: itself, or a subcommand. Checks the arity."""
        if len(argv) < -self.arity or (self.arity > 0 and len(argv) != self.arity):
            typed = self.group == "ai"  # as RedisAI's clients expect it
            raise wrong_count(argv[0] if typed else self.full_name.encode())
        return self

    def parse(self, argv):
        """Words (name included) -> request."""
        return self.signature.parse(argv)

    def __call__(self, session, argv):
        """Resolve, parse and run."""
        row = self.resolve(argv)
        return row.handler(session, row.parse(argv))

    def keys(self, argv):
        """The keys among the words of a request."""
        row = self.resolve(argv)
        if "movablekeys" in row.flags or row.signature.hides_keys():
            return row.signature.keys(argv)
        if not row.first:
            return []
        last = row.last if row.last >= 0 else len(argv) + row.last
        return argv[row.first : last + 1 : row.step]

    def usage(self):
        name = self.full_name.upper().replace("|", " ")
        return f"{name} {self.signature.usage()}".rstrip()

    def __repr__(self):
        return f"<Command {self.full_name} arity={self.arity}>"


class Container(Command):
    """A command of subcommands; ``handler`` serves the bare name, if that is allowed."""

    def __init__(self, name, handler=None, **fields):
        fields.setdefault("arity", -1 if handler else -2)
        super().__init__(name, self.dispatch, (Rest("arg"),), **fields)
        self.alone = handler
        self.command("help", flags="loading stale", reply=list[str], since="5.0.0",
                     summary="Show what the subcommands do",
                     categories=" ".join(self.categories - {"slow", "fast"}) or None)(self.help)

    def command(self, name, *items, **fields):
        """Decorator: the function below serves this subcommand."""

        def add(handler):
            row = Command(name, handler, items, parent=self,
                          **{"group": self.group, "since": self.since, **fields})
            self.subcommands[name.encode()] = row
            return handler

        return add

    def resolve(self, argv):
        super().resolve(argv)
        if len(argv) == 1:
            return self
        return (self.subcommands.get(argv[1].lower()) or self.unknown(argv[1])).resolve(argv)

    def unknown(self, word):
        shown = word[:ERROR_WORD].decode("latin-1")
        raise CommandError(f"ERR unknown subcommand '{shown}'. Try {self.name.upper()} HELP.")

    def parse(self, argv):
        row = self.resolve(argv)
        request = row.signature.parse(argv)
        request.row = row
        return request

    def dispatch(self, session, request):
        row = request.row
        return (self.alone if row is self else row.handler)(session, request)

    def help(self, session, request):
        name = self.name.upper()
        lines = [f"{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
        for row in self.subcommands.values():
            lines += [row.usage()[len(name) + 1 :], f"    {row.summary}."]
        return lines

    def usage(self):
        return f"{self.name.upper()} <subcommand>"


class Family:
    """The rows of one file; ``since`` is the version that brought them."""

    def __init__(self, group, since="1.0.0"):
        self.defaults = {"group": group, "since": since}
        self.rows = []

    def command(self, name, *items, **fields):
        """Decorator: the function below is the handler of this row."""

        def add(handler):
            self.rows.append(Command(name, handler, items, **{**self.defaults, **fields}))
            return handler

        return add

    def fast(self, name, handler):
        """Give a row a handler over raw argument spans (a ``FastHandler``), tried first."""
        next(row for row in self.rows if row.name == name).fast = handler

    def container(self, name, handler=None, **fields):
        """A command of subcommands, whose rows are added by its own ``command`` decorator."""
        row = Container(name, handler, **{**self.defaults, **fields})
        self.rows.append(row)
        return row
