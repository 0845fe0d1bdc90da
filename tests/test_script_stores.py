"""Scripts change tensors as TorchScript does: the same text through both, values and aliases."""

import numpy as np
import pytest
from test_script_values import BODIES, check_same, text, to_torch

from respnet.engine.errors import ScriptError
from respnet.engine.script import Limits, Script

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")  # that TorchScript is deprecated

X = np.arange(6, dtype=np.float32).reshape(2, 3)
N = np.arange(6).reshape(2, 3)
MASK = X > 2

PLACES = """x[0] = 1.5|x[0, 1] = 7|x[0, 1] = True|x[:, 1] = torch.tensor([7, 8])|x[..., 0] = 9
x[1:, ::2] = x[:1, 1:]|x[None, 0] = 9|x[:, None] = 9|x[0] = x[1]|x[0] = torch.ones(3)
x[0][1] = 5|x[1:][0] = 4|x.view(-1)[2] = 8|x.t()[0] = 3|x.view(3, 2)[:, 0] = 1|x[-1] = -1
x[x > 2] = 0|x[x > 2] = torch.tensor(7)|x[torch.tensor([1, 0])] = 5|x[[0, 1], [1, 2]] = 9
x[:, torch.tensor([0, 2])] = 4|x[0] = torch.tensor(2.5)|x[torch.tensor(1)] = 3
x[0] += 1|x[0, 1] *= 3|x[:, 1] -= torch.tensor([1, 2])|x[x > 2] += 5|x[1:] += x[:-1]
x[torch.tensor([0, 0])] += 5|x[0] %= 2|x[0][1:] -= 1
a, x[0] = x[1], x[1] * 2|x[0], x[1] = x[1] + 1, x[0] + 1""".replace("\n", "|").split("|")
METHODS = """add_(1)|add_(1, alpha=2)|add_(x)|sub_(1)|mul_(3)|div_(2, rounding_mode='floor')
zero_()|fill_(3)|fill_(1.7)|fill_(torch.tensor(3))|copy_(torch.ones(3))|copy_(x[1] * 1)|copy_(3)
clamp_(1)|clamp_(min=1, max=2)|clamp_(max=4)|pow_(2)|neg_()|abs_()|relu_()|remainder_(4)
masked_fill_(x > 2, 9)|sub_(2).abs_().mul_(x)|square_()|sign_()""".replace("\n", "|").split("|")
FLOATS = """div_(2)|mul_(2.5)|exp_()|sqrt_()|sigmoid_()|tanh_()|add_(0.5)|reciprocal_()
clamp_(max=2.5)|round_()|floor_()|ceil_()|add_(1).log_()|add_(1).rsqrt_()""".replace(
    "\n", "|").split("|")
# "; " ends a line, "_ " begins one inside a loop
ALIASES = [one.replace("; ", "\n").replace("_ ", "    ") for one in """\
y = x.view(-1); y += 1|y = x; y *= 2|y = x[0]; y -= 1|y = x.t(); y[0] = 1|y = x[0, 0]; y += 5
y = x.clone(); y += 1|y = x + 0; y += 1|y = x.flatten(); y += 1
y = x.unsqueeze(0).squeeze(); y += 1|y = x[x > 2]; y += 1|y = x.detach(); y += 1
y = x.contiguous(); y += 1|y = x.t().contiguous(); y += 1|y = torch.flip(x, [0]); y += 1
y = x.select(0, 1); y.zero_()|y = torch.unbind(x); y[0].zero_()
y = x.chunk(3, dim=1); y[1].zero_()|y = x.narrow(1, 1, 2); y.zero_()|y = x.expand(2, 3); y += 1
y = x.expand_as(x); y.zero_()|y = x.permute(1, 0).transpose(0, 1); y.zero_()
y = x[torch.tensor(0)]; y += 5|y = x[[0]]; y += 5|y = torch.cat([x]); y += 1
y = torch.tensor([1, 2]); y += 1|y = x; y **= 2|y = x; y %= 2|y = x.reshape(3, 2); y += 1
y = x.reshape(-1)[1:3]; y.fill_(9)|y = x.T; y.zero_()|for row in x:; _ row += 1; y = x
y = [x, x]; y[0][1] = 4|y = [x[0], x[1]]; y[0] += 1|y = x.to(x.dtype); y += 1
y = torch.split(x, 1); y[1][0, 2] = 7|y = x.masked_fill(x > 2, 0); y += 1
y = (x, x[1]); y[1].zero_()|y = x.swapaxes(0, 1); y.zero_()|y = x.max(); y += 1
y = x.sum(); y += 1|y = x.view(x.shape); y += 1|y = [x]; for one in y:; _ one += 1""".replace(
    "\n", "|").split("|")]


def both(parameters, values, body):
    """(ours, theirs) of the same text; what was given must be as it was."""
    source, given = text(parameters, body), [value.copy() for value in values]
    ours = Script.of(source).run("f", given)
    for one, value in zip(given, values, strict=True):
        np.testing.assert_array_equal(one, value)
    return ours, torch.jit.CompilationUnit(source).f(*map(to_torch, values))


