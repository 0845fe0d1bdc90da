"""Methods that change their tensor and return it: x.add_(y), x.zero_() ...

Most are a row of another table whose result is put back.
"""

import functools

import numpy as np

from respnet.engine.errors import DtypeError, ShapeError
from respnet.engine.script import rows_elementwise  # noqa: F401  (so that METHODS has its rows)
from respnet.engine.script.stores import into, replaced
from respnet.engine.script.table import METHODS, row
from respnet.engine.script.values import check_fits, is_number, kind_name, tensor

PUT_BACK = ("abs", "add", "ceil", "clamp", "clip", "div", "exp", "floor", "floor_divide", "log",
            "masked_fill", "mul", "neg", "pow", "reciprocal", "relu", "remainder", "round",
            "rsqrt", "sigmoid", "sign", "sqrt", "square", "sub", "tanh")


def _put_back(name):
    function = METHODS[name].function

    @functools.wraps(function)  # its arguments are told when a call is wrong
    def apply(budget, input, *args, **named):
        return replaced(budget, tensor(input), function(budget, input, *args, **named))

    row(f"{name}_", where="method")(apply)


for _name in PUT_BACK:
    _put_back(_name)


@row("zero_", where="method")
def zero(budget, input):
    return into(budget, tensor(input), 0)


@row("fill_", where="method")
def fill(budget, input, value):
    x = tensor(input)
    if isinstance(value, np.ndarray) and value.ndim:
        raise ShapeError(f"wanted a number or a tensor without dimensions, got {value.ndim}")
    check_fits(value, x.dtype)
    if not (is_number(value) or isinstance(value, np.ndarray)):
        raise DtypeError(f"wanted a number, got {kind_name(value)}")
    return into(budget, x, value)


@row("copy_", where="method")
def copy(budget, input, src):
    return into(budget, tensor(input), src)
