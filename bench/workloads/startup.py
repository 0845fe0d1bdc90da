"""Import time and memory, each import in a fresh interpreter.

Measured inside the new process around the import alone: the start of Python is the same for all.
``import respnet`` puts most of its work off until a name is used, so the import of ``Network``,
which loads NumPy and the engine, is measured too and has to meet the same bar.
"""

import importlib.util
import subprocess
import sys

from ..harness import Bar, Contest
from ..pinning import ALL_CPUS, on_cpus

TITLE = "Import in a fresh interpreter"
STATEMENTS = {
    "respnet": "from respnet import Network",
    "import respnet": "import respnet",
    "numpy": "import numpy",
    "onnxruntime": "import onnxruntime",
    "torch": "import torch",
}
PROGRAM = """
import time
began, wall = time.process_time_ns(), time.perf_counter_ns()
{}
print(time.perf_counter_ns() - wall, time.process_time_ns() - began)
print(*[line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")])
"""


class Import:
    """A statement run by a process of its own; the first, from a cold disk, is not measured."""

    def __init__(self, statement: str):
        self.command = [sys.executable, "-c", PROGRAM.format(statement)]

    def warm_up(self, seconds):
        self.sample()

    def sample(self):
        with on_cpus(ALL_CPUS):
            done = subprocess.run(self.command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{self.command} failed: {done.stderr}")
        wall, cpu, kib = map(int, done.stdout.split())
        return {"import_ms": wall / 1e6, "cpu_ms": cpu / 1e6, "peak_mib": kib / 1024}


def contests(quick):
    wanted = ["respnet", "numpy"] if quick else list(STATEMENTS)
    there = [name for name in wanted if importlib.util.find_spec(name.split()[-1])]
    yield Contest(
        "import",
        {name: Import(STATEMENTS[name]) for name in there},
        lambda: f"respnet is `{STATEMENTS['respnet']}`; the bar is what it adds to NumPy's.",
        tuple(Bar(at_most=25, against="numpy", metric="import_ms", side=name)
              for name in list(STATEMENTS)[:2]),
        {name: "not installed" for name in wanted if name not in there},
        "import_ms",
    )
