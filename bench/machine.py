"""What a run was measured on: processor, its level, versions, the commit."""

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

PACKAGES = ("respnet", "numpy", "torch", "onnxruntime", "uvloop", "apsw")


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")), "")


def level() -> str:
    """The instruction set respnet's kernels chose."""
    try:
        from respnet.engine.kernels import levels
    except ImportError as error:
        return f"none ({error})"
    return levels.chosen()


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent)
    return done.stdout.strip()


def description() -> dict:
    return {
        "processor": processor(),
        "cpus": os.cpu_count(),
        "level": level(),
        "system": f"{platform.system()} {platform.release()}",
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "commit": commit(),
        "versions": versions(),
        "command": " ".join(["python -m bench", *sys.argv[1:]]),
    }
