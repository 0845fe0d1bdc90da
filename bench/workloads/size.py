"""What an installation without extras downloads, and how large it is. Needs a package index.

The wheel is built from a copy of the files git knows (an old ``build/`` would leak into it); pip
then downloads the wheels of its dependencies, and all are installed into an empty folder.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ..harness import Bar, Contest
from ..pinning import ALL_CPUS, on_cpus

TITLE = "Size of an installation without extras"
ROOT = Path(__file__).parents[2]
BARS = (
    Bar(at_most=3, metric="wheel_mb"),
    Bar(at_most=30, metric="download_mb"),
)


class Installation:
    """Built and measured once; every sample is the same."""

    def warm_up(self, seconds):
        with tempfile.TemporaryDirectory() as name, on_cpus(ALL_CPUS):
            folder = Path(name)
            copy_sources(folder / "source")
            pip("wheel", "--no-deps", "--no-build-isolation", "-w", folder / "own",
                folder / "source")
            (wheel,) = (folder / "own").iterdir()
            pip("download", "-d", folder / "all", wheel)
            pip("install", "--no-deps", "--no-compile", "--target", folder / "installed",
                *(folder / "all").iterdir())
            self.sizes = {
                "wheel_mb": wheel.stat().st_size / 1e6,
                "download_mb": tree_mb(folder / "all"),
                "respnet_installed_mb": tree_mb(folder / "installed" / "respnet"),
                "installed_mb": tree_mb(folder / "installed"),
            }

    def sample(self):
        return self.sizes


def copy_sources(target: Path):
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)


def pip(*words):
    command = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr[-2000:]}")


def tree_mb(folder: Path) -> float:
    """Bytes of all files below ``folder``, in millions."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def contests(quick):
    note = "MB are millions of bytes; downloads are the wheel and those of its dependencies."
    yield Contest("installation", {"respnet": Installation()}, lambda: note, BARS,
                  metric="download_mb")
