"""The table of ops for docs/ops.md: ``python -m respnet.engine.tensors.listing`` prints it."""

import inspect

from respnet.engine.tensors import OPS

_GRADIENTS = {True: "yes", False: "-"}


def markdown() -> str:
    """A row for each op: how it is called, what it gives, whether it has a gradient."""
    lines = ["| op | gives | gradient |", "|---|---|---|"]
    for name in sorted(OPS):
        row = OPS[name]
        call = f"{name}{inspect.signature(row.call)}"
        lines.append(f"| `{call}` | {row.summary} | {_GRADIENTS[row.gradient is not None]} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
