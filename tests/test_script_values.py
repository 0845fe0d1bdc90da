"""Scripts give what TorchScript gives: the same text through both."""

import numpy as np
import pytest

from respnet.engine.script import Script

torch = pytest.importorskip("torch")

X = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
Y = np.random.default_rng(2).normal(size=(4, 2)).astype(np.float32)
ROWS = np.random.default_rng(3).integers(-5, 6, (3, 4))
BYTES = np.arange(12, dtype=np.uint8).reshape(3, 4)
MASK = X > 0
SCALAR = np.array(2.5)

BODIES = [  # (parameters and their values, body)
    ("x", [X], "return x + 1, x - 2.5, 3 * x, x / 2, 1 / x, -x, x ** 2"),
    ("x", [ROWS], "return x + 1, x + 1.5, x / 2, x // 2, x % 3, x * True, abs(x)"),
    ("x, y", [ROWS, X], "return x + y, x * y, x - y, x > y, torch.maximum(x, y)"),
    ("x, y", [BYTES, ROWS], "return x + y, x // 3, x % 5, x.sum(), x & 6, x | 1, x ^ 3, ~x"),
    ("x", [BYTES], "return x + -1, x * -1, x + 300, -1 - x, x == -1, x > -1, x < 300, x // -1, "
                   "x % -2, x & -1, x.clamp(min=-5), torch.where(x > 3, x, -1)"),
    ("x", [BYTES.astype("i1")], "return x + 300, x == 267, x > -1, x.masked_fill(x > 3, -1), "
                                "torch.full_like(x, -1)"),
    ("x", [BYTES], "return x.masked_fill(x > 3, -1), torch.full_like(x, -1)"),
    ("x, y", [X, SCALAR], "return x + y, y + 1, x * y, y.long() + x"),
    ("x, y", [ROWS, SCALAR], "return x + y, x.float() * y"),
    ("x, y", [X, Y], "return x @ y, torch.matmul(x, y), torch.mm(x, y), torch.matmul(x, y[:, 0])"),
    ("x", [X], "return torch.bmm(x.unsqueeze(0), x.t().unsqueeze(0)), torch.dot(x[0], x[1])"),
    ("x", [X], "return x.sum(), x.sum(0), x.sum(dim=1, keepdim=True), x.mean(), x.mean(dim=-1)"),
    ("x", [ROWS], "return x.sum(), x.sum(1), x.prod(), x.float().mean(0), torch.cumsum(x, 1)"),
    ("x", [X], "a = x.max(dim=1)\nreturn a[0], a.indices, x.max(), torch.min(x, 0).values"),
    ("x", [X], "return x.argmax(), x.argmax(1), torch.argmin(x, dim=0, keepdim=True)"),
    ("x", [X], "return torch.softmax(x, 1), torch.nn.functional.log_softmax(x, dim=0)"),
    ("x", [X], "return x.var(), x.std(dim=1), x.var(dim=0, unbiased=False), torch.logsumexp(x, 1)"),
    ("x", [X], "return x.norm(), torch.norm(x, p=1, dim=1), torch.norm(x, dim=0, keepdim=True)"),
    ("x", [X], "return x.exp(), x.abs().log(), x.abs().sqrt(), torch.sigmoid(x), torch.tanh(x)"),
    ("x", [ROWS], "return torch.exp(x), torch.sqrt(x.abs()), torch.relu(x), torch.sign(x)"),
    ("x", [X], "return x.round(), x.floor(), x.ceil(), torch.clamp(x, -0.5, 0.5), x.clamp(min=0)"),
    ("x", [ROWS], "return torch.clamp(x, 0, 3), x.clamp(max=1.5), torch.eq(x, 2), x.ne(2)"),
    ("x", [X], "return torch.nn.functional.gelu(x), torch.nn.functional.elu(x), torch.relu(x)"),
    ("x", [X], "return torch.nn.functional.silu(x), torch.nn.functional.softplus(x), "
               "torch.nn.functional.leaky_relu(x, 0.2)"),
    ("x, m", [X, MASK], "return torch.where(m, x, 0.0), x[m], x.masked_fill(m, 7.0), m.sum(), ~m"),
    ("x, m", [X, MASK], "return m & (x > 1), m | (x < 0), torch.logical_not(m), m.all(), m.any(1)"),
    ("x", [X], "return x.view(4, 3), x.reshape([2, -1]), x.flatten(), torch.flatten(x, 0, 1)"),
    ("x", [X], "return x.t(), x.transpose(0, 1), x.permute(1, 0), x.unsqueeze(1), x.T"),
    ("x", [X], "return x[:, None].squeeze(1), x[None].squeeze(), x.unsqueeze(-1).squeeze(0)"),
    ("x", [X], "return torch.cat([x, x], dim=1), torch.stack([x, x], -1), torch.cat([x, x * 2])"),
    ("x, y", [X, ROWS], "return torch.cat([x, y]), torch.stack([y, y])"),
    ("x", [X], "a = torch.split(x, 3, dim=1)\nb = x.chunk(2)\nreturn a[0], a[1], b[0], b[1]"),
    ("x", [X], "return x[0], x[-1, 1:3], x[:, ::2], x[..., 0], x[1:][0], x[:, [0, 2]]"),
    ("x", [X], "i = torch.tensor([2, 0])\nreturn x[i], x[:, i], torch.index_select(x, 1, i)"),
    ("x", [X], "v, i = torch.sort(x, dim=1, descending=True)\nreturn v, i, x.sort(0)[0]"),
    ("x", [X], "v, i = torch.topk(x, 2)\nreturn v, i, torch.topk(x, 1, dim=0, largest=False)[0]"),
    ("x", [X], "return torch.gather(x, 1, x.argsort(1)), x.flip(0), x.narrow(1, 1, 2)"),
    ("x", [X], "return torch.flip(x, dims=[0, 1]), torch.reshape(x, shape=[4, 3]), "
               "torch.permute(x, dims=[1, 0]), torch.cat(tensors=[x, x]), torch.zeros(size=[2])"),
    ("x", [ROWS], "return torch.nn.functional.one_hot(x.abs(), 6), torch.unbind(x)[1]"),
    ("x", [X], "return x[:1].expand(3, 4), x[0].expand(2, -1), x.repeat(2, 1), x[0].repeat(2, 2)"),
    ("x", [X], "return x.float(), x.double(), x.int(), x.to(torch.int16), x.to(torch.bool)"),
    ("x", [X],
     "return x.size(), x.size(0), x.shape[1], x.dim(), x.numel(), len(x), x[0, 0].item()"),
    ("x", [X],
     "return torch.zeros(2, 3), torch.ones([2]), torch.full([2], 3), torch.full([1], 1.5)"),
    ("x", [X],
     "return torch.arange(3), torch.arange(1, 2, 0.25), torch.zeros_like(x), torch.eye(2)"),
    ("x", [X], "return torch.tensor([1, 2]), torch.tensor([1.5, 2.0]), torch.tensor(True), "
               "torch.tensor([[1], [2]], dtype=torch.float64)"),
    ("x", [X],
     "return torch.add(x, x, alpha=2), torch.sub(x, 1), torch.mul(x, x), torch.div(x, 3)"),
    ("x", [ROWS], "return torch.div(x, 2, rounding_mode='floor'), x.pow(2), torch.pow(2, x.abs())"),
    ("x: int, y: int", [7, -2], "return x + y, x / y, x // y, x % y, x ** y, -x, x & 3, x < y"),
    ("x: float, y: int", [2.5, 2],
     "return x * y, x // y, x % y, int(x), float(y), abs(-x), x == y"),
    ("x: float", [2.5], "return str(x), str(True), int('3'), float('1e2'), 'a' + 'b', len('abc')"),
    ("x: List[int]", [[3, 1, 2]], "return x + [4], x[1:], x * 2, min(x), max(x), sum(x), 2 in x"),
    ("x: List[int]", [[3, 1, 2]], "x[0] = 9\nx.append(4)\na = x.pop()\nreturn x, a, len(x), x[-1]"),
    ("x: List[int]", [[3, 1, 2]], "return [i * 2 for i in x], [float(i) for i in x]"),
    ("x: int", [5], "a = 0\nfor i in range(x):\n    if i == 1:\n        continue\n"
                    "    if i == 4:\n        break\n    a += i\nreturn a"),
    ("x: int", [5], "a = 0\nwhile x > 0:\n    x -= 1\n    a += x if x % 2 == 0 else 10\nreturn a"),
    ("x: int", [5], "a = torch.jit.annotate(List[int], [])\nfor i, j in enumerate([x, 2]):\n"
                    "    a.append(i * j)\nreturn a"),
    ("x: bool, y: int", [True, 3], "return x and y > 2, not x or y == 3, 0 < y and y < 3"),
    ("x", [X], "if x.sum() > 100:\n    return x\nelif x.size(0) == 3:\n    return x * 2\n"
               "else:\n    return x * 3"),
    ("x, y: Optional[Tensor]", [X, None], "if y is None:\n    return x\nreturn x + 1"),
    ("x: Tuple[Tensor, int]", [(X, 2)], "a, b = x\nreturn a * b"),
    ("x: List[int]", [[3, 1, 2]], "a = 0\nfor i, j in zip(x, x[1:]):\n    a += i * j\nreturn a"),
    ("x: List[Tensor]", [[X, X]], "return torch.cat(x, dim=1), x[0] + x[-1], len(x)"),
    ("x", [X], "for row in x:\n    x = x + row\nassert x.dim() == 2\nreturn x"),
]


