"""Lowering of losses and metrics: numbers of names, of the term, and its constants."""


def repeats_of(buffer) -> int:
    """Rows along the last axis in one row of the batch."""
    return buffer.columns // buffer.shape[-1]


def _emit(low, step, which: int, scale: float, option: float):
    prediction, target = step.operands[:2]
    dims = (prediction.shape[-1], which, target.shape[-1], step.attributes["term"])
    repeats = repeats_of(prediction)
    low.emit(step.op + low.suffix, step.operands, dims, (scale, option), repeats)


def _loss(low, step):
    a = step.attributes
    which = low.tables[step.op].index(a["loss"])
    _emit(low, step, which, a["scale"], a["option"])


def _metric(low, step):
    which = low.tables["metric"].index(step.attributes["metric"])
    _emit(low, step, which, 1.0, step.attributes["ignored"])


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
