"""House rules: who may import whom, sizes, tests that can fail, nothing unsafe.

The arrows are read from the folder table in docs/architecture.md, so the page stays true.
"""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
INSTALLED = {"pyapi": "respnet", "engine": "respnet.engine", "redisproto": "respnet.redisproto"}
PROGRAM = [
    path
    for folder in INSTALLED
    for suffix in ("*.py", "*.pyx", "*.pxd")
    for path in sorted((ROOT / folder).rglob(suffix))
]
TESTS = sorted((ROOT / "tests").glob("test_*.py"))
OUTSIDE = [p for d in ("tests", "bench", "examples") for p in sorted((ROOT / d).rglob("*.py"))]
NATIVE = [
    path
    for folder in INSTALLED
    for suffix in ("*.hpp", "*.h", "*.cpp")
    for path in sorted((ROOT / folder).rglob(suffix))
]

LINES = {".py": 300, ".pyx": 400, ".pxd": 400, ".hpp": 400, ".h": 400, ".cpp": 400}
TEST_LINES, FUNCTION_LINES, PARAMETERS, COLUMNS = 500, 40, 8, 100
# file, or file::function -> why it may be larger
EXCEPTIONS = {
    "engine/reference_losses.py::pointwise_loss": "the operands of its row in the op contract",
    "engine/reference_losses.py::row_loss": "the operands of its row in the op contract",
    "engine/reference_ops.py::rprop_step": "the operands of its row in the op contract",
    "engine/reference_ops.py::rmsprop_step": "the operands of its row in the op contract",
    "engine/reference_optimizers.py::amsgrad_step": "the operands of its row in the op contract",
    "engine/reference_optimizers.py::adamax_step": "the operands of its row in the op contract",
    "engine/reference_optimizers.py::nadam_step": "the operands of its row in the op contract",
    "engine/reference_ops.py::adam_step": "the operands of its row in the op contract",
    "engine/reference_python.py::python_backward": "the operands of its row in the op contract",
    "engine/reference_recurrent.py::simple_rnn_backward": "operands of its row in the op contract",
    "engine/reference_recurrent.py::lstm_forward": "the operands of its row in the op contract",
    "engine/reference_recurrent.py::lstm_backward": "the operands of its row in the op contract",
    "engine/reference_recurrent.py::gru_forward": "the operands of its row in the op contract",
    "engine/reference_recurrent.py::gru_backward": "the operands of its row in the op contract",
    "engine/gpu/losses.py::pointwise_loss": "the operands of its row in the op contract",
    "engine/gpu/losses.py::row_loss": "the operands of its row in the op contract",
    "engine/gpu/recurrent.py::simple_rnn_forward": "the operands of its row in the op contract",
    "engine/gpu/recurrent.py::simple_rnn_backward": "the operands of its row in the op contract",
    "engine/gpu/recurrent.py::lstm_forward": "the operands of its row in the op contract",
    "engine/gpu/recurrent.py::lstm_backward": "the operands of its row in the op contract",
    "engine/gpu/recurrent.py::gru_forward": "the operands of its row in the op contract",
    "engine/gpu/recurrent.py::gru_backward": "the operands of its row in the op contract",
    "redisproto/store_codec.py::row_checksum": "the columns of a row of the store",
    "redisproto/store_tables.py::put": "the columns of a row of the store",
    "redisproto/store_tables.py::_insert": "the columns of a row of the store",
}


def name(path):
    return path.relative_to(ROOT).as_posix()


def dotted(path):
    """engine/kernels/levels.py -> respnet.engine.kernels.levels"""
    folder, *rest = path.relative_to(ROOT).with_suffix("").parts
    return ".".join([INSTALLED[folder], *(part for part in rest if part != "__init__")])


# --- arrows ---------------------------------------------------------------------------------


