"""Which executor a device name means. The only place that chooses one."""

from respnet.engine.cpu import Cpu
from respnet.engine.errors import SpecError


def device_named(name):
    """``cpu``; ``cpu:avx2`` to hold it to one level; ``gpu`` or ``gpu:1``, the first or second.

    A device itself is what it is.
    """
    if hasattr(name, "executable"):
        return name
    kind, _, which = str(name).partition(":")
    if kind == "cpu":
        return Cpu(which)
    if kind == "gpu" and (which or "0").isdecimal():
        from respnet.engine.gpu.backend import Gpu  # it needs CuPy

        return Gpu(int(which or 0))
    raise SpecError(f"device must be cpu, cpu:LEVEL, gpu or gpu:NUMBER, got {name!r}")