@pytest.mark.parametrize("line", [one.strip() for one in PLACES])
@pytest.mark.parametrize("values", [X, N], ids=["float32", "int64"])
def test_numbers_put_at_places(line, values):
    check_same(*both("x", [values], f"{line}\nreturn x"))


@pytest.mark.parametrize("call", [one.strip() for one in METHODS])
@pytest.mark.parametrize("values", [X, N], ids=["float32", "int64"])
def test_methods_that_change_their_tensor(call, values):
    check_same(*both("x", [values], f"y = x.{call}\nreturn x, y"))


@pytest.mark.parametrize("call", [one.strip() for one in FLOATS])
def test_methods_of_floats(call):
    check_same(*both("x", [X], f"y = x.{call}\nreturn x, y"))


@pytest.mark.parametrize("lines", ALIASES)
def test_views_are_views_and_copies_are_copies(lines):
    check_same(*both("x", [X], f"{lines}\nreturn x, y"))


def test_one_tensor_given_twice_is_one():
    source = text("x, y, z: List[Tensor]", "x += 1\nz[0] *= 2\nreturn x, y, z")
    tensors = [X.copy(), X.copy()]
    ours = Script.of(source).run("f", [tensors[0], tensors[0], tensors])
    theirs = [to_torch(one) for one in (X, X)]
    check_same(ours, torch.jit.CompilationUnit(source).f(theirs[0], theirs[0], theirs))
    np.testing.assert_array_equal(tensors[0], X)


def test_a_function_that_stores_changes_what_its_caller_gave():
    source = """
def g(x, n: int):
    x[0] = n
    return x
def h(x):
    return g(x, 9)
def f(x):
    y = h(x[1:])
    return x, y
"""
    given = X.copy()
    ours = Script.of(source).run("f", [given])
    check_same(ours, torch.jit.CompilationUnit(source).f(torch.from_numpy(X.copy())))
    np.testing.assert_array_equal(given, X)


def test_lists_grow_in_place():
    source = text("x: List[int]", "y = x\ny += [3]\nx[0] += 5\nreturn x, y")
    given = [1, 2]
    check_same(Script.of(source).run("f", [given]), torch.jit.CompilationUnit(source).f([1, 2]))
    assert given == [1, 2]


def test_a_place_is_found_once():
    """As in Python; TorchScript looks twice."""
    source = """
def place(calls: List[int]) -> int:
    calls.append(1)
    return 0
def f(x):
    calls: List[int] = []
    x[place(calls)] += 1
    return x, len(calls)
"""
    changed, count = Script.of(source).run("f", [X.copy()])
    assert (changed[0] == X[0] + 1).all() and count == 1


@pytest.mark.parametrize(("line", "wanted"), [
    ("x[:, 1:] += x[:, :-1]", [[0, 1, 3], [3, 7, 9]]),
    ("x[1:] = x[:-1] + 0 * x[1:]", [[0, 1, 2], [0, 1, 2]]),
    ("x.add_(x[:1])", [[0, 2, 4], [3, 5, 7]]),
    ("x[:, 1:] = x[:, :-1]", [[0, 0, 1], [3, 3, 4]]),
    ("x[0] **= 2", [[0, 1, 4], [3, 4, 5]]),
])
def test_what_overlaps_is_read_before_it_is_written(line, wanted):
    """torch refuses or answers by chance."""
    found = Script.of(text("x", f"{line}\nreturn x")).run("f", [X.copy()])
    assert found.tolist() == wanted


@pytest.mark.parametrize(("parameters", "values", "body"), BODIES,
                         ids=[body.split("\n")[0][:50] for _, _, body in BODIES])
def test_results_share_memory_where_those_of_torch_do(parameters, values, body):
    source = text(parameters, body)
    given = [list(value) if type(value) is list else value for value in values]
    theirs = tuple(map(to_torch, values))
    found = sharing(arrays(Script.of(source).run("f", given)), arrays(given), np.may_share_memory)
    results = arrays(torch.jit.CompilationUnit(source).f(*theirs))
    assert found == sharing(results, arrays(theirs), one_storage)


def arrays(value):
    if isinstance(value, (list, tuple)):
        return [array for one in value for array in arrays(one)]
    return [value] if isinstance(value, (np.ndarray, torch.Tensor)) else []


def one_storage(x, y):
    return x.untyped_storage().data_ptr() == y.untyped_storage().data_ptr()


def sharing(results, given, test):
    return [[bool(test(one, other)) for other in given] for one in results]


