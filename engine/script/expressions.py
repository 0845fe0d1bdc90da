"""Expressions of a tree -> closures ``f(frame) -> value``; not in ``EXPRESSIONS`` is refused.

A function below makes one closure out of one kind of node; names are looked at while compiling, so
a script that asks for anything else is refused before it runs.
"""

import ast
import builtins

from respnet.engine.errors import DtypeError, unknown
from respnet.engine.script import operators, places
from respnet.engine.script.builtins import BUILTINS, items_of
from respnet.engine.script.calls import attribute, compile_call
from respnet.engine.script.scope import Scope
from respnet.engine.script.source import not_allowed, refused, shown
from respnet.engine.script.values import LEAST, MOST

BINARY = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**", ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
}
UNARY = {ast.USub: operators.negative, ast.UAdd: operators.positive,
         ast.Invert: operators.inverted}
COMPARE = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
CONSTANTS = (bool, int, float, str, type(None), type(...))


def compile_expression(scope: Scope, node):
    """The closure of a node, or ScriptError."""
    make = EXPRESSIONS.get(type(node))
    if make is None:
        raise not_allowed(node)
    scope.enter(node)
    closure = make(scope, node)
    scope.leave()
    return closure


def several(scope, nodes):
    return [compile_expression(scope, node) for node in nodes]


def constant(scope, node):
    value = node.value
    if type(value) not in CONSTANTS:
        raise refused(node, f"a {type(value).__name__} is not allowed in a script")
    if type(value) is int and not LEAST <= value <= MOST:
        raise refused(node, "an int has 64 bits")
    return lambda frame: value


def name(scope, node):
    wanted = node.id
    if wanted not in scope.names:
        known = scope.names | BUILTINS.keys() | scope.functions.keys() | {"torch", "redis"}
        if wanted in known or wanted == "redisAI":
            raise refused(node, f"{wanted} is no value")
        raise refused(node, unknown("name", wanted[:40], known))

    def read(frame):
        try:
            return frame.names[wanted]
        except KeyError:
            raise DtypeError(f"{shown(wanted)} has no value yet") from None

    return read


def binary(scope, node):
    sign = BINARY.get(type(node.op))
    if sign is None:
        raise not_allowed(node, node.op)
    left, right = several(scope, (node.left, node.right))
    apply = operators.binary
    return lambda frame: apply(frame.budget, sign, left(frame), right(frame))


def unary(scope, node):
    operand = compile_expression(scope, node.operand)
    if type(node.op) is ast.Not:
        return lambda frame: not operators.truth(operand(frame))
    apply = UNARY[type(node.op)]
    return lambda frame: apply(frame.budget, operand(frame))


def boolean(scope, node):
    """The last value looked at, as in Python; conditions are one number."""
    parts, stops = several(scope, node.values), type(node.op) is ast.Or

    def apply(frame):
        for part in parts:
            value = part(frame)
            if operators.truth(value) is stops:
                break
        return value

    return apply


def compare(scope, node):
    parts = several(scope, [node.left, *node.comparators])
    tests = [_test(one, node) for one in node.ops]
    if len(tests) == 1:
        left, right = parts
        return lambda frame: tests[0](frame.budget, left(frame), right(frame))

    def chained(frame):
        value = parts[0](frame)
        for test, part in zip(tests, parts[1:], strict=True):
            other = part(frame)
            found = test(frame.budget, value, other)
            if not operators.truth(found):
                break
            value = other
        return found

    return chained


def _test(op, node):
    """f(budget, x, y) of a sign of comparison."""
    sign = COMPARE.get(type(op))
    if sign:
        return lambda budget, x, y: operators.compare(budget, sign, x, y)
    if type(op) is ast.In:
        return operators.contains
    if type(op) is ast.NotIn:
        return lambda budget, x, y: not operators.contains(budget, x, y)
    wanted = node.comparators[-1]
    if not (isinstance(wanted, ast.Constant) and wanted.value is None):
        raise refused(node, "is compares with None only")
    negated = type(op) is ast.IsNot
    return lambda budget, x, y: (x is None) is not negated


def ternary(scope, node):
    test, body, other = several(scope, (node.test, node.body, node.orelse))
    return lambda frame: body(frame) if operators.truth(test(frame)) else other(frame)


def subscript(scope, node):
    value, index = several(scope, (node.value, node.slice))
    return lambda frame: places.at(frame.budget, value(frame), index(frame))


def slice_(scope, node):
    ends = [compile_expression(scope, one) if one else None
            for one in (node.lower, node.upper, node.step)]

    def apply(frame):
        found = [end and end(frame) for end in ends]
        for one in found:
            if one is not None and type(one) is not int:
                raise DtypeError(f"a slice wants ints, got {operators.kind_name(one)}")
        return builtins.slice(*found)

    return apply


def list_(scope, node):
    parts = several(scope, node.elts)

    def apply(frame):
        frame.budget.step(1 + len(parts))
        return [part(frame) for part in parts]

    return apply


def tuple_(scope, node):
    parts = several(scope, node.elts)
    return lambda frame: tuple([part(frame) for part in parts])


def comprehension(scope, node):
    """[expression for x in items]; one loop, without conditions, as in TorchScript."""
    loop = node.generators[0]
    if len(node.generators) > 1 or loop.ifs or loop.is_async:
        raise refused(node, "a list in brackets has one loop and no condition")
    items = compile_expression(scope, loop.iter)
    store = compile_target(scope, loop.target)
    element = compile_expression(scope, node.elt)

    def apply(frame):
        budget, result = frame.budget, []
        for one in items_of(budget, items(frame)):
            budget.step()
            store(frame, one)
            result.append(element(frame))
        return result

    return apply


# --- targets ------------------------------------------------------------------------------------


def compile_target(scope, node):
    """f(frame, value), which puts a value under a name, in several, or at a place."""
    if isinstance(node, ast.Name):
        return _named(node)
    if isinstance(node, (ast.Tuple, ast.List)):
        return _unpacked(scope, node)
    if isinstance(node, ast.Subscript):
        scope.stores = True
        value, index = several(scope, (node.value, node.slice))
        return lambda frame, new: places.put(frame.budget, value(frame), index(frame), new)
    raise refused(node, "values go to names and to places of lists and tensors only")


def _named(node):
    wanted = node.id
    if wanted in ("torch", "redis", "redisAI") or wanted.startswith("__"):
        raise refused(node, f"the name {shown(wanted)} is taken")

    def store(frame, value):
        frame.names[wanted] = value

    return store


def _unpacked(scope, node):
    scope.enter(node)
    stores = [compile_target(scope, one) for one in node.elts]
    scope.leave()

    def unpack(frame, value):
        if not isinstance(value, (list, tuple)):
            value = items_of(frame.budget, value)
        if len(value) != len(stores):
            raise DtypeError(f"{len(stores)} names for {len(value)} values")
        for store, one in zip(stores, value, strict=True):
            store(frame, one)

    return unpack


def called(scope, node):
    return compile_call(scope, node, compile_expression)


def dotted(scope, node):
    return attribute(scope, node, compile_expression)


EXPRESSIONS = {
    ast.Constant: constant, ast.Name: name, ast.BinOp: binary, ast.UnaryOp: unary,
    ast.BoolOp: boolean, ast.Compare: compare, ast.IfExp: ternary, ast.Subscript: subscript,
    ast.Slice: slice_, ast.List: list_, ast.Tuple: tuple_, ast.ListComp: comprehension,
    ast.Call: called, ast.Attribute: dotted,
}
