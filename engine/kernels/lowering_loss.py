"""Lowering of losses and metrics: numbers of names, of the term, and its constants."""


def repeats_of(buffer) -> int:
    """Rows along the last axis in one row of the batch."""
    return buffer.columns // buffer.shape[-1]


def _emit(low, step, which: int, constants, *more: int):
    prediction, target = step.operands[:2]
    dims = (prediction.shape[-1], which, target.shape[-1], step.attributes["term"], *more)
    low.emit(step.op + low.suffix, step.operands, dims, constants, repeats_of(prediction))


def _loss(low, step):
    a = step.attributes
    which = low.tables[step.op].index(a["loss"])
    constants = (a["scale"], *a["options"])
    _emit(low, step, which, constants, low.tables["reduction"].index(a["reduction"]))


def _metric(low, step):
    which = low.tables["metric"].index(step.attributes["metric"])
    _emit(low, step, which, (1.0, step.attributes["ignored"]))


def _count_places(low, step):
    places = next(o for o in step.operands if o is not None).columns
    dims, constants = (0, 0, 0, step.attributes["term"]), (1.0, step.attributes["ignored"])
    low.emit(step.op + low.suffix, step.operands, dims, constants, places)


LOSS = {
    "pointwise_loss": _loss,
    "row_loss": _loss,
    "metric": _metric,
    "count_places": _count_places,
}
