"""The command table: every row of every file in ``commands/``, found by the file's name.

A new file needs one thing: a ``rows`` of type ``Family``.
"""

from importlib import import_module
from pkgutil import iter_modules

from . import commands
from .command import Command, Container, Family  # noqa: F401
from .errors import CommandError

UNKNOWN_ARGS = 128  # bytes of arguments that an error repeats, as in Redis


def discover():
    """All rows, sorted by name; a name twice is a mistake."""
    found = {}
    for module in sorted(info.name for info in iter_modules(commands.__path__)):
        family = getattr(import_module(f"{commands.__name__}.{module}"), "rows", None)
        for row in family.rows if isinstance(family, Family) else ():
            if row.name in found:
                raise ValueError(f"two rows for the command {row.name}")
            found[row.name] = row
    return [found[name] for name in sorted(found)]


rows = discover()
# Clients send a name in one case or the other; both are found without converting.
_by_name = {spelling.encode(): row for row in rows for spelling in (row.name, row.name.upper())}


def lookup(name):
    """The row of a command name in any case, or None."""
    return _by_name.get(name) or _by_name.get(name.lower())


def find(name):
    """Like lookup, but knows subcommands too: ``client|setname``."""
    first, bar, second = name.lower().partition(b"|")
    row = lookup(first)
    return row.subcommands.get(second) if row and bar else row


def unknown(argv):
    """The error for a name that is not in the table; quotes at most 128 bytes of each part."""
    name = argv[0][:UNKNOWN_ARGS].decode("latin-1")
    args, room = "", UNKNOWN_ARGS
    for word in argv[1:]:
        if len(args) >= UNKNOWN_ARGS:
            break
        args += f"'{word[: room - len(args)].decode('latin-1')}' "
    return CommandError(f"ERR unknown command '{name}', with args beginning with: {args}")


def resolve(argv):
    """The row that serves these words; CommandError for a wrong name, subcommand or count."""
    row = lookup(argv[0])
    if row is None:
        raise unknown(argv)
    return row.resolve(argv)
