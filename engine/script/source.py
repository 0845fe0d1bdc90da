"""Text -> a syntax tree of function definitions, or ScriptError with line and column.

The tree is only looked at. Brackets are counted before, because Python's parser gives up on deep
nesting with errors that say nothing.
"""

import ast

from respnet.engine.errors import ScriptError
from respnet.engine.script.limits import Limits

CONSTRUCTS = {
    ast.Import: "import", ast.ImportFrom: "import", ast.ClassDef: "class",
    ast.AsyncFunctionDef: "async", ast.AsyncFor: "async", ast.AsyncWith: "async",
    ast.Await: "await", ast.Lambda: "lambda", ast.Global: "global", ast.Nonlocal: "nonlocal",
    ast.Delete: "del", ast.NamedExpr: ":=", ast.With: "with", ast.Try: "try", ast.Raise: "raise",
    ast.Yield: "yield", ast.YieldFrom: "yield", ast.JoinedStr: "an f-string",
    ast.Dict: "a dict", ast.Set: "a set", ast.DictComp: "a dict", ast.SetComp: "a set",
    ast.GeneratorExp: "a generator", ast.Starred: "*", ast.FunctionDef: "a function in a function",
    ast.Match: "match", ast.MatMult: "@", ast.Is: "is", ast.IsNot: "is not",
}
SHOWN = 40  # letters of a name that an error repeats
DEEP = "is nested too deeply"


def place(node) -> str:
    return f"line {node.lineno}, column {node.col_offset + 1}"


def refused(node, text: str) -> ScriptError:
    """The error about a node of the tree."""
    return ScriptError(f"{place(node)}: {text}")


def not_allowed(node, what=None) -> ScriptError:
    """The error about something that is on no list; ``what`` where it has no place of its own."""
    name = CONSTRUCTS.get(type(what or node)) or f"a {type(what or node).__name__.lower()}"
    return refused(node, f"{name} is not allowed in a script")


def shown(name: str) -> str:
    return repr(name if len(name) <= SHOWN else name[:SHOWN] + "...")


def definitions(source: str, limits: Limits) -> list[ast.FunctionDef]:
    """The functions of a text."""
    size = len(source.encode("utf-8", "surrogatepass"))
    if size > limits.source:
        raise ScriptError(f"a script has at most {limits.source} bytes, got {size}")
    _check_brackets(source, limits.nesting)
    functions = []
    for node in _tree(source).body:
        if isinstance(node, ast.FunctionDef):
            functions.append(node)
        elif not _is_text(node):
            raise not_allowed(node) if type(node) in CONSTRUCTS else refused(
                node, "a script has functions only")
    return functions


def _is_text(node) -> bool:
    return (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str))


def _tree(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as problem:
        where = f"line {problem.lineno or 1}, column {problem.offset or 1}"
        text = "an int has 64 bits" if "digits" in problem.msg else _plain(problem.msg)
        raise ScriptError(f"{where}: {text}") from None
    except (RecursionError, MemoryError):
        raise ScriptError(f"line 1, column 1: the script {DEEP}") from None
    except (ValueError, OverflowError):
        raise ScriptError("line 1, column 1: a script is text without NUL") from None


def _plain(message: str) -> str:
    return " ".join(message.replace("\0", " ").split())[:200]


def _check_brackets(source: str, most: int) -> None:
    """Brackets in strings and comments count too: a bound, not a grammar."""
    depth, line, start = 0, 1, 0
    for at, letter in enumerate(source):
        if letter in "([{":
            depth += 1
            if depth > most:
                raise ScriptError(f"line {line}, column {at - start + 1}: the script {DEEP}")
        elif letter in ")]}":
            depth = max(0, depth - 1)
        elif letter == "\n":
            line, start = line + 1, at + 1
