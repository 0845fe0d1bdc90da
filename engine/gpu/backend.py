"""The GPU as a device: the twin of ``engine/cpu.py``."""

from respnet.engine.errors import SpecError
from respnet.engine.gpu import available
from respnet.engine.gpu.context import device
from respnet.engine.gpu.executor import Bound, Executable
from respnet.engine.gpu.trainer import Core, Staged


class Gpu:
    """The card of a number. Programs run step by step at first, then as one captured graph."""

    Bound, Core, Staged = Bound, Core, Staged
    rows_at_once = True

    def __init__(self, number: int = 0):
        if not available():
            raise SpecError("device gpu needs a CUDA card and CuPy: pip install respnet[gpu]")
        import cupy

        count = cupy.cuda.runtime.getDeviceCount()
        if number >= count:
            raise SpecError(f"device gpu:{number} is not there; this machine has {count}")
        self.on = device(number)

    def executable(self, program, dtype, layout: str, rows: int, update=None) -> Executable:
        """``program`` for any number of rows; layout and sub-batches are the CPU's matter."""
        return Executable(self.on, dtype, program, update)
