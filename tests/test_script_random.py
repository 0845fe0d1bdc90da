"""Random numbers of scripts: after a seed those of torch; of each run its own; within limits."""

import numpy as np
import pytest
from test_script_values import check_same, text, to_torch

from respnet.engine.errors import ScriptError
from respnet.engine.script import Limits, Script
from respnet.engine.script.randomness import Randomness

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")  # that TorchScript is deprecated

X = np.random.default_rng(1).normal(size=(5, 7)).astype(np.float32)
CHANCES = np.random.default_rng(2).random((4, 6)).astype(np.float32)
DOUBLES = CHANCES.astype(np.float64)
N = np.arange(6).reshape(2, 3)

SAME = [  # (what f(x) is given, lines)
    (X, "return torch.rand(3), torch.rand([2, 5]), torch.rand(2, 3), torch.rand_like(x)"),
    (X, "return torch.rand([3], dtype=torch.float64), torch.rand(1000), torch.rand([0])"),
    (X, "return torch.randn(3), torch.randn(4), torch.randn(5)"),  # in pairs, over calls
    (X, "return torch.randn(15), torch.randn(16), torch.randn(17), torch.randn(1000)"),
    (X, "return torch.randn(20, dtype=torch.float64), torch.randn([2, 2], dtype=torch.float64)"),
    (X, "return torch.randn_like(x), torch.randn_like(x[:1])"),
    (X, "a = torch.randn(3)\ntorch.manual_seed(5)\nreturn a, torch.randn(3)"),
    (X, "return torch.randint(5, [10]), torch.randint(-3, 4, [2, 3]), torch.randint(3, size=[4])"),
    (X, "return torch.randint(0, 268435455, [5]), torch.randint(0, 268435456, [5])"),
    (X, "return torch.randint(-9223372036854775807, 9223372036854775807, [5])"),
    (X, "return torch.randint(0, 100, [5], dtype=torch.uint8), torch.randint(9, [3], "
        "dtype=torch.float32)"),
    (X, "return torch.randperm(10), torch.randperm(1), torch.randperm(0), torch.randperm(1000)"),
    (CHANCES, "return torch.bernoulli(x), x.bernoulli(), torch.bernoulli(x, 0.3)"),
    (DOUBLES, "return torch.bernoulli(x), torch.bernoulli(x, 0.5)"),
    (N, "return torch.bernoulli(x, 0.5), x.bernoulli(0.9)"),
    (CHANCES, "return torch.multinomial(x, 3), torch.multinomial(x[0], 6), "
              "x.multinomial(1), torch.multinomial(x, 20, replacement=True)"),
    (DOUBLES, "return torch.multinomial(x, 4), torch.multinomial(x, 9, True)"),
    (X, "return torch.normal(1.0, 2.0, [3]), torch.normal(0.0, 0.5, [40])"),
    (X, "return torch.normal(x, 2.0), torch.normal(x, x.abs()), torch.normal(0.0, x.abs())"),
    (X, "return torch.nn.functional.dropout(x, 0.5), torch.dropout(x, 0.25, True)"),
    (X, "return torch.nn.functional.dropout(x, 0.5, False), torch.dropout(x, 0.5, False), "
        "torch.nn.functional.dropout(x, p=0.0), torch.nn.functional.dropout(x, p=1.0)"),
    (X, "return torch.nn.functional.dropout(x, p=0.5, training=False)"),
]


@pytest.mark.parametrize(("values", "lines"), SAME, ids=[one[1][:60] for one in SAME])
@pytest.mark.parametrize("seed", [1, -3, 2**40 + 5])
def test_after_a_seed_the_numbers_are_those_of_torch(values, lines, seed):
    source = text("x", f"torch.manual_seed({seed})\n{lines}")
    theirs = torch.jit.CompilationUnit(source).f(to_torch(values))
    check_same(Script.of(source).run("f", [values]), theirs)


def test_each_run_has_numbers_of_its_own_and_leaves_those_of_the_process_alone():
    np.random.seed(1)
    state = np.random.get_state()[1].copy()
    script = Script.of("def f():\n    return torch.rand(4)\n"
                       "def g():\n    torch.manual_seed(1)\n    return torch.rand(4)")
    first, seeded, second = script.run("f", []), script.run("g", []), script.run("f", [])
    assert not (first == second).any()
    assert (script.run("g", []) == seeded).all() and not (script.run("f", []) == seeded).any()
    assert (np.random.get_state()[1] == state).all()


