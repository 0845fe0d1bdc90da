"""COMMAND: the table tells about itself."""

from ..command import Family
from ..errors import CommandError
from ..glob import matcher
from ..grammar import many, oneof, option, options, pattern, rest, string

rows = Family("server", since="2.8.13")

FLAGS = "loading stale"


def every(session, request):
    return [describe(row) for row in session.server.table.rows]


command = rows.container("command", every, flags=FLAGS, categories="connection", reply=list[list],
                         complexity="O(N) where N is the number of commands",
                         summary="Describe all commands")


def subcommand(name, *items, **fields):
    return command.command(name, *items, flags=FLAGS, categories="connection", **fields)


def describe(row):
    """The ten fields of COMMAND INFO."""
    return [
        row.full_name.encode(), row.told_arity, set(row.flags), *row.told_range,
        {f"@{name}" for name in row.categories}, [], key_specs(row),
        [describe(one) for one in row.subcommands.values()],
    ]


def key_specs(row):
    """Where the keys are, in the newer form: a range from an index on."""
    first, last, step = row.told_range
    if not first:
        return []
    last = last if last < 0 else last - first
    return [{
        "flags": {"RO", "access"} if "readonly" in row.flags else {"RW", "update"},
        "begin_search": {"type": b"index", "spec": {"index": first}},
        "find_keys": {"type": b"range",
                      "spec": {"lastkey": last, "keystep": step, "limit": 0}},
    }]


@subcommand("count", reply=int, summary="Count the commands")
def count(session, request):
    return len(session.server.table.rows)


@subcommand("info", rest("command-name"), reply=list[list | None],
            complexity="O(N) where N is the number of commands asked for",
            summary="Describe commands")
def info(session, request):
    table, names = session.server.table, request.argv[2:]
    found = [table.find(name) for name in names] if names else table.rows
    return [row and describe(row) for row in found]


@subcommand("docs", rest("command-name"), since="7.0.0", reply=dict,
            complexity="O(N) where N is the number of commands asked for",
            summary="Documentation of commands")
def docs(session, request):
    table, names = session.server.table, request.argv[2:]
    found = [table.find(name) for name in names] if names else table.rows
    return {row.full_name.encode(): document(row) for row in found if row}


def document(row):
    page = {b"summary": row.summary.encode(), b"since": row.since.encode(),
            b"group": row.group.encode(), b"complexity": row.complexity.encode()}
    if row.subcommands:
        page[b"subcommands"] = {one.full_name.encode(): document(one)
                               for one in row.subcommands.values()}
    elif arguments := row.signature.docs():
        page[b"arguments"] = [encoded(argument) for argument in arguments]
    return page


def encoded(argument):
    """All text as bulk strings, but for flags: redis-cli ends where a name is a simple string."""
    bulk = {name.encode(): value.encode() if isinstance(value, str) else value
            for name, value in argument.items()}
    if b"arguments" in bulk:
        bulk[b"arguments"] = [encoded(inner) for inner in bulk[b"arguments"]]
    return bulk


@subcommand("list", options(option("FILTERBY", oneof(option("MODULE", string("module-name")),
                                                     option("ACLCAT", string("category")),
                                                     option("PATTERN", pattern())))),
            since="7.0.0", reply=list[bytes],
            complexity="O(N) where N is the number of commands",
            summary="List the names of commands")
def list_(session, request):
    names = [row for top in session.server.table.rows for row in (top, *top.subcommands.values())]
    if request.module_name is not None:
        names = [row for row in names if row.group.encode() == request.module_name]
    if request.category is not None:
        names = [row for row in names
                 if request.category.lower().decode("latin-1") in row.categories]
    if request.pattern is not None:
        match = matcher(request.pattern.lower())
        names = [row for row in names if match(row.full_name.encode())]
    return [row.full_name.encode() for row in names]


@subcommand("getkeys", many(string("word"), name="words", least=2), since="2.8.13",
            reply=list[bytes], complexity="O(N) where N is the number of arguments",
            summary="Extract the keys from a command")
def getkeys(session, request):
    row = session.server.table.lookup(request.words[0])
    if row is None:
        raise CommandError("ERR Invalid command specified")
    try:
        row = row.resolve(request.words)
    except CommandError:
        raise CommandError("ERR Invalid number of arguments specified for command") from None
    if not row.first and "movablekeys" not in row.flags:
        raise CommandError("ERR The command has no key arguments")
    try:
        return row.keys(request.words)
    except CommandError:
        raise CommandError("ERR Invalid arguments specified for command") from None
