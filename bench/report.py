"""Tables of a run, and ``bench/RESULTS.md`` from the JSON files of ``bench/results``.

``python -m bench.report`` rewrites the part of RESULTS.md between its two marks; the notes around
it are written by hand.
"""

import json
from pathlib import Path

FOLDER = Path(__file__).parent
MARKS = ("<!-- measured: written by python -m bench.report -->", "<!-- end of measured -->")
VERDICT = {True: "met", False: "**missed**", None: "not measured"}


def number(value: float) -> str:
    """Three significant digits, without exponents."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3g}"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table, padded so that a terminal shows it well too."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]

    def line(cells):
        return "| " + " | ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) + " |"

    return [line(head), line(["-" * width for width in widths]), *map(line, rows)]


def spread(figures: dict) -> str:
    return f"{number(figures['median'])} ({number(figures['q1'])}..{number(figures['q3'])})"


def bar_text(bar: dict) -> str:
    """What the bar asks for, e.g. ``respnet cpu_us: at least 8x of numpy``."""
    limit = bar.get("at_least", bar.get("at_most"))
    word = "at least" if "at_least" in bar else "at most"
    peer = bar.get("against")
    tail = "" if not peer else f"x of {peer}" if "at_least" in bar else f" over {peer}"
    worst = ", worst" if bar.get("worst") else ""
    return f"{bar['side']} {bar['metric']}{worst}: {word} {limit:g}{tail}"


def contest_lines(contest: dict) -> list[str]:
    """The table of one contest, its bars and what was skipped."""
    metrics = list(next(iter(contest["sides"].values())))
    head = [contest["name"], *metrics]
    if contest["ratios"]:
        peer = contest["baseline"]
        head.append(f"times {peer}" if peer else "respnet is times better")
    rows = []
    for name, figures in contest["sides"].items():
        row = [name, *(spread(figures[metric]) for metric in metrics)]
        if contest["ratios"]:
            row.append(spread(contest["ratios"][name]) if name in contest["ratios"] else "")
        rows.append(row)
    lines = table(head, rows) + ["", contest["verified"]]
    lines += [f"- {bar_text(bar)}: {verdict(bar)}" for bar in contest["bars"]]
    return lines + [f"- {name} skipped: {why}" for name, why in contest["skipped"].items()]


def verdict(bar: dict) -> str:
    if bar["measured"] is None:
        return VERDICT[None]
    return f"{number(bar['measured'])}, {VERDICT[bar['met']]}"


def latest(folder: Path) -> dict[str, tuple[dict, dict]]:
    """Workload -> (its newest run, the workload in it); quick runs do not count."""
    runs = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    found = {}
    for run in sorted(runs, key=lambda run: run["date"]):
        if not run["quick"]:
            found.update({workload["name"]: (run, workload) for workload in run["workloads"]})
    return found


def workload_lines(run: dict, workload: dict) -> list[str]:
    machine = run["machine"]
    versions = ", ".join(f"{k} {v}" for k, v in machine["versions"].items())
    lines = [
        f"## {workload['title']}", "",
        f"`python -m bench {workload['name']}`, {run['rounds']} rounds, {run['date'][:10]}, "
        f"commit {machine['commit']}, {machine['processor']}, kernels {machine['level']}, "
        f"load {machine['load']:.1f}; {versions}.", "",
    ]
    for contest in workload["contests"]:
        lines += contest_lines(contest) + [""]
    return lines


def bars_table(found: dict) -> list[str]:
    rows = [
        [contest["name"], bar_text(bar), verdict(bar), f"`python -m bench {name}`"]
        for name, (_, workload) in found.items()
        for contest in workload["contests"]
        for bar in contest["bars"]
    ]
    return ["## Bars", "", *table(["contest", "bar", "measured", "command"], rows), ""]


def rewrite(text: str, found: dict) -> str:
    """``text`` with what stands between the marks replaced by the tables of ``found``."""
    before, first, rest = text.partition(MARKS[0])
    _, last, after = rest.partition(MARKS[1])
    if not (first and last):
        raise ValueError(f"RESULTS.md has lost its marks {MARKS}")
    lines = bars_table(found)
    for run, workload in found.values():
        lines += workload_lines(run, workload)
    return before + "\n".join([first, "", *lines, last]) + after


if __name__ == "__main__":
    target = FOLDER / "RESULTS.md"
    target.write_text(rewrite(target.read_text(), latest(FOLDER / "results")))
