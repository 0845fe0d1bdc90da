"""Graphs inside graphs: Loop and If."""

import numpy as np

from respnet.engine.errors import ShapeError


def _truth(value) -> bool:
    return bool(np.reshape(value, ()))


def _if(call, condition):
    return call.run(call.get("then_branch" if _truth(condition) else "else_branch"), [])


def _loop(call, most=None, condition=None, *carried):
    """Runs ``body(number, condition, *carried) -> (condition, *carried, *scanned)``."""
    body = call.get("body")
    most = np.inf if most is None else int(np.reshape(most, ()))
    going = condition is None or _truth(condition)
    carried, scanned, number = list(carried), [], 0
    while going and number < most:
        results = call.run(body, [np.array(number, np.int64), np.array(going), *carried])
        going = _truth(results[0])
        carried = results[1 : 1 + len(carried)]
        scanned.append(results[1 + len(carried) :])
        number += 1
    if not scanned and len(body.outputs) > 1 + len(carried):
        raise ShapeError("a loop that runs no time and collects values")
    rows = [np.stack(values) for values in zip(*scanned, strict=True)]
    return (*carried, *rows)


OPS = {"If": _if, "Loop": _loop}
