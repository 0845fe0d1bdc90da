"""What the two compilers share: the names of a function, and a frame of a function that runs."""

import ast

from respnet.engine.script.source import DEEP, refused


class Frame:
    """A call in progress: values by name, the budget and the host of the run."""

    __slots__ = ("names", "budget", "host", "result")

    def __init__(self, names, budget, host):
        self.names, self.budget, self.host = names, budget, host
        self.result = None


class Scope:
    """A function while it is compiled.

    functions: the script's own by name, filled in as they are compiled; names: parameters and
    whatever is assigned somewhere in the function; stores: whether it changes a tensor; calls:
    the script's functions it calls.
    """

    def __init__(self, node: ast.FunctionDef, functions, nesting: int):
        self.functions, self.most = functions, nesting
        self.depth = self.loops = 0
        self.stores, self.calls = False, set()
        self.names = {argument.arg for argument in node.args.args}
        self.names |= {one.id for one in ast.walk(node)
                       if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}

    def enter(self, node) -> None:
        self.depth += 1
        if self.depth > self.most:
            raise refused(node, f"the script {DEEP}")

    def leave(self) -> None:
        self.depth -= 1
