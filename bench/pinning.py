"""Pins threads and processor before any numeric library is imported.

A library reads its thread count once, at import, so this must run first. The chosen processor
is the last one: the first usually serves the interrupts.
"""

import os
import sys
from contextlib import contextmanager

VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
ALL_CPUS = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def pin(threads: int = 1) -> None:
    """Hold every library to ``threads`` threads and this process to as many processors."""
    if "numpy" in sys.modules:
        raise RuntimeError("pin() got an imported numpy; call it before the first numeric import")
    for name in VARIABLES:
        os.environ[name] = str(threads)
    if ALL_CPUS:
        os.sched_setaffinity(0, set(sorted(ALL_CPUS)[-threads:]))


@contextmanager
def on_cpus(cpus: set[int]):
    """Processes started inside inherit ``cpus``; afterwards this one has its own back."""
    if not ALL_CPUS:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
