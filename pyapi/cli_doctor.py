"""``respnet doctor``: what this machine has, what respnet makes of it, one line of advice each."""

import json
import platform
from dataclasses import asdict

from . import __version__
from .machine import Finding, machine_findings

SUMMARY = "show processor, memory, libraries and what to do about them"
EXAMPLE = "respnet doctor --json"


def add(parser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON list for scripts")


def versions() -> Finding:
    python = f"Python {platform.python_version()}"
    return Finding("version", f"respnet {__version__}, {python}, {platform.machine()}", "fine")


def run(args) -> int:
    found = [versions(), *machine_findings()]
    if args.json:
        print(json.dumps([asdict(f) for f in found], indent=2))
    else:
        show(found)
    return 0 if all(f.ok for f in found) else 1


def show(found: list[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(style="dim", overflow="fold")
    for f in found:
        table.add_row(Text(f.name, style="" if f.ok else "red"), Text(f.value), Text(f.advice))
    Console().print(table)
