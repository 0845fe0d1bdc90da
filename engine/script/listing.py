"""The functions of torch a script may call, for docs/ai.md: ``python -m
respnet.engine.script.listing`` prints them."""

from respnet.engine.script import Script  # noqa: F401  (so that all rows are in the tables)
from respnet.engine.script.builtins import BUILTINS, OF_LISTS, OF_STRINGS
from respnet.engine.script.rows_shaping import ATTRIBUTES
from respnet.engine.script.table import FUNCTIONAL, METHODS, TORCH
from respnet.engine.script.values import DTYPES


def _names(names) -> str:
    return " ".join([f"`{name}`" for name in sorted(names)])


def markdown() -> str:
    """A table: where a name is found, and the names."""
    rows = (
        ("`torch.NAME(x, ...)` and `x.NAME(...)`", TORCH.keys() & METHODS.keys()),
        ("`torch.NAME(...)` only", TORCH.keys() - METHODS.keys()),
        ("`x.NAME(...)` only", METHODS.keys() - TORCH.keys()),
        ("`torch.nn.functional.NAME(...)`", FUNCTIONAL),
        ("attributes of tensors", ATTRIBUTES),
        ("types, `torch.NAME`", DTYPES),
        ("by themselves", BUILTINS),
        ("of lists", OF_LISTS),
        ("of strings", OF_STRINGS),
    )
    lines = ["| how | names |", "|---|---|"]
    return "\n".join([*lines, *[f"| {how} | {_names(names)} |" for how, names in rows]]) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
