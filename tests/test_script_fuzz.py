"""Random expressions of everything a script may say: a value or a ScriptError, never more."""

import random

import numpy as np
import pytest

from respnet.engine.errors import ScriptError
from respnet.engine.script import Limits, Script
from respnet.engine.script.builtins import BUILTINS, method_names
from respnet.engine.script.table import FUNCTIONAL, TORCH

ARRAYS = [np.arange(6, dtype=np.float32).reshape(2, 3), np.arange(6).reshape(2, 3), np.array(2.5),
          np.zeros((0, 3), np.float32), np.array([True, False]), np.array([b"a", b"b"], object),
          np.array(3), np.ones((2, 2, 2), np.uint8)]
ATOMS = [*(f"t{i}" for i in range(len(ARRAYS))), "1", "0", "-1", "2.5", "1e308", "True", "None",
         "'a'", "''", "[1]", "[]", "[0, 1]", "(1, 2)", "[t0, t0]", "[[1, 2], [3]]", "1000000",
         "...", "9223372036854775807", "torch.inf", "torch.nan", "torch.int8", "torch.float32"]
NAMED = ["dim", "keepdim", "dtype", "descending", "p", "min", "max", "size", "dims", "other",
         "alpha"]
SIGNS = "+ - * / // % ** @ & | ^ == != < >= in and or".split() + ["not in"]
STATEMENTS = ["pass"] * 12 + ["{}", "x = {}; x += {}", "t0[{}] = {}", "x = {}; x[{}] = {}",
                              "x = {}; x[{}] *= {}", "x = [t1, {}]; x[{}] -= {}",
                              "torch.manual_seed(1); x = {}; x %= {}"]
LIMITS = Limits(steps=100_000, bytes=50_000_000, seconds=5)


def expression(draw, depth):
    if depth == 0 or draw.random() < 0.25:
        return draw.choice(ATOMS)
    one, other = (expression(draw, depth - 1) for _ in range(2))
    words = [expression(draw, depth - 1) for _ in range(draw.randrange(4))]
    words += [f"{draw.choice(NAMED)}={other}"] if draw.random() < 0.3 else []
    names = {
        "torch.": list(TORCH), "torch.nn.functional.": list(FUNCTIONAL), "": list(BUILTINS),
        f"({one}).": sorted(method_names()),
    }
    prefix = draw.choice(list(names))
    call = f"{prefix}{draw.choice(names[prefix])}({', '.join(words)})"
    return draw.choice([call, call, call, f"({one} {draw.choice(SIGNS)} {other})",
                        f"({one})[{other}]", f"({one})[{other}:, None]", f"({one})[::{other}]",
                        f"(-{one})", f"(~{one})", f"[{one} for v in {other}]"])


@pytest.mark.filterwarnings("ignore::SyntaxWarning")  # of Python, about its own nonsense
@pytest.mark.parametrize("seed", range(4))
def test_whatever_a_script_says_it_ends_in_a_value_or_a_place(seed):
    draw, parameters = random.Random(seed), ", ".join(f"t{i}" for i in range(len(ARRAYS)))
    texts, values, before = [], 0, [array.copy() for array in ARRAYS]
    for _ in range(1500):
        lines = draw.choice(STATEMENTS)
        parts = [expression(draw, draw.randrange(2)) for _ in range(lines.count("{}"))]
        lines = [lines.format(*parts), f"return {expression(draw, 3)}"]
        source = f"def f({parameters}):\n    {lines[0]}\n    {lines[1]}\n"
        try:
            Script.of(source).run("f", ARRAYS, limits=LIMITS)
            values += 1
        except ScriptError as error:
            texts.append(str(error))
    assert values > 100
    for array, old in zip(ARRAYS, before, strict=True):
        np.testing.assert_array_equal(array, old)
    assert [text for text in texts if not text.startswith("line ")] == []
    assert [text for text in texts if "numpy" in text or "object at" in text] == []
