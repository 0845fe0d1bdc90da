"""What this machine has, as findings for ``respnet doctor``: read only, nothing is tried out."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

EXTRAS = {
    "client": ("redis",),
    "sklearn": ("sklearn",),
    "keras": ("h5py",),
    "torch": ("torch",),
    "plot": ("matplotlib",),
    "web": ("prometheus_client",),
    "gpu": ("cupy",),
    "test": ("pytest", "hypothesis", "hiredis"),
}


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, what was found, what to do; not ok means respnet cannot run."""

    name: str
    value: str
    advice: str
    ok: bool = True


def machine_findings() -> list[Finding]:
    parts = (processor, blas, threads, memory, files, gpu, extras, store)
    return [finding for part in parts for finding in part()]


def processor() -> Iterator[Finding]:
    from respnet.engine.kernels import levels

    have, chosen = levels.available(), levels.chosen()
    yield Finding("processor", f"kernels {', '.join(have)}", "fine")
    forced = "RESPNET_LEVEL" in os.environ
    advice = "set by RESPNET_LEVEL" if forced else "RESPNET_LEVEL=NAME chooses another"
    try:
        levels.load(chosen)
    except ImportError as problem:
        yield Finding("kernels", f"{chosen} cannot be loaded", str(problem), ok=False)
        return
    if chosen != have[-1]:
        advice += f"; {have[-1]} is faster here"
    yield Finding("kernels", f"{chosen} in use", advice)


def blas() -> Iterator[Finding]:
    import numpy as np

    found = np.show_config(mode="dicts")["Build Dependencies"].get("blas", {})
    value = f"NumPy {np.__version__}, {found.get('name', 'no BLAS')} {found.get('version', '')}"
    yield Finding("blas", value.strip(), "respnet has kernels of its own and does not use it")


def threads() -> Iterator[Finding]:
    cores = cores_allowed()
    quota = cpu_quota()
    value = f"{cores} cores" if quota is None else f"{cores} cores, limited to {quota:g}"
    advice = "one thread a network by default; each training has a thread of its own"
    if quota is not None and quota < cores:
        advice = f"keep trainings and threads together below {max(1, int(quota))}"
    yield Finding("threads", value, advice)


def cores_allowed() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_cgroup(name: str) -> str | None:
    """Text of a file of this process' cgroup (version 2, then its own mount), or None."""
    try:
        line = next(
            text for text in Path("/proc/self/cgroup").read_text().splitlines() if "::" in text
        )
        own = line.partition("::")[2].lstrip("/")
    except (OSError, StopIteration):
        own = ""
    for folder in (Path("/sys/fs/cgroup", own), Path("/sys/fs/cgroup")):
        try:
            return (folder / name).read_text().strip()
        except OSError:
            continue
    return None


def cpu_quota() -> float | None:
    """Cores the cgroup allows, None without a limit."""
    quota, _, period = (read_cgroup("cpu.max") or "max").partition(" ")
    return None if quota == "max" else int(quota) / int(period)


def memory_limit() -> int | None:
    """Bytes the cgroup allows, None without a limit."""
    text = read_cgroup("memory.max") or "max"
    return None if text == "max" else int(text)


def memory() -> Iterator[Finding]:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = memory_limit()
    value, usable = f"{total / 2**30:.1f} GiB", total
    if limit is not None and limit < total:
        value, usable = f"{value}, limited to {limit / 2**30:.1f} GiB", limit
    half = max(1, usable // 2**21)
    yield Finding("memory", value, f"a server shared with others: --maxmemory {half}mb")


def files() -> Iterator[Finding]:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    few = 0 <= limit < 10_000
    advice = f"ulimit -n 65536 allows more than {limit} clients" if few else "fine"
    yield Finding("open files", str(limit) if limit >= 0 else "no limit", advice)


def gpu() -> Iterator[Finding]:
    cards = sorted(Path("/dev").glob("nvidia[0-9]*"))
    cupy = version_of("cupy-cuda12x") or version_of("cupy")
    if not cards and not shutil.which("nvidia-smi"):
        yield Finding("gpu", "none", "fine: everything runs on the processor")
    elif cupy is None:
        advice = 'pip install "respnet[gpu]" to use it'
        yield Finding("gpu", f"{len(cards)} NVIDIA, no cupy", advice)
    else:
        yield Finding("gpu", f"{len(cards)} NVIDIA, cupy {cupy}", "fine")


def version_of(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def extras() -> Iterator[Finding]:
    for extra, modules in EXTRAS.items():
        missing = [m for m in modules if importlib.util.find_spec(m) is None]
        value = f"no {', '.join(missing)}" if missing else "installed"
        advice = f'pip install "respnet[{extra}]"' if missing else "fine"
        yield Finding(f"extra {extra}", value, advice)


def store() -> Iterator[Finding]:
    try:
        import apsw
    except ImportError as problem:
        yield Finding("store", "no apsw", f"pip install apsw ({problem})", ok=False)
        return
    value = f"apsw {apsw.apsw_version()}, SQLite {apsw.sqlite_lib_version()}"
    yield Finding("store", value, "keep --dir on a local disk: SQLite's log does not work over NFS")
