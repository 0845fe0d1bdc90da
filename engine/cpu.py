"""The CPU as a device: programs are lowered to the kernels of one level."""

from respnet.engine import activations, losses
from respnet.engine.errors import SpecError
from respnet.engine.kernels import levels
from respnet.engine.kernels.executor import Bound, Executable, Sizes
from respnet.engine.kernels.lowering import lower
from respnet.engine.kernels.trainer import Core, Staged
from respnet.engine.warping import FILL_MODES

TABLES = {"activations": activations.NAMES, "fill_modes": FILL_MODES, **losses.TABLES}


class Cpu:
    """Kernels of ``level`` ("" for the best this processor has).

    Its twin is ``engine/gpu/backend.py``: both turn programs into executables, which `Bound` runs
    with one version of the weights, and `Core` trains on rows that are `Staged` for it.
    """

    Bound, Core, Staged = Bound, Core, Staged
    rows_at_once = False  # whether a batch is one piece, not cut into sub-batches

    def __init__(self, level: str = ""):
        if level and level not in levels.available():
            raise SpecError(
                f"this processor has the levels {', '.join(levels.available())}, not {level!r}"
            )
        self.level = level or levels.chosen()

    def executable(self, program, dtype, layout: str, rows: int, update=None) -> Executable:
        """``program`` in ``layout`` for sub-batches of ``rows``; update: of a training."""
        staged = program.mode != "predict"
        lowered = lower(program, layout, rows, Sizes(self.level, dtype), TABLES, staged=staged)
        kernels = update.kernels(program.layout) if update else []
        return Executable(self.level, dtype, lowered, program.mode, kernels)
