"""Types of parameters and results: the annotations a script may have, and their check."""

import ast
from dataclasses import dataclass

import numpy as np

from respnet.engine.script.source import refused

PLAIN = {"Tensor": np.ndarray, "int": int, "float": float, "bool": bool, "str": str}
GENERIC = {"List": 1, "list": 1, "Tuple": None, "tuple": None, "Optional": 1}


@dataclass(frozen=True)
class Kind:
    """Tensor, List[Tensor], Tuple[Tensor, int], Optional[str] ...; ``items`` is what is inside."""

    name: str
    items: tuple = ()

    def __str__(self) -> str:
        inside = f"[{', '.join(map(str, self.items))}]" if self.items else ""
        return self.name + inside

    def accepts(self, value, step) -> bool:
        """Whether a value is of this kind; of a list all are looked at, which costs ``step(n)``."""
        if self.name == "Optional":
            return value is None or self.items[0].accepts(value, step)
        if self.name == "List":
            if type(value) is not list:
                return False
            step(len(value))
            return all([self.items[0].accepts(one, step) for one in value])
        if self.name == "Tuple":
            return (isinstance(value, tuple) and len(value) == len(self.items)
                    and all([kind.accepts(one, step)
                             for kind, one in zip(self.items, value, strict=True)]))
        if self.name == "None":
            return value is None
        return isinstance(value, np.ndarray) if self.name == "Tensor" else (
            type(value) is PLAIN[self.name])


TENSOR = Kind("Tensor")


def kind_of(node) -> Kind:
    """The kind an annotation stands for; none means Tensor, as in TorchScript."""
    if node is None:
        return TENSOR
    if isinstance(node, ast.Name) and node.id in PLAIN:
        return Kind(node.id)
    if isinstance(node, ast.Attribute) and node.attr == "Tensor" and _is_torch(node.value):
        return TENSOR
    if isinstance(node, ast.Constant) and node.value is None:
        return Kind("None")
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        return _generic(node)
    raise _unknown(node)


def _is_torch(node) -> bool:
    return isinstance(node, ast.Name) and node.id == "torch"


def _generic(node) -> Kind:
    name, inside = node.value.id, node.slice
    if name not in GENERIC:
        raise _unknown(node)
    items = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    if GENERIC[name] not in (None, len(items)):
        raise _unknown(node)
    return Kind(name.capitalize(), tuple([kind_of(one) for one in items]))


def _unknown(node):
    return refused(node, "types are Tensor, int, float, bool, str, None, and List[], Tuple[], "
                         "Optional[] of these")
