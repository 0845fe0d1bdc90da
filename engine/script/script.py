"""A script: functions compiled from a text, run within limits."""

import ast
from dataclasses import dataclass

from respnet.engine.errors import DtypeError, EngineError, LimitError, ScriptError, unknown
from respnet.engine.script import (  # noqa: F401  (their rows)
    rows_inplace,
    rows_making,
    rows_random,
    rows_reductions,
)
from respnet.engine.script.annotations import Kind, kind_of
from respnet.engine.script.limits import Budget, Limits
from respnet.engine.script.scope import Frame, Scope
from respnet.engine.script.source import definitions, refused, shown
from respnet.engine.script.statements import compile_block
from respnet.engine.script.stores import owned
from respnet.engine.script.values import kind_name

NODE_BYTES = 450  # of a compiled script for each node of its tree, measured: 270 to 470
ENTRY = (Kind("List", (Kind("Tensor"),)), Kind("List", (Kind("str"),)),
         Kind("List", (Kind("str"),)))


class Host:
    """What a script reaches outside: a server gives one. What it raises as EngineError is told with
    the place in the script. This one has nothing."""

    def execute(self, words: list[str]):
        """A command of Redis -> str, int, None or a list of these."""
        raise EngineError("redis.execute is not available here")

    def model_execute(self, key: str, inputs: list, outputs: int) -> list:
        """Run a model -> arrays."""
        raise EngineError("redisAI.model_execute is not available here")


@dataclass(frozen=True)
class Parameter:
    name: str
    kind: Kind
    default: object = None
    optional: bool = False


class Function:
    """name, parameters, returns (a Kind, or None where the script does not say); stores: whether
    it, or what it calls, changes tensors."""

    def __init__(self, node: ast.FunctionDef):
        self.name, self.line, self.column = node.name, node.lineno, node.col_offset + 1
        self.parameters = _parameters(node)
        self.returns = kind_of(node.returns) if node.returns else None
        self.body, self.stores, self.calls = None, False, set()

    def compile(self, node, functions, nesting):
        scope = Scope(node, functions, nesting)
        self.body = compile_block(scope, node.body)
        self.stores, self.calls = scope.stores, scope.calls

    def is_entry_point(self) -> bool:
        """(tensors: List[Tensor], keys: List[str], args: List[str])"""
        return tuple([one.kind for one in self.parameters]) == ENTRY

    def call(self, budget, host, args, named):
        """Run the body with checked arguments."""
        names = self.bound(args, named, budget.step)
        budget.depth += 1
        if budget.depth > budget.limits.calls:
            raise LimitError(f"more than {budget.limits.calls} calls inside calls")
        frame = Frame(names, budget, host)
        self.body(frame)
        budget.depth -= 1
        if self.returns and not self.returns.accepts(frame.result, budget.step):
            raise DtypeError(f"{self.name} returns {self.returns}, got "
                             f"{kind_name(frame.result)}")
        return frame.result

    def bound(self, args, named, step) -> dict:
        """Parameters by name, of the kinds they are said to be."""
        if len(args) > len(self.parameters):
            raise DtypeError(f"{self.name} takes {len(self.parameters)} arguments, got {len(args)}")
        values = dict(zip([one.name for one in self.parameters], args, strict=False))
        for name, value in named.items():
            if name in values or name not in [one.name for one in self.parameters]:
                raise DtypeError(f"{self.name} does not take the argument {shown(name)}")
            values[name] = value
        for one in self.parameters:
            if one.name not in values:
                if not one.optional:
                    raise DtypeError(f"{self.name} wants the argument {shown(one.name)}")
                values[one.name] = one.default
            elif not one.kind.accepts(values[one.name], step):
                raise DtypeError(f"the argument {shown(one.name)} of {self.name} is "
                                 f"{one.kind}, got {kind_name(values[one.name])}")
        return values


def _parameters(node) -> list[Parameter]:
    found = node.args
    if found.vararg or found.kwarg or found.kwonlyargs or found.posonlyargs:
        raise refused(node, "a function has plain parameters only, without * and /")
    if node.decorator_list:
        raise refused(node.decorator_list[0], "a decorator is not allowed in a script")
    missing = len(found.args) - len(found.defaults)
    return [_parameter(one, found.defaults[i - missing] if i >= missing else None)
            for i, one in enumerate(found.args)]


def _parameter(node, default) -> Parameter:
    kind = kind_of(node.annotation)
    if default is None:
        return Parameter(node.arg, kind)
    if not isinstance(default, ast.Constant) or not kind.accepts(default.value, None):
        raise refused(default, f"the default of {shown(node.arg)} is a constant of type {kind}")
    return Parameter(node.arg, kind, default.value, True)


def _tell_callers(functions) -> None:
    """Who calls a function that stores, stores."""
    found = True
    while found:
        found = [one for one in functions.values()
                 if not one.stores and any([functions[name].stores for name in one.calls])]
        for one in found:
            one.stores = True


class Script:
    """functions: by name; nbytes: what is held besides the source, about. A script keeps no state;
    several threads may run it at once."""

    def __init__(self, source: str, functions: dict[str, Function], nbytes: int):
        self.source, self.functions, self.nbytes = source, functions, nbytes

    @classmethod
    def of(cls, source: str, limits: Limits | None = None) -> "Script":
        """Compile a text; ScriptError says where something is not allowed."""
        limits = limits or Limits()
        nodes = definitions(source, limits)
        if not nodes:
            raise ScriptError("line 1, column 1: a script has at least one function")
        functions = {}
        for node in nodes:
            if node.name in functions or node.name.startswith("__"):
                raise refused(node, f"the name {shown(node.name)} is taken")
            functions[node.name] = Function(node)
        for node in nodes:
            functions[node.name].compile(node, functions, limits.nesting)
        _tell_callers(functions)
        size = NODE_BYTES * sum([1 for node in nodes for _ in ast.walk(node)])
        return cls(source, functions, size)

    def run(self, function: str, arguments, host: Host | None = None,
            limits: Limits | None = None):
        """The result of a function: arrays, numbers, strings, lists and tuples of these."""
        if function not in self.functions:
            raise ScriptError(unknown("function", function[:40], self.functions))
        wanted, budget = self.functions[function], Budget(limits or Limits())
        try:
            arguments = owned(budget, list(arguments)) if wanted.stores else list(arguments)
            return wanted.call(budget, host or Host(), arguments, {})
        except ScriptError:
            raise
        except (DtypeError, LimitError) as problem:
            raise ScriptError(f"line {wanted.line}, column {wanted.column}: {problem}") from None
        except RecursionError:
            raise ScriptError(f"line {wanted.line}, column {wanted.column}: calls are nested too "
                              "deeply") from None
