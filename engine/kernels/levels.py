"""Choose the kernels of this processor: one module per instruction set, loaded once."""

import importlib
import os
import platform
from pathlib import Path

NAMES = ("portable", "avx2", "avx512")
_NEEDS = {
    "avx2": {"avx2", "fma", "bmi2"},
    "avx512": {"avx512f", "avx512vl", "avx512dq", "avx512bw", "avx2", "fma", "bmi2"},
}


def processor_flags() -> set[str]:
    """Instruction sets the processor reports (Linux), e.g. {'avx2', 'fma', ...}."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return set()
    lines = [line for line in text.splitlines() if line.startswith("flags")]
    return set(lines[0].partition(":")[2].split()) if lines else set()


def available() -> list[str]:
    """Names of the levels that run on this processor, slowest first."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return ["portable"]
    flags = processor_flags()
    return [name for name in NAMES if _NEEDS.get(name, set()) <= flags]


def load(name: str):
    """The capsule with the table of the level ``name`` (see abi.h)."""
    if name not in available():
        raise ImportError(
            f"kernels {name!r} do not run on this processor; it has {', '.join(available())}"
        )
    return importlib.import_module(f"respnet.engine.kernels.level_{name}").table


def chosen() -> str:
    """``RESPNET_LEVEL`` if set, else the fastest level of this processor."""
    return os.environ.get("RESPNET_LEVEL") or available()[-1]
