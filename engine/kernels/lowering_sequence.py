"""Lowering of the steps in time, embeddings, masks and noise: their sizes as dims."""


def own_seed(seed) -> int:
    """A layer's own seed as a dim; 0: the batch's."""
    return 0 if seed is None else seed + 1


def embedding_forward(low, step):
    x, table, y = step.operands
    words, units = table.shape
    low.emit("embedding_forward_rows", (x, table, y), (units, x.columns, words))


def embedding_backward(low, step):
    x, dy, dtable = step.operands
    words, units = dtable.shape
    dims = (units, x.columns, words, low.shared(dtable))
    low.emit("embedding_backward_rows", (x, dy, dtable), dims)


def compute_mask(low, step):
    x, mask = step.operands
    times = mask.columns
    dims = (x.columns // times, times)
    low.emit("compute_mask_rows", step.operands, dims, (step.attributes["value"],))


def dropout_mask(low, step):
    attributes = step.attributes
    dims = (attributes["units"], attributes["salt"], own_seed(attributes["seed"]))
    low.emit("dropout_mask_rows", step.operands, dims, (attributes["rate"],))


def normal(low, step):
    attributes = step.attributes
    dims = (step.operands[1].columns, attributes["salt"], own_seed(attributes["seed"]))
    low.emit("normal_rows", step.operands, dims, (attributes["mean"], attributes["deviation"]))


def uniform(low, step):
    attributes = step.attributes
    dims = (attributes["units"], attributes["salt"], own_seed(attributes["seed"]))
    low.emit("uniform_rows", step.operands, dims)


def _of_first(low, step):
    """The first operand is the sequence."""
    times = step.operands[0].shape[0]
    low.emit(step.op + "_rows", step.operands, (step.operands[0].columns // times, times))


def _of_last(low, step):
    """The last operand is the sequence."""
    times = step.operands[-1].shape[0]
    low.emit(step.op + "_rows", step.operands, (step.operands[-1].columns // times, times))


SEQUENCE = {
    "embedding_forward": embedding_forward,
    "embedding_backward": embedding_backward,
    "compute_mask": compute_mask,
    "dropout_mask": dropout_mask,
    "normal": normal,
    "uniform": uniform,
    "last_step": _of_first,
    "last_step_backward": _of_last,
    "reverse_time": _of_first,
    "repeat_vector": _of_last,
    "repeat_vector_backward": _of_first,
    "multiply_steps": _of_first,
}
