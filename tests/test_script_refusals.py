"""What a script may not do is refused with its place, before it runs or within its limits."""

import numpy as np
import pytest

from respnet.engine.errors import ScriptError
from respnet.engine.script import Host, Kind, Limits, Script
from respnet.engine.script.builtins import method_names
from respnet.engine.script.listing import markdown
from respnet.engine.script.table import FUNCTIONAL, METHODS, TORCH

X = np.arange(6, dtype=np.float32).reshape(2, 3)
NAMES = ("abs, bool, enumerate, f, float, int, len, list, max, min, print, range, round, str, sum, "
         "zip")


def body(lines):
    return "def f(x):\n" + "\n".join("    " + line for line in lines.splitlines())


NOT_COMPILED = [  # (body of f(x), the text)
    ("import os", "line 2, column 5: import is not allowed in a script"),
    ("from os import path", "line 2, column 5: import is not allowed in a script"),
    ("return x.__class__",
     "line 2, column 12: the attribute '__class__' is not allowed in a script"),
    ("return x.sum().__init__()",
     "line 2, column 12: the attribute '__init__' is not allowed in a script"),
    ("return f.__globals__",
     "line 2, column 12: the attribute '__globals__' is not allowed in a script"),
    ("return open('a')", "line 2, column 12: unknown function 'open'; did you mean len?"),
    ("return getattr(x, 'a')",
     f"line 2, column 12: unknown function 'getattr'; known are {NAMES}"),
    ("return (lambda: 1)()", "line 2, column 12: only functions with a name can be called"),
    ("return lambda: 1", "line 2, column 12: lambda is not allowed in a script"),
    ("return x[0]()", "line 2, column 12: only functions with a name can be called"),
    ("return (y := x)", "line 2, column 13: := is not allowed in a script"),
    ("global y", "line 2, column 5: global is not allowed in a script"),
    ("nonlocal y", "line 2, column 5: nonlocal is not allowed in a script"),
    ("del x", "line 2, column 5: del is not allowed in a script"),
    ("yield x", "line 2, column 5: yield is not allowed in a script"),
    ("await x", "line 2, column 5: await is not allowed in a script"),
    ("with x: pass", "line 2, column 5: with is not allowed in a script"),
    ("try: pass\nexcept: pass", "line 2, column 5: try is not allowed in a script"),
    ("raise x", "line 2, column 5: raise is not allowed in a script"),
    ("class A: pass", "line 2, column 5: class is not allowed in a script"),
    ("def g(): pass", "line 2, column 5: a function in a function is not allowed in a script"),
    ("match x:\n    case _: pass", "line 2, column 5: match is not allowed in a script"),
    ("return f'{x}'", "line 2, column 12: an f-string is not allowed in a script"),
    ("return {1: 2}", "line 2, column 12: a dict is not allowed in a script"),
    ("return {1}", "line 2, column 12: a set is not allowed in a script"),
    ("return max(y for y in x)", "line 2, column 15: a generator is not allowed in a script"),
    ("return max(*x)", "line 2, column 16: * is not allowed in a script"),
    ("return max(**x)", "line 2, column 18: * is not allowed in a script"),
    ("return [y for y in x if y]",
     "line 2, column 12: a list in brackets has one loop and no condition"),
    ("return b'a'", "line 2, column 12: a bytes is not allowed in a script"),
    ("return 1j", "line 2, column 12: a complex is not allowed in a script"),
    ("return x << 2", "line 2, column 12: a lshift is not allowed in a script"),
    ("x <<= 2", "line 2, column 5: a lshift is not allowed in a script"),
    ("return 9223372036854775808", "line 2, column 12: an int has 64 bits"),
    ("return " + "9" * 5000, "line 2, column 1: an int has 64 bits"),
    ("return y", "line 2, column 12: unknown name 'y'; known are abs, bool, enumerate, f, float, "
                "int, len, list, max, min, print, range, redis, round, str, sum, torch, x, zip"),
    ("return torch", "line 2, column 12: torch is no value"),
    ("return len", "line 2, column 12: len is no value"),
    ("return torch.ops", "line 2, column 12: 'torch.ops' is no value a script can use"),
    ("return torch.load('a')",
     "line 2, column 12: unknown function 'torch.load'; did you mean torch.log or torch.add or "
     "torch.rand?"),
    ("return torch.set_num_threads(2)",
     "line 2, column 12: unknown function 'torch.set_num_threads'; did you mean torch.subtract or "
     "torch.numel or torch.square?"),
    ("return torch.rand(2, *x)",
     "line 2, column 26: * is not allowed in a script"),
    ("return x.tofile('a')",
     "line 2, column 12: unknown method 'tofile'; did you mean tile or fill_ or to?"),
    ("return x.adds_(1)", "line 2, column 12: unknown method 'adds_'; did you mean add_ or "
                            "add or abs_?"),
    ("return x.set_(x)", "line 2, column 12: unknown method 'set_'; did you mean sqrt_ or "
                           "select or rsqrt_?"),
    ("return x.resize_(9)", "line 2, column 12: unknown method 'resize_'; did you mean size or "
                             "reshape_as or remainder_?"),
    ("return x.data", "line 2, column 12: unknown attribute 'data'; known are T, dtype, "
                      "indices, ndim, shape, values"),
    ("return x.ctypes", "line 2, column 12: unknown attribute 'ctypes'; did you mean dtype?"),
    ("return redis.eval('a')",
     "line 2, column 12: unknown function 'redis.eval'; did you mean redis.asList or redis.execute "
     "or redisAI.model_execute?"),
    ("return x.sum(_a=1)", "line 2, column 21: the argument '_a' is not allowed in a script"),
    ("torch = x", "line 2, column 5: the name 'torch' is taken"),
    ("x.y = 1", "line 2, column 5: values go to names and to places of lists and tensors only"),
    ("break", "line 2, column 5: break is outside of a loop"),
    ("for i in x: pass\nelse: pass", "line 2, column 5: a loop has no else in a script"),
    ("y: Foo = x", "line 2, column 8: types are Tensor, int, float, bool, str, None, and List[], "
                   "Tuple[], Optional[] of these"),
    ("return x is x", "line 2, column 12: is compares with None only"),
    ("return " + "(" * 10000, "line 2, column 62: the script is nested too deeply"),
    ("return " + "-" * 10000 + "1", "line 1, column 1: the script is nested too deeply"),
    ("return " + "+".join("1" * 20000), "line 1, column 1: the script is nested too deeply"),
    ("return " + "+".join("1" * 60), "line 2, column 12: the script is nested too deeply"),
    ("return x" + ".T" * 20000, "line 1, column 1: the script is nested too deeply"),
    ("return '\0'", "line 1, column 1: source code string cannot contain null bytes"),
    ("return 'a", "line 2, column 12: unterminated string literal (detected at line 2)"),
    ("\uff45\uff58\uff45\uff43('1')",  # full-width letters are the plain ones to Python
     f"line 2, column 5: unknown function 'exec'; known are {NAMES}"),
]


