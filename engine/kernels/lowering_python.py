"""Lowering of steps that call Python: the operands' shapes go along, as the kernel cannot know."""

from dataclasses import replace

from respnet.engine.kernels.callback import Callback
from respnet.engine.ops import OPS


def _shape(buffer):
    if buffer is None:
        return None
    return ("rows" if buffer.rows else "once", buffer.shape)


def _python(method: str):
    def lower(low, step):
        gradients = [o for o in step.operands if o is not None and o.space == "gradients"]
        shared = low.shared(gradients[0]) if gradients else 0
        low.emit(step.op, step.operands, (shared,))
        reads = sum(not operand.written for operand in OPS[step.op].operands)
        function = getattr(step.attributes["function"], method)
        callback = Callback(function, [_shape(o) for o in step.operands], reads)
        low.out.steps[-1] = replace(low.out.steps[-1], callback=callback)

    return lower


PYTHON = {"python_forward": _python("forward"), "python_backward": _python("backward")}