def read_table():
    """Folder -> (packages it may import, those of them only inside functions, {file: extra})."""
    rules = {}
    for line in (ROOT / "docs/architecture.md").read_text().splitlines():
        row = re.fullmatch(r"\| `([\w/]+)/` \| `(respnet[\w.]*)`.* \| (.*) \|", line)
        if not row:
            continue
        allowed, lazy, alone = set(), set(), {}
        for item in re.split("[,;]", row[3]):
            words = item.strip().lower()
            extra = re.fullmatch(r"`([\w*.]+)` alone also starts `([\w.]+)`", words)
            if extra:
                alone[extra[1]] = extra[2]
                continue
            package = re.sub(r" \(lazily\)", "", words).strip("`")
            package = package.replace("engine.errors", "respnet.engine.errors")
            allowed.add(package)
            if "(lazily)" in words:
                lazy.add(package)
        rules[row[1]] = (allowed, lazy, alone)
    return rules


RULES = read_table()


def rule_of(path):
    folders = [f for f in RULES if name(path).startswith(f + "/")]
    folder = max(folders, key=len)
    allowed, lazy, alone = RULES[folder]
    extra = {target for pattern, target in alone.items() if path.match(pattern)}
    return dotted(ROOT / folder / "__init__.py"), allowed | extra, lazy


def absolute(package, level, module):
    """The installed name of a relative import, seen from a module of ``package``."""
    if not level:
        return module or ""
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - level + 1], *([module] if module else [])])


def python_imports(path):
    """(installed name, inside a function) of every import of a .py file."""
    tree = ast.parse(path.read_text())
    package = dotted(path) if path.name == "__init__.py" else dotted(path).rpartition(".")[0]
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield absolute(package, node.level, node.module), id(node) in inside


def cython_imports(path):
    """The same for .pyx and .pxd, line by line; cimports count as imports."""
    package = dotted(path).rpartition(".")[0]
    pattern = r"^([ \t]*)(?:from\s+(\.*)([\w.]*)\s+c?import|c?import\s+([\w.]+))"
    for match in re.finditer(pattern, path.read_text(), re.M):
        indent, dots, module, plain = match.groups()
        yield plain or absolute(package, len(dots), module), bool(indent)


def fits(module, allowed):
    return any(module == a or module.startswith(a + ".") for a in allowed)


def forbidden(path):
    home, allowed, lazy = rule_of(path)
    imports = python_imports(path) if path.suffix == ".py" else cython_imports(path)
    for module, inside in imports:
        top = module.split(".")[0]
        free = top in sys.stdlib_module_names or top in ("cython", "cpython", "libc", "libcpp")
        # The package root is no licence for the other roots: respnet.* is judged by its own row.
        own = fits(module, {home}) and (home != "respnet" or not other_root(module))
        if free or own:
            continue
        if not fits(module, allowed):
            yield f"{name(path)} imports {module}"
        elif fits(module, lazy) and not inside:
            yield f"{name(path)} imports {module} at its top, not lazily"


def other_root(module):
    return fits(module, set(INSTALLED.values()) - {"respnet"})


def test_the_architecture_page_has_a_rule_for_every_folder():
    assert set(INSTALLED) <= set(RULES)
    assert "numpy" in RULES["engine"][0]


def test_imports_follow_the_arrows():
    assert [problem for path in PROGRAM for problem in forbidden(path)] == []