def text(parameters, body):
    lines = "\n".join("    " + line for line in body.splitlines())
    return f"def f({parameters}):\n{lines}\n"


def to_torch(value):
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    if isinstance(value, (list, tuple)):
        return type(value)(map(to_torch, value))
    return value


def check_same(ours, theirs):
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, np.ndarray)
        assert ours.dtype == theirs.numpy().dtype
        assert ours.shape == tuple(theirs.shape)
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=2e-5, atol=1e-6)
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            check_same(one, other)
    else:
        assert type(ours) is type(theirs)
        assert ours == theirs


@pytest.mark.filterwarnings("ignore")  # that TorchScript is deprecated
@pytest.mark.parametrize(("parameters", "values", "body"), BODIES,
                         ids=[body.split("\n")[0][:50] for _, _, body in BODIES])
def test_a_script_gives_what_torchscript_gives(parameters, values, body):
    source = text(parameters, body)
    theirs = torch.jit.CompilationUnit(source).f(*map(to_torch, values))
    ours = Script.of(source).run("f", [list(x) if type(x) is list else x for x in values])
    check_same(ours, theirs)


def test_functions_call_each_other_with_defaults_and_names():
    source = """
def g(x, n: int = 2):
    return x * n
def f(x):
    return g(x, n=3), g(x)
"""
    theirs = torch.jit.CompilationUnit(source).f(torch.from_numpy(X))
    check_same(Script.of(source).run("f", [X]), theirs)
