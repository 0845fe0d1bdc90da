"""Statements of a tree -> closures ``f(frame) -> None, BREAK, CONTINUE or RETURN``.

What is not in ``STATEMENTS`` is refused. A failure of a run is told with the place of its
statement.
"""

import ast

from respnet.engine.errors import DtypeError, EngineError, ScriptError
from respnet.engine.script import operators, places
from respnet.engine.script.annotations import kind_of
from respnet.engine.script.builtins import items_of
from respnet.engine.script.expressions import (
    BINARY,
    compile_expression,
    compile_target,
    several,
)
from respnet.engine.script.source import not_allowed, refused

BREAK, CONTINUE, RETURN = "break", "continue", "return"


def compile_block(scope, nodes):
    """A closure that runs statements until one says that the block ends."""
    steps = [compile_statement(scope, node) for node in nodes]

    def run(frame):
        for step in steps:
            signal = step(frame)
            if signal is not None:
                return signal
        return None

    return run


def compile_statement(scope, node):
    make = STATEMENTS.get(type(node))
    if make is None:
        raise not_allowed(node)
    scope.enter(node)
    action = make(scope, node)
    scope.leave()

    def step(frame):
        try:
            frame.budget.step()
            return action(frame)
        except ScriptError:
            raise
        except EngineError as problem:
            raise refused(node, str(problem)) from None
        except (ValueError, TypeError, IndexError, ArithmeticError):
            raise refused(node, "the values do not fit") from None
        except RecursionError:
            raise refused(node, "calls or lists are nested too deeply") from None
        except MemoryError:
            raise refused(node, "there is no memory for this") from None

    return step


def expression(scope, node):
    """A call whose result nobody takes; a text is a comment."""
    if isinstance(node.value, ast.Constant):
        return lambda frame: None
    value = compile_expression(scope, node.value)

    def apply(frame):
        value(frame)

    return apply


def assign(scope, node):
    value = compile_expression(scope, node.value)
    stores = [compile_target(scope, target) for target in node.targets]

    def apply(frame):
        found = value(frame)
        for store in stores:
            store(frame, found)

    return apply


def annotated(scope, node):
    """x: List[Tensor] = []"""
    kind = kind_of(node.annotation)
    if node.value is None:
        return lambda frame: None
    value, store = compile_expression(scope, node.value), compile_target(scope, node.target)

    def apply(frame):
        found = value(frame)
        if not kind.accepts(found, frame.budget.step):
            raise DtypeError(f"wanted {kind}, got {operators.kind_name(found)}")
        store(frame, found)

    return apply


def augmented(scope, node):
    """x += 1, x[i] += 1; tensors and lists are changed where TorchScript changes them."""
    sign = BINARY.get(type(node.op))
    if sign is None:
        raise not_allowed(node, node.op)
    scope.stores = True
    value = compile_expression(scope, node.value)
    if isinstance(node.target, ast.Subscript):
        return _augmented_place(scope, node.target, sign, value)
    store = compile_target(scope, node.target)
    if not isinstance(node.target, ast.Name):
        raise refused(node, "values go to names and to places of lists and tensors only")
    old = compile_expression(
        scope, ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target))

    def apply(frame):
        store(frame, operators.augmented(frame.budget, sign, old(frame), value(frame)))

    return apply


def _augmented_place(scope, target, sign, value):
    """Container and place are found once. What is put back is the same view, or a new value."""
    container, index = several(scope, (target.value, target.slice))

    def apply(frame):
        x, place, budget = container(frame), index(frame), frame.budget
        old = places.at(budget, x, place)
        new = operators.augmented(budget, sign, old, value(frame))
        if new is not old or type(x) is not list:
            places.put(budget, x, place, new)

    return apply


def if_(scope, node):
    test = compile_expression(scope, node.test)
    body, other = compile_block(scope, node.body), compile_block(scope, node.orelse)
    return lambda frame: body(frame) if operators.truth(test(frame)) else other(frame)


def while_(scope, node):
    test, body = compile_expression(scope, node.test), _loop_body(scope, node)

    def apply(frame):
        while operators.truth(test(frame)):
            frame.budget.step()
            signal = body(frame)
            if signal is BREAK:
                break
            if signal is RETURN:
                return RETURN
        return None

    return apply


def for_(scope, node):
    items, store = compile_expression(scope, node.iter), compile_target(scope, node.target)
    body = _loop_body(scope, node)

    def apply(frame):
        for one in items_of(frame.budget, items(frame)):
            frame.budget.step()
            store(frame, one)
            signal = body(frame)
            if signal is BREAK:
                break
            if signal is RETURN:
                return RETURN
        return None

    return apply


def _loop_body(scope, node):
    if node.orelse:
        raise refused(node, "a loop has no else in a script")
    scope.loops += 1
    body = compile_block(scope, node.body)
    scope.loops -= 1
    return body


def leave(signal):
    def make(scope, node):
        if not scope.loops:
            raise refused(node, f"{signal} is outside of a loop")
        return lambda frame: signal

    return make


def return_(scope, node):
    value = compile_expression(scope, node.value) if node.value else lambda frame: None

    def apply(frame):
        frame.result = value(frame)
        return RETURN

    return apply


def pass_(scope, node):
    return lambda frame: None


def assert_(scope, node):
    test = compile_expression(scope, node.test)
    message = compile_expression(scope, node.msg) if node.msg else None

    def apply(frame):
        if not operators.truth(test(frame)):
            said = message and message(frame)
            raise DtypeError(f"the assertion failed: {said}"[:200] if type(said) is str
                             else "the assertion failed")

    return apply


STATEMENTS = {
    ast.Expr: expression, ast.Assign: assign, ast.AnnAssign: annotated, ast.AugAssign: augmented,
    ast.If: if_, ast.While: while_, ast.For: for_, ast.Break: leave(BREAK),
    ast.Continue: leave(CONTINUE), ast.Return: return_, ast.Pass: pass_, ast.Assert: assert_,
}
