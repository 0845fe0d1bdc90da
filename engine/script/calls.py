"""Calls and dotted names -> closures: the tables, the script's own functions, the host.

Dots lead to three places only: names of torch, the host's commands, and the attributes and methods
of values that the tables list.
"""

import ast

from respnet.engine.errors import DtypeError, unknown
from respnet.engine.script import builtins
from respnet.engine.script.annotations import kind_of
from respnet.engine.script.rows_shaping import ATTRIBUTES
from respnet.engine.script.rows_shaping import attribute as tensor_attribute
from respnet.engine.script.source import refused, shown
from respnet.engine.script.table import FUNCTIONAL, TORCH, call, kept
from respnet.engine.script.values import DTYPES, Pair, kind_name, tensors

HOST = {("redis", "execute"): "execute", ("redis", "asList"): "as_list",
        ("redisAI", "model_execute"): "model_execute"}
CONSTANTS = {"inf": float("inf"), "nan": float("nan"), "pi": 3.141592653589793}


def path_of(node):
    """torch.nn.functional -> ("torch", "nn", "functional"); None if it begins with a value."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return (node.id, *reversed(names)) if isinstance(node, ast.Name) else None


def _of_module(scope, node):
    """The path of a dotted name that begins with torch, redis or redisAI."""
    path = path_of(node)
    return path if path and path[0] in ("torch", "redis", "redisAI") and (
        path[0] not in scope.names) else None


def _check_private(node):
    if node.attr.startswith("_"):
        raise refused(node, f"the attribute {shown(node.attr)} is not allowed in a script")


def attribute(scope, node, compile_expression):
    """A dotted name that is not called: torch.float32, x.shape, pair.values."""
    _check_private(node)
    path = _of_module(scope, node)
    if path:
        return _torch_value(node, path)
    name = node.attr
    if name not in ATTRIBUTES and name not in Pair._fields:
        known = (*ATTRIBUTES, *Pair._fields)
        raise refused(node, unknown("attribute", name[:40], known))
    value = compile_expression(scope, node.value)

    def read(frame):
        x = value(frame)
        if name in Pair._fields:
            if type(x) is not Pair:
                raise DtypeError(f"{kind_name(x)} has no attribute {name!r}")
            return x[Pair._fields.index(name)]
        return tensor_attribute(x, name)

    return read


def _torch_value(node, path):
    values = {**DTYPES, **CONSTANTS}
    if path[0] != "torch" or len(path) != 2 or path[1] not in values:
        raise refused(node, f"{shown('.'.join(path))} is no value a script can use")
    value = values[path[1]]
    return lambda frame: value


def compile_call(scope, node, compile_expression):
    """Any call: by name, of torch, of the host, of a method."""
    target = node.func
    if isinstance(target, ast.Name):
        return _by_name(scope, node, _arguments(scope, node, compile_expression))
    if not isinstance(target, ast.Attribute):
        raise refused(node, "only functions with a name can be called")
    _check_private(target)
    path = _of_module(scope, target)
    if path == ("torch", "jit", "annotate"):
        return _annotated(scope, node, compile_expression)
    arguments = _arguments(scope, node, compile_expression)
    if path:
        return _of_host(node, path, arguments) if path[0] != "torch" else _of_torch(
            node, path, arguments)
    return _method(scope, node, arguments, compile_expression)


def _arguments(scope, node, compile_expression):
    """f(frame) -> (list, dict)"""
    for one in (*node.args, *node.keywords):
        if isinstance(one, ast.Starred) or getattr(one, "arg", "") is None:
            raise refused(one if isinstance(one, ast.Starred) else one.value,
                          "* is not allowed in a script")
        if isinstance(one, ast.keyword) and one.arg.startswith("_"):
            raise refused(one.value, f"the argument {shown(one.arg)} is not allowed in a script")
    args = [compile_expression(scope, one) for one in node.args]
    named = {one.arg: compile_expression(scope, one.value) for one in node.keywords}
    if not named:
        return lambda frame: ([one(frame) for one in args], {})
    return lambda frame: ([one(frame) for one in args],
                          {name: one(frame) for name, one in named.items()})


def _by_name(scope, node, arguments):
    name, functions = node.func.id, scope.functions
    if name in functions:
        scope.calls.add(name)

        def run(frame):
            args, named = arguments(frame)
            return functions[name].call(frame.budget, frame.host, args, named)

        return run
    if name not in builtins.BUILTINS or name in scope.names:
        raise refused(node, unknown("function", name[:40],
                                    (*functions, *builtins.BUILTINS)))
    function = builtins.BUILTINS[name]

    def apply(frame):
        args, named = arguments(frame)
        frame.budget.step()
        return builtins.called(name, function, frame.budget, args, named)

    return apply


def _of_torch(node, path, arguments):
    table = {("torch",): TORCH, ("torch", "nn", "functional"): FUNCTIONAL}.get(path[:-1])
    found = table and table.get(path[-1])
    if not found:
        names = [f"torch.{name}" for name in TORCH]
        names += [f"torch.nn.functional.{name}" for name in FUNCTIONAL]
        raise refused(node, unknown("function", ".".join(path)[:60], names).partition("; known")[0])

    def apply(frame):
        args, named = arguments(frame)
        return call(found, frame.budget, args, named)

    return apply


def _of_host(node, path, arguments):
    name = HOST.get(path)
    if name is None:
        raise refused(node, unknown("function", ".".join(path)[:60], map(".".join, HOST)))

    def apply(frame):
        args, named = arguments(frame)
        if named:
            raise DtypeError(f"{'.'.join(path)} takes no arguments by name")
        frame.budget.step()
        return HOST_CALLS[name](frame, *args)

    return apply


def _execute(frame, *words):
    if not words or type(words[0]) is not str:
        raise DtypeError("redis.execute wants the name of a command")
    for word in words:
        frame.budget.step(len(word) if type(word) is list else 1)
        if type(word) not in (str, int, float, bool) and not _is_texts(word):
            raise DtypeError("redis.execute wants words: str, int, float, List[str]; got "
                             + kind_name(word))
    flat = [one for word in words for one in (word if type(word) is list else [word])]
    return _counted(frame.budget, frame.host.execute([str(one) for one in flat]))


def _counted(budget, value):
    """What came from outside, charged as if the script had made it."""
    if type(value) is list:
        budget.step(len(value))
        return [_counted(budget, one) for one in value]
    if type(value) is str:
        budget.write(len(value))
    return value


def _is_texts(x):
    return type(x) is list and all([type(one) is str for one in x])


def _as_list(frame, *values):
    if len(values) != 1:
        raise DtypeError(f"redis.asList wants one value, got {len(values)}")
    if not isinstance(values[0], (list, tuple)):
        return [values[0]]
    frame.budget.step(len(values[0]))
    return list(values[0])


def _model_execute(frame, *arguments):
    if len(arguments) != 3 or type(arguments[0]) is not str or type(arguments[2]) is not int:
        raise DtypeError("redisAI.model_execute wants a key, a List[Tensor] and the number of "
                         "outputs")
    key, inputs, count = arguments
    found = frame.host.model_execute(key, tensors(inputs), count)
    frame.budget.ask(sum([x.nbytes for x in found]))
    return kept(frame.budget, [x.copy() for x in found])  # they may be the model's or the inputs


HOST_CALLS = {"execute": _execute, "as_list": _as_list, "model_execute": _model_execute}


def _annotated(scope, node, compile_expression):
    """torch.jit.annotate(type, value) is the value."""
    if len(node.args) != 2 or node.keywords:
        raise refused(node, "torch.jit.annotate wants a type and a value")
    kind_of(node.args[0])
    return compile_expression(scope, node.args[1])


def _method(scope, node, arguments, compile_expression):
    name = node.func.attr
    known = builtins.method_names()
    if name not in known:
        raise refused(node, unknown("method", name[:40], known).partition("; known")[0])
    scope.stores |= name.endswith("_")
    value = compile_expression(scope, node.func.value)

    def apply(frame):
        x = value(frame)
        args, named = arguments(frame)
        return builtins.method(frame.budget, x, name, args, named)

    return apply
