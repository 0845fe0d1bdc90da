"""Peak memory of a process that trains three steps, each in a fresh interpreter."""

from ..pinning import pin

if __name__ == "__main__":
    pin()  # before anything imports a numeric library

import resource
import subprocess
import sys

from ..harness import Bar, Contest
from ..pinning import ALL_CPUS, on_cpus
from . import rnn

TITLE = "Peak memory of training, three steps in a process of its own"
ABOUT = "Of the whole process, imports included."
BARS = {"char-GRU 3 x 512, 30 steps": 2.0, "LSTM 50, 100 on windows of 50": 5.0}
class Process:
    """The program of one side; lower is better."""

    def __init__(self, side: str, name: str):
        self.command = [sys.executable, "-m", __name__, side, name]

    def warm_up(self, seconds):
        """Every process begins cold."""

    def sample(self):
        with on_cpus(ALL_CPUS):
            done = subprocess.run(self.command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{self.command} failed: {done.stderr}")
        return {"peak_mib": int(done.stdout.split()[-1]) / 1024}


def contests(quick):
    for name, limit in BARS.items():
        rows = rnn.TRAINING[name][3]
        if quick and rows < 500:
            continue
        sides = {side: Process(side, name) for side in ("respnet", "torch")}
        bars = (Bar(at_least=limit, against="torch", metric="peak_mib"),)
        yield Contest(f"{name}, {rows} rows", sides, lambda: ABOUT, bars, metric="peak_mib")


def train(side: str, name: str) -> None:
    """Three steps of one side in this process; prints the peak of its memory in KiB."""
    found, _ = rnn.training_sides((side,), *rnn.TRAINING[name][:4])
    for _ in range(3):
        found[side].call()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    train(*sys.argv[1:])