def test_the_numbers_have_their_means():
    made = Randomness()
    assert abs(made.normal(100_000, np.dtype(np.float32)).std() - 1) < 0.02
    assert abs(made.uniform(100_000, np.dtype(np.float32)).mean() - 0.5) < 0.01
    assert abs(made.below(7, 100_000).mean() - 3) < 0.05


REFUSED = [
    (N, "torch.rand_like(x)", "rand_like: wanted a type of floats, got int64"),
    (X, "torch.rand(-1)", "rand: a shape has no negative lengths, got [-1]"),
    (X, "torch.randint(0, [2])", "randint: there is no whole number from 0 to below 0"),
    (X, "torch.randint(5, 2, [2])", "randint: there is no whole number from 5 to below 2"),
    (X, "torch.randint(5)", "randint: wanted high and size, or low, high and size"),
    (X, "torch.randint(0, 300, [2], dtype=torch.uint8)",
     "randint: uint8 does not hold all from 0 to below 300"),
    (X, "torch.randperm(-1)", "randperm: wanted a number of at least 0, got -1"),
    (X, "torch.bernoulli(x * 100)", "bernoulli: probabilities are from 0 to 1"),
    (X, "torch.bernoulli(x, 1.5)", "bernoulli: a probability is from 0 to 1, got 1.5"),
    (N, "torch.bernoulli(x)", "bernoulli: wanted a Tensor of floats, got one of int64"),
    (N, "torch.multinomial(x, 2)", "multinomial: wanted a Tensor of floats, got one of int64"),
    (X, "torch.multinomial(x.abs(), 8)", "multinomial: there are no 8 places to draw among 7"),
    (X, "torch.multinomial(x.abs(), 0)", "multinomial: there are no 0 places to draw among 7"),
    (X, "torch.multinomial(x, 1)",
     "multinomial: weights are numbers from 0 on, and not all are 0"),
    (X, "torch.multinomial(x * 0, 1)",
     "multinomial: weights are numbers from 0 on, and not all are 0"),
    (X, "torch.normal(0.0, -1.0, [2])", "normal: std is not negative"),
    (N, "torch.normal(x, 1.0)", "normal: wanted a Tensor of floats, got one of int64"),
    (X, "torch.nn.functional.dropout(x, 1.5)",
     "dropout: a probability is from 0 to 1, got 1.5"),
    (N, "torch.nn.functional.dropout(x)", "dropout: wanted a Tensor of floats, got one of int64"),
]


@pytest.mark.parametrize(("values", "call", "said"), REFUSED, ids=[one[1] for one in REFUSED])
def test_what_does_not_fit_is_refused_by_both(values, call, said):
    source = text("x", f"return {call}")
    with pytest.raises(ScriptError) as failure:
        Script.of(source).run("f", [values])
    assert str(failure.value) == f"line 2, column 5: {said}"
    with pytest.raises(Exception, match="."):
        torch.jit.CompilationUnit(source).f(to_torch(values))


@pytest.mark.parametrize(("call", "said"), [
    ("torch.rand(1000000000000)", "rand: more than 10000000 bytes of tensors"),
    ("torch.randn(100000, 100000)", "randn: more than 10000000 bytes of tensors"),
    ("torch.randint(2, [1000000])", "randint: more than 10000000 bytes of tensors"),
    ("torch.randperm(1000000000000)", "randperm: more than 100000 steps"),
    ("torch.normal(0.0, 1.0, [1000000])", "normal: more than 10000000 bytes of tensors"),
    ("torch.normal(torch.zeros(1000, 1), torch.ones(1000))",
     "normal: more than 10000000 bytes of tensors"),
    ("torch.multinomial(torch.ones(3), 1000000000, True)",
     "multinomial: more than 10000000 bytes of tensors"),
    ("torch.multinomial(torch.ones(99900, 1), 1, True)", "multinomial: more than 100000 steps"),
    ("torch.nn.functional.dropout(torch.ones(150000))",
     "dropout: more than 10000000 bytes of tensors"),
    ("[torch.rand(100) for i in range(1000000)]", "rand: more than 10000000 bytes of tensors"),
])
def test_random_numbers_stay_within_the_limits(call, said):
    with pytest.raises(ScriptError) as failure:
        Script.of(f"def f():\n    return {call}").run(
            "f", [], limits=Limits(steps=100_000, bytes=10_000_000))
    assert str(failure.value) == f"line 2, column 5: {said}"
