"""Lowering of ops that join, move and encode numbers: their sizes as dims."""

from respnet.engine.errors import SpecError

AXES = 4  # of a row, at most, for the kernel that moves numbers


def concatenate(low, step):
    places = step.attributes["places"]
    dims = [operand.columns // places for operand in step.operands[:2]]
    low.emit("concatenate_rows", step.operands, dims, (), places)


def split(low, step):
    places, width = step.attributes["places"], step.attributes["width"]
    dims = (width, step.operands[0].columns // places - width)
    low.emit("split_rows", step.operands, dims, (), places)


def _rearrange(low, step, x, y):
    lengths, strides, offset = (step.attributes[n] for n in ("lengths", "strides", "offset"))
    missing = AXES - len(lengths)
    if missing < 0:
        raise SpecError(f"rows have at most {AXES} axes where numbers are moved, got {lengths}")
    ones, zeros = (1,) * missing, (0,) * missing
    dims = (x.columns, y.columns, *ones, *lengths, *zeros, *strides, offset)
    low.emit(step.op + "_rows", step.operands, dims)


def rearrange_forward(low, step):
    _rearrange(low, step, *step.operands)


def rearrange_backward(low, step):
    _rearrange(low, step, *reversed(step.operands))


def one_hot(low, step):
    x, _ = step.operands
    low.emit("one_hot_rows", step.operands, (step.attributes["tokens"],), (), x.columns)


def count_tokens(low, step):
    x, _ = step.operands
    times = x.shape[-1]
    dims = (step.attributes["tokens"], times, int(step.attributes["once"]))
    low.emit("count_tokens_rows", step.operands, dims, (), x.columns // times)


MERGE = {
    "concatenate": concatenate,
    "split": split,
    "rearrange_forward": rearrange_forward,
    "rearrange_backward": rearrange_backward,
    "one_hot": one_hot,
    "count_tokens": count_tokens,
}
