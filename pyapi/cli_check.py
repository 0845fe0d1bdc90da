"""``respnet check DIR``: verify every checksum of a store that no server has open."""

import json

from .cli_errors import CliError

SUMMARY = "verify the checksums of a store, while no server has it open"
EXAMPLE = "respnet check /var/lib/respnet"

COUNTS = ("objects", "parts", "log_rows", "dropped")


def add(parser) -> None:
    parser.add_argument("dir", help="the server's --dir")
    parser.add_argument(
        "--drop-bad", action="store_true", help="delete just the rows that do not verify"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object for scripts")


def run(args) -> int:
    from respnet.redisproto.store import StoreError, check

    try:
        report = check(args.dir, drop_bad=args.drop_bad)
    except (StoreError, OSError) as problem:
        raise CliError(str(problem)) from None
    bad = [f"{d.table} {' '.join(map(readable, d.where))}: {d.reason}" for d in report.bad]
    if args.json:
        counts = {name: getattr(report, name) for name in COUNTS}
        print(json.dumps({"ok": report.ok, **counts, "structure": report.structure, "bad": bad}))
    else:
        show(args.dir, report, bad)
    return 0 if report.ok else 1


def readable(part) -> str:
    return repr(part)[1:] if isinstance(part, bytes) else str(part)


def show(folder: str, report, bad: list[str]) -> None:
    print(f"{folder}: {report.objects} keys, {report.parts} parts, {report.log_rows} log rows")
    for line in [*report.structure, *bad]:
        print(f"  bad: {line}")
    if report.structure:
        print("  the file itself is damaged: replace it by a backup")
    elif report.dropped:
        print(f"  dropped {report.dropped} rows; the rest verifies")
    elif bad:
        print(f"  respnet check {folder} --drop-bad deletes just these")
    else:
        print("  everything verifies")