@pytest.mark.parametrize(("lines", "text"), NOT_COMPILED, ids=[one[0][:30] for one in NOT_COMPILED])
def test_what_is_on_no_list_is_refused(lines, text):
    with pytest.raises(ScriptError) as refusal:
        Script.of(body(lines))
    assert str(refusal.value) == text


@pytest.mark.parametrize(("source", "text"), [
    ("", "line 1, column 1: a script has at least one function"),
    ("x = 1", "line 1, column 1: a script has functions only"),
    ("print(1)", "line 1, column 1: a script has functions only"),
    ("import os", "line 1, column 1: import is not allowed in a script"),
    ("async def f(x): pass", "line 1, column 1: async is not allowed in a script"),
    ("@g\ndef f(x): pass", "line 1, column 2: a decorator is not allowed in a script"),
    ("def f(*x): pass", "line 1, column 1: a function has plain parameters only, without * and /"),
    ("def f(x=open('a')): pass",
     "line 1, column 9: the default of 'x' is a constant of type Tensor"),
    ("def f(x: int = 1.5): pass",
     "line 1, column 16: the default of 'x' is a constant of type int"),
    ("def f(x): pass\ndef f(x): pass", "line 2, column 1: the name 'f' is taken"),
    ("def __f__(x): pass", "line 1, column 1: the name '__f__' is taken"),
    ("# " + "a" * 70000, "a script has at most 65536 bytes, got 70002"),
])
def test_texts_that_are_no_scripts(source, text):
    with pytest.raises(ScriptError) as refusal:
        Script.of(source)
    assert str(refusal.value) == text