def test_an_arrow_against_the_table_is_seen(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    wrong = tmp_path / "engine" / "wrong.pyx"
    wrong.parent.mkdir()
    wrong.write_text("from ..redisproto.server cimport Server\nfrom .errors import SpecError\n")
    assert list(forbidden(wrong)) == ["engine/wrong.pyx imports respnet.redisproto.server"]


def test_what_is_not_installed_uses_installed_names_only():
    pattern = r"^\s*(?:from|import)\s+(engine|redisproto|pyapi|tests|bench|examples)\b"
    found = [name(p) for p in OUTSIDE if re.search(pattern, p.read_text(), re.M)]
    assert found == []


# --- sizes ----------------------------------------------------------------------------------


def functions(path):
    """(function, node) of every function of a .py file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def code_lines(path, node):
    """Lines of a function that are neither blank, comment nor docstring."""
    lines = path.read_text().splitlines()[node.body[0].lineno - 1 : node.end_lineno]
    if ast.get_docstring(node) is not None:
        lines = lines[node.body[0].end_lineno - node.body[0].lineno + 1 :]
    return sum(1 for line in lines if line.strip() and not line.strip().startswith("#"))


def parameters(node):
    a = node.args
    names = [x.arg for x in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
    return len([n for n in names if n not in ("self", "cls")])


def too_large():
    for path in [*PROGRAM, *OUTSIDE, *NATIVE]:
        limit = TEST_LINES if path in TESTS else LINES[path.suffix]
        lines = path.read_text().splitlines()
        if len(lines) > limit:
            yield name(path), f"{len(lines)} lines, limit {limit}"
        if path.suffix == ".py":
            for node in functions(path):
                size, count = code_lines(path, node), parameters(node)
                if size > FUNCTION_LINES:
                    yield f"{name(path)}::{node.name}", f"{size} lines, limit {FUNCTION_LINES}"
                if count > PARAMETERS and path not in TESTS:  # there they are what varies
                    yield f"{name(path)}::{node.name}", f"{count} parameters, limit {PARAMETERS}"


def test_files_and_functions_stay_small():
    assert [f"{what}: {size}" for what, size in too_large() if what not in EXCEPTIONS] == []


def test_the_exceptions_are_still_needed():
    assert set(EXCEPTIONS) <= {what for what, _ in too_large()}


def test_lines_fit_in_the_width():
    wide = [
        f"{name(path)}:{number}"
        for path in [*PROGRAM, *OUTSIDE, *NATIVE]
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > COLUMNS
    ]
    assert wide == []


# --- tests that can fail --------------------------------------------------------------------


def called(node):
    """Names of what a function calls: ``f`` of ``f()`` and of ``a.f()``."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            yield getattr(inner.func, "attr", None) or getattr(inner.func, "id", "")


def asserting(path):
    """Names of the functions of a file that assert, expect an exception, or call one that does."""
    nodes = list(functions(path))
    named = re.compile(r"(raises|warns|fail|_?assert|_?check|_?expect)")
    found = {
        node.name for node in nodes
        if any(isinstance(inner, ast.Assert) for inner in ast.walk(node))
        or any(named.match(name) for name in called(node))
    }
    while more := {n.name for n in nodes if n.name not in found and found & set(called(n))}:
        found |= more
    return found


@pytest.mark.parametrize("path", TESTS, ids=lambda p: p.name)
def test_every_test_asserts_and_has_a_name_of_its_own(path):
    tests = [node for node in functions(path) if node.name.startswith("test")]
    names = [node.name for node in tests]
    assert [name for name in names if name not in asserting(path)] == []
    assert sorted({n for n in names if names.count(n) > 1}) == []


def test_the_tests_are_no_package():
    assert not list((ROOT / "tests").rglob("__init__.py"))


# --- nothing unsafe -------------------------------------------------------------------------

UNSAFE_MODULES = r"^\s*c?(?:from|import)\s+(pickle|marshal|shelve|dill|cloudpickle|joblib)\b"
UNSAFE_CALLS = r"(?<![\w.])(eval|exec|__import__)\s*\(|allow_pickle\s*=\s*True"


@pytest.mark.parametrize("pattern", [UNSAFE_MODULES, UNSAFE_CALLS])
def test_the_package_runs_no_code_from_data(pattern):
    found = [
        f"{name(path)}: {match.group().strip()}"
        for path in PROGRAM
        for match in re.finditer(pattern, path.read_text(), re.M)
    ]
    assert found == []
