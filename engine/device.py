"""Which executor a device name means. The only place that chooses one."""

from respnet.engine.errors import SpecError
from respnet.engine.kernels import levels


def cpu_level(device: str) -> str:
    """The kernel level of a CPU device: ``cpu``, or ``cpu:avx2`` to hold it to one level."""
    name, _, level = device.partition(":")
    if name != "cpu":
        raise SpecError(
            f"device must be cpu or cpu:LEVEL, got {device!r}; "
            "the GPU executor is not part of this version"
        )
    if not level:
        return levels.chosen()
    if level not in levels.available():
        raise SpecError(
            f"this processor has the levels {', '.join(levels.available())}, not {level!r}"
        )
    return level