NOT_RUN = [
    ("return x + torch.ones(4)", "add: shapes [2, 3] and [4] do not broadcast"),
    ("return torch.matmul(x, x)",
     "matmul got float32 (2, 3), float32 (2, 3); it wants x1 (...,M,K) and x2 (...,K,N)"),
    ("return x.view(4)", "view: shape [4] is invalid for 6 numbers"),
    ("return x.sum(2)", "sum: dimension 2 is out of range from -2 to 1"),
    ("return x.sum(foo=1)", "sum: got an unexpected keyword argument 'foo'"),
    ("return x.long().mean()", "mean: wanted a Tensor of floats, got one of int64"),
    ("return x[5]", "there is no such place in a Tensor of shape [2, 3]"),
    ("return x[0, 0, 0]", "too many places for a tensor of 2 dimensions"),
    ("return x['a']", "a place is an int, a slice, None, ... or a Tensor of whole numbers or truth "
                      "values, got str"),
    ("return [1][1]", "there is no place 1 among 1"),
    ("x[0] = 'a'", "wanted a Tensor or a number, got str"),
    ("x.shape[0] = [1]\nreturn x.view(x.shape[5])", "there is no place 5 among 2"),
    ("'a'[0] = 1", "str cannot be changed"),
    ("(1, 2)[0] = 1", "Tuple cannot be changed"),
    ("if x: pass", "a condition wants one number, got a Tensor of 6"),
    ("return 1 // 0", "division by zero"),
    ("return x.long() // 0", "floor_divide: division by zero"),
    ("return 'a' * 2", "* does not work on str and int"),
    ("return [x] == [x]", "lists of tensors cannot be compared"),
    ("return 9223372036854775807 + 1", "the result does not fit in an int of 64 bits"),
    ("assert x.sum() > 100, 'small'", "the assertion failed: small"),
    ("if x.sum() < 0:\n    y = 1\nreturn y", "'y' has no value yet"),
    ("return int('a')", "'a' is no int"),
    ("return len(1)", "len wants a List, a Tensor or a str, got int"),
    ("return range(2.5)", "range wants ints, got float"),
    ("return x.append(1)", "Tensor has no method 'append'"),
    ("return 'a'.append(1)", "str has no method 'append'"),
    ("a, b = [1]", "2 names for 1 values"),
    ("return redis.execute('GET', 'a')", "redis.execute is not available here"),
    ("return redis.execute(x)", "redis.execute wants the name of a command"),
    ("return f(1)", "the argument 'x' of f is Tensor, got int"),
    ("return f()", "f wants the argument 'x'"),
    ("return f(x)", "more than 32 calls inside calls"),
    ("while True: pass", "more than 100000 steps"),
    ("for i in range(1000000000): x = x", "more than 100000 steps"),
    ("return torch.zeros(1000000, 1000000)", "zeros: more than 10000000 bytes of tensors"),
    ("return x[0].expand(1000000, 3)", "expand: more than 10000000 bytes of tensors"),
    ("y = torch.zeros(1000)\nreturn y[:, None] + torch.zeros(2000, 1000).t()",
     "more than 10000000 bytes of tensors"),
    ("y = torch.zeros(2000)\nreturn y[:, None] * y", "mul: more than 10000000 bytes of tensors"),
    ("y = [x]\nwhile True:\n    y.append(torch.zeros(1000))",
     "more than 10000000 bytes of tensors"),
    ("y = [1]\nwhile True:\n    y = y + y", "more than 100000 steps"),
    ("y = 'a'\nwhile True:\n    y = y + y", "more than 67108864 bytes of strings"),
    ("y = 'a'\nfor i in range(17):\n    y = y + y\nz = y.split()", "more than 100000 steps"),
    ("return torch.zeros(100000).split(1)", "split: more than 10000000 bytes of tensors"),
    ("return torch.nn.functional.one_hot(torch.tensor([1]), 10000000)",
     "one_hot: more than 10000000 bytes of tensors"),
    ("return torch.arange(0, 1000000000000)", "arange: more than 10000000 bytes of tensors"),
]


