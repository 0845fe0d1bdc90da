"""``python -m bench WORKLOAD... [--quick] [--json FILE] [--rounds N]`` from the repository root."""

from .pinning import pin

pin()  # before anything imports a numeric library

import argparse  # noqa: E402
import importlib  # noqa: E402
import importlib.util  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from contextlib import closing  # noqa: E402
from datetime import UTC, datetime  # noqa: E402
from pathlib import Path  # noqa: E402

from . import harness, machine, report, results  # noqa: E402

WORKLOADS = {
    "rprop": "bench.workloads.rprop",
    "inference": "bench.workloads.inference",
    "train": "bench.workloads.train",
    "rnn": "bench.workloads.rnn",
    "cnn": "bench.workloads.cnn",
    "keras": "bench.workloads.keras",
    "gpu": "bench.workloads.gpu",
    "fit": "bench.workloads.fit",
    "memory": "bench.workloads.memory",
    "resp": "bench.workloads.resp",
    "ai": "bench.workloads.ai",
    "stall": "bench.workloads.stall",
    "startup": "bench.workloads.startup",
    "size": "bench.workloads.size",
    "kernels": "bench.kernels",
    "accuracy": "bench.accuracy",
}
# What `all` runs; the others take minutes and are asked for by name.
ALL = ("rprop", "inference", "train", "startup", "resp")


def workloads() -> list[str]:
    """Names of the workloads that are there."""
    return [name for name, module in WORKLOADS.items() if importlib.util.find_spec(module)]


def arguments(argv):
    names = workloads()
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument("workload", nargs="+", choices=[*names, "all"], metavar="WORKLOAD",
                        help=f"all ({', '.join(ALL)}) or any of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, help="samples of every side (default 9)")
    parser.add_argument("--quick", action="store_true", help="does it work? figures are noise")
    parser.add_argument("--only", default="", help="contests whose name contains this")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the samples and results")
    options = parser.parse_args(argv)
    options.rounds = options.rounds or (3 if options.quick else 9)
    if options.rounds < 1:
        parser.error(f"--rounds got {options.rounds}, wanted at least 1")
    return options


def run(name, options) -> dict:
    """Measure one workload and print its tables as they come."""
    module = importlib.import_module(WORKLOADS[name])
    began, measured = time.monotonic(), []
    print(f"\n## {module.TITLE}\n", flush=True)
    with closing(module.contests(options.quick)) as contests:
        for contest in contests:
            if options.only not in contest.name:
                continue
            verified = contest.verify()
            samples = harness.measure(contest, options.rounds, 0.002 if options.quick else 0.03)
            measured.append(results.document(contest, samples, verified))
            print("\n".join(report.contest_lines(measured[-1])), "\n", flush=True)
    seconds = time.monotonic() - began
    return {"name": name, "title": module.TITLE, "contests": measured, "seconds": seconds}


def main(argv=None) -> int:
    options = arguments(argv)
    wanted = [x for name in options.workload for x in (ALL if name == "all" else [name])]
    present = [name for name in dict.fromkeys(wanted) if name in workloads()]
    document = {
        "format": 1,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.description(),
        "rounds": options.rounds,
        "quick": options.quick,
    }
    try:
        document["workloads"] = [run(name, options) for name in present]
    except harness.Disagreement as error:
        print(f"the sides do not compute the same: {error}", file=sys.stderr)
        return 1
    if options.json:
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
