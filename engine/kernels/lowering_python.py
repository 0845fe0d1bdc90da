"""Lowering of steps that call Python: the operands' shapes go along, as the kernel cannot know."""

from dataclasses import replace

from respnet.engine.kernels.callback import Callback


def _shape(buffer):
    if buffer is None:
        return None
    return ("rows" if buffer.rows else "once", buffer.shape)


def _python(method: str):
    def lower(low, step):
        gradients = [o for o in step.operands if o is not None and o.space == "gradients"]
        shared = low.shared(gradients[0]) if gradients else 0
        low.emit(step.op, step.operands, (shared,))
        function = step.attributes["function"]
        shapes = [_shape(o) for o in step.operands]
        callback = Callback(getattr(function, method), shapes, function.reads[method])
        low.out.steps[-1] = replace(low.out.steps[-1], callback=callback)

    return lower


def _loss(low, step):
    low.emit(step.op, step.operands, (0, 0, step.attributes["term"]), (step.attributes["scale"],))
    shapes = [_shape(o) for o in step.operands]
    callback = Callback(step.attributes["function"].loss, shapes, reads=3, judges=True)
    low.out.steps[-1] = replace(low.out.steps[-1], callback=callback)


PYTHON = {
    "python_forward": _python("forward"),
    "python_backward": _python("backward"),
    "python_loss": _loss,
}
