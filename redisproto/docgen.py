"""``python -m respnet.redisproto.docgen``: writes docs/commands.md from the command table."""

from pathlib import Path

from . import table
from .reply_types import describe

TITLES = {"connection": "Connection", "generic": "Keys", "string": "Strings",
          "transactions": "Transactions", "hash": "Hashes",
          "list": "Lists", "set": "Sets", "server": "Server", "cluster": "Cluster",
          "scripting": "Scripts of Redis",
          "nr": "Neural networks", "ai": "Tensors, models, scripts"}
HEAD = """# Commands

Written by `python -m respnet.redisproto.docgen` from the command table; do not edit. Arguments in
brackets may be missing, `|` separates alternatives, words in capitals are written as they are, in
any case. *Since* is the version of Redis that brought the command, where Redis has it.
"""


def page():
    """The whole page as text."""
    groups = {}
    for row in leaves():
        groups.setdefault(row.group, []).append(row)
    order = sorted(groups, key=lambda group: (list(TITLES) + [group]).index(group))
    return HEAD + "".join(chapter(TITLES.get(group, group), groups[group]) for group in order)


def leaves():
    """All rows that do something: subcommands in the place of their containers."""
    for top in table.rows:
        if not top.subcommands or top.arity == -1:
            yield top
        yield from (row for row in top.subcommands.values() if row.name != "help")


def chapter(title, rows):
    lines = [f"\n## {title}\n", "\n| command | does | answers | cost | flags | since |\n",
             "|---|---|---|---|---|---|\n"]
    return "".join(lines + [line(row) for row in rows])


def line(row):
    usage = row.usage().removesuffix(" <subcommand>")
    cells = [f"`{usage}`", row.summary, describe(row.reply), row.complexity,
             " ".join(sorted(row.flags)), row.since]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def target():
    return Path(__file__).resolve().parents[1] / "docs" / "commands.md"


if __name__ == "__main__":
    target().write_text(page(), encoding="utf-8")