REFUSED = [  # (body of f(x), ours); x float32 or int64
    (N, "x += 1.5", "add_: the result is float32, the tensor int64"),
    (N, "x /= 2", "div_: the result is float32, the tensor int64"),
    (N, "x.mul_(2.5)", "mul_: the result is float32, the tensor int64"),
    (N, "x.clamp_(max=2.5)", "clamp_: the result is float32, the tensor int64"),
    (N, "x[0] += torch.ones(2, 3)", "add_: the result is float32, the tensor int64"),
    (N, "x[x > 2] = torch.tensor([7.0, 8.0, 9.0])",
     "the tensor is int64, what is put into it float32"),
    (N, "x = x > 1\nx += 1", "add_: the result is int64, the tensor bool"),
    (N, "x.byte().fill_(300)", "fill_: 300 does not fit in uint8"),
    (N, "x = x.byte().clamp(-1, 300)", "clamp: 300 does not fit in uint8"),
    (N, "x = x.byte().masked_fill(x > 3, 300)", "masked_fill: 300 does not fit in uint8"),
    (N, "x = torch.full_like(x.char(), 300)", "full_like: 300 does not fit in int8"),
    (N, "x = torch.where(x > 3, x.byte(), 300)", "where: 300 does not fit in uint8"),
    (N, "x = torch.pow(x.byte(), -1)", "pow: whole numbers have no negative powers"),
    (X, "x += torch.ones(4, 2, 3)",
     "add_: the result has shape [4, 2, 3], the tensor [2, 3]"),
    (X, "x[0] = torch.ones(2)", "numbers of shape [2] do not fit into a Tensor of shape [3]"),
    (X, "x[0] = torch.ones(1, 3)",
     "numbers of shape [1, 3] do not fit into a Tensor of shape [3]"),
    (X, "x[0, 0] = torch.ones(1)", "numbers of shape [1] do not fit into a Tensor of shape []"),
    (X, "x.copy_(torch.ones(4))",
     "copy_: numbers of shape [4] do not fit into a Tensor of shape [2, 3]"),
    (X, "x[x > 2] = torch.ones(2)",
     "numbers of shape [2] do not fit at these places of a Tensor of shape [2, 3]"),
    (X, "x[torch.tensor([5])] = 1",
     "numbers of shape [] do not fit at these places of a Tensor of shape [2, 3]"),
    (X, "x[5] = 1", "there is no such place in a Tensor of shape [2, 3]"),
    (X, "x[0, 0, 0] = 1", "too many places for a tensor of 2 dimensions"),
    (X, "x.fill_(torch.ones(1))",
     "fill_: wanted a number or a tensor without dimensions, got 1"),
    (X, "x[0].expand(2, 3).add_(1)",
     "add_: several places of an expanded tensor are one number; clone it first"),
    (X, "x.add_()", "add_: missing a required argument: 'other'"),
    (X, "x.zero_(1)", "zero_: too many positional arguments"),
    (X, "x[0] = 'a'", "wanted a Tensor or a number, got str"),
    (X, "x[0] = [1.0, 2.0, 3.0]", "wanted a Tensor or a number, got List"),
    (X, "x[:, ::-1] = 1", "the step of a slice must be greater than zero"),
]


@pytest.mark.parametrize(("values", "body", "said"), REFUSED, ids=[one[1] for one in REFUSED])
def test_what_does_not_fit_is_refused_by_both(values, body, said):
    source, given = text("x", body + "\nreturn x"), values.copy()
    with pytest.raises(ScriptError) as failure:
        Script.of(source).run("f", [given])
    assert str(failure.value).partition(": ")[2] == said
    np.testing.assert_array_equal(given, values)
    with pytest.raises(Exception, match="."):
        torch.jit.CompilationUnit(source).f(to_torch(values))


def test_strings_are_not_changed():
    with pytest.raises(ScriptError, match="a tensor of strings can only be handed on"):
        Script.of(text("x", "x[0] = 1")).run("f", [np.array([b"a"], object)])


@pytest.mark.parametrize(("body", "said"), [
    ("while True:\n    x[0] += 1", "more than 100000 steps"),
    ("y = torch.zeros(100000)\nwhile True:\n    y.add_(1)", "more than 100000 steps"),
    ("y = torch.zeros(1000000)\nwhile True:\n    y[:] = 1", "more than 100000 steps"),
    ("y = torch.zeros(1000000)\ny[:, None][torch.zeros(1000, 1000).long()] = 1",
     "more than 10000000 bytes of tensors"),
    ("y = torch.zeros(1, 1000).expand(1000, 1000)\ny[:, 0].copy_(y)", "copy_: several places of an "
     "expanded tensor are one number; clone it first"),
])
def test_stores_stay_within_the_limits(body, said):
    with pytest.raises(ScriptError) as failure:
        Script.of(text("x", body)).run("f", [X], limits=Limits(steps=100_000, bytes=10_000_000))
    assert str(failure.value).partition(": ")[2] == said


def test_copies_of_what_is_given_count():
    script = Script.of(text("x", "x[0] = 1\nreturn x"))
    with pytest.raises(ScriptError, match="line 1, column 1: more than 1000000 bytes of tensors"):
        script.run("f", [np.zeros(250_000, np.float32)], limits=Limits(bytes=1_000_000))