@pytest.mark.parametrize(("lines", "text"), NOT_RUN, ids=[one[0][:30] for one in NOT_RUN])
def test_what_fails_is_told_with_its_place(lines, text):
    limits = Limits(steps=100_000, bytes=10_000_000)
    with pytest.raises(ScriptError) as failure:
        Script.of(body(lines)).run("f", [X], limits=limits)
    place, _, said = str(failure.value).partition(": ")
    assert said == text
    assert place.startswith("line ") and ", column " in place


def test_time_is_limited():
    with pytest.raises(ScriptError, match="line 2, column 17: longer than 0 seconds"):
        Script.of(body("while True: pass")).run("f", [X], limits=Limits(seconds=0))


def test_bytes_that_are_no_longer_held_do_not_count():
    script = Script.of(body("for i in range(100):\n    y = torch.zeros(250000)\nreturn y"))
    assert script.run("f", [X], limits=Limits(bytes=3_000_000)).nbytes == 1_000_000


def test_a_view_holds_what_it_looks_at():
    script = Script.of(body("y = [x]\nwhile True:\n    y.append(torch.zeros(250000)[:1])"))
    with pytest.raises(ScriptError, match="more than 3000000 bytes"):
        script.run("f", [X], limits=Limits(bytes=3_000_000))


def test_arguments_and_results_are_of_their_types():
    script = Script.of("def f(x: List[str], n: int = 2) -> str:\n    return x[0] if n else n")
    assert script.functions["f"].parameters[0].kind == Kind("List", (Kind("str"),))
    assert str(script.functions["f"].parameters[0].kind) == "List[str]"
    assert script.run("f", [["a"]]) == "a"
    for arguments, text in (([["a"], 0], "f returns str, got int"),
                            ([[1]], "the argument 'x' of f is List[str], got List"),
                            ([], "f wants the argument 'x'"),
                            ([["a"], 1, 2], "f takes 2 arguments, got 3")):
        with pytest.raises(ScriptError) as failure:
            script.run("f", arguments)
        assert str(failure.value) == f"line 1, column 1: {text}"
    with pytest.raises(ScriptError, match="unknown function 'g'; known are f"):
        script.run("g", [])


def test_inputs_are_never_changed():
    x = X.copy()
    Script.of(body("y = x.view(-1)\ny += 1\nx *= 2\nx[0] = 7\nx.zero_()")).run("f", [x])
    Script.of(body("x.t().T.view(-1).select(0, 1).fill_(3)")).run("f", [x])
    Script.of("def g(y):\n    y[0] = 1\ndef f(x):\n    g(x)").run("f", [x])
    Script.of("def f(x: List[Tensor]):\n    x[0][0] = 1\n    x[1] = x[0]").run("f", [[x, x]])
    assert (x == X).all()


def test_what_a_model_gives_is_not_changed():
    given = Recorder()
    given.answer = np.zeros(3)
    source = body("y = redisAI.model_execute('m', [x], 1)[0]\ny += 1\nreturn y")
    assert (Script.of(source).run("f", [X], given) == 1).all()
    assert not given.answer.any()


class Recorder(Host):
    """A host that answers."""

    def execute(self, words):
        return ["1", ["2"], len(words)]

    answer = None

    def model_execute(self, key, inputs, outputs):
        return [inputs[0] * 2 if self.answer is None else self.answer] * outputs


def test_a_script_reaches_its_host():
    source = body("a = redis.asList(redis.execute('CMD', 1, 2.5, ['a', 'b']))\n"
                  "y = redisAI.model_execute('m', [x], 2)\nreturn a, redis.asList(3), y[1]")
    said, alone, doubled = Script.of(source).run("f", [X], Recorder())
    assert (said, alone) == (["1", ["2"], 5], [3])
    assert (doubled == X * 2).all()


def test_strings_are_handed_on_only():
    words = np.array([b"a", b"b"], object)
    assert Script.of(body("return x")).run("f", [words]) is words
    with pytest.raises(ScriptError, match="a tensor of strings can only be handed on"):
        Script.of(body("return x + 1")).run("f", [words])


def test_the_page_lists_every_function(request):
    page = (request.config.rootpath / "docs/ai.md").read_text()
    assert markdown() in page
    for name in (*TORCH, *FUNCTIONAL, *METHODS):
        assert f"`{name}`" in markdown()
    assert "append" in method_names()
