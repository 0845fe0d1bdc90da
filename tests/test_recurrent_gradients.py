"""Gradients of whole recurrent models: central differences in float64, and torch's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respnet.engine import Model, ModelSpec, Node

STEP = 1e-6
LAYERS = [
    ("simple_rnn", {}),
    ("simple_rnn", {"activation": "softplus"}),
    ("lstm", {}),
    ("lstm", {"peephole": True}),
    ("gru", {}),
    ("gru", {"reset_after": False}),
]


def loss_at(trainer, data, vector):
    trainer.vector[:] = vector
    trainer._core.pack()
    return trainer.gradient(data)[0]


def words_and_states(kind, extra, units, dropout, sequences):
    """Words -> embedding with mask -> recurrent from a given state -> classes."""
    count = 2 if kind == "lstm" else 1
    options = {"units": units, "dropout": dropout, "recurrent_dropout": dropout, **extra}
    states = [f"state{i}" for i in range(count)]
    nodes = [
        Node("e", "embedding", ("x",), {"input_dim": 7, "output_dim": 3, "mask_zero": True}),
        Node("a", kind, ("e", *states), {**options, "return_sequences": True}),
        Node("b", kind, ("a",), {**options, "return_sequences": sequences}),
        Node("c", "dense", ("b",), {"units": 4, "activation": "softmax"}),
    ]
    inputs = [("x", (None,)), *((state, (units,)) for state in states)]
    return ModelSpec(nodes, inputs, ("c",), loss="sparse_crossentropy", dtype="float64")


@settings(max_examples=40, deadline=None)
@given(
    layer=st.sampled_from(LAYERS),
    units=st.integers(1, 18),
    rows=st.sampled_from([1, 5, 40]),
    times=st.integers(1, 6),
    sequences=st.booleans(),
    dropout=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 10_000),
)
def test_gradient_is_the_slope_of_the_loss(layer, units, rows, times, sequences, dropout, seed):
    rng = np.random.default_rng(seed)
    spec = words_and_states(*layer, units, dropout, sequences)
    model = Model(spec)
    model.swap(rng.normal(0, 0.5, model.layout.size))
    shapes = [(times,), *(shape for _, shape in spec.inputs[1:])]
    trainer = model.trainer("sgd", shapes=shapes)
    x = [rng.integers(0, 7, (rows, times))]
    x += [rng.normal(size=(rows, units)) for _ in spec.inputs[1:]]
    y = rng.integers(0, 4, (rows, times, 1) if sequences else (rows, 1))
    data = trainer.stage(x, y)
    _, gradient = trainer.gradient(data)
    start = trainer.vector.copy()
    for place in rng.choice(len(gradient), min(12, len(gradient)), replace=False):
        shift = np.zeros_like(start)
        shift[place] = STEP
        slope = loss_at(trainer, data, start + shift) - loss_at(trainer, data, start - shift)
        assert abs(gradient[place] - slope / (2 * STEP)) < 1e-7
    assert np.ptp(start) > 0.1


def as_torch(torch, kind, view):
    """torch's layer with our weights: transposed; its GRU has the gates r, z, n."""
    inputs, width = view("r/kernel").shape
    units = view("r/recurrent_kernel").shape[0]
    layer = {"simple_rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind](
        inputs, units, batch_first=True, dtype=torch.float64
    )
    order = np.arange(width)
    if kind == "gru":
        order = np.r_[units : 2 * units, :units, 2 * units : width]
    bias = view("r/bias")
    biases = bias if kind == "gru" else np.stack([bias, np.zeros_like(bias)])
    values = (view("r/kernel").T, view("r/recurrent_kernel").T, *biases)
    with torch.no_grad():
        for parameter, value in zip(layer.parameters(), values, strict=True):
            parameter.copy_(torch.tensor(np.ascontiguousarray(value[order])))
    return layer, order


@pytest.mark.parametrize("kind", ["simple_rnn", "lstm", "gru"])
def test_values_and_gradients_are_those_of_torch(kind):
    torch = pytest.importorskip("torch")
    rng, count = np.random.default_rng(3), 2 if kind == "lstm" else 1
    states = [f"s{i}" for i in range(count)]
    node = Node("r", kind, ("x", *states), {"units": 20, "return_sequences": True})
    spec = ModelSpec(
        [node], [("x", (9, 6)), *((s, (20,)) for s in states)], ("r",), dtype="float64"
    )
    model = Model(spec)
    model.swap(rng.normal(0, 0.4, model.layout.size))
    x = [rng.normal(size=(33, 9, 6)), *(rng.normal(size=(33, 20)) for _ in states)]
    y = rng.normal(size=(33, 9, 20))
    layer, order = as_torch(torch, kind, model.view)
    h, *c = (torch.tensor(s)[None] for s in x[1:])
    out, _ = layer(torch.tensor(x[0]), (h, *c) if c else h)
    loss = ((out - torch.tensor(y)) ** 2).mean()
    loss.backward()
    assert np.allclose(model.predict(x), out.detach().numpy(), atol=1e-12)
    trainer = model.trainer("sgd")
    got, gradient = trainer.gradient(trainer.stage(x, y))
    assert np.isclose(got, loss.item())
    for name, parameter in zip(("kernel", "recurrent_kernel"), layer.parameters(), strict=False):
        want = np.empty(parameter.shape)
        want[order] = parameter.grad.numpy()
        assert np.allclose(model.layout.view(gradient, f"r/{name}"), want.T, atol=1e-12)
        assert np.abs(want).max() > 1e-4


def test_gradients_of_rows_add_up_in_the_peepholes_too():
    rng = np.random.default_rng(8)
    spec = ModelSpec.chain((4, 3), [("lstm", {"units": 5, "peephole": True})], dtype="float64")
    model = Model(spec)
    model.swap(rng.normal(0, 0.5, model.layout.size))
    x, y = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 5))
    trainer = model.trainer("sgd")
    both = trainer.gradient(trainer.stage(x, y))[1]
    each = [trainer.gradient(trainer.stage(x[i : i + 1], y[i : i + 1]))[1] for i in (0, 1)]
    assert np.allclose(both, np.mean(each, axis=0), atol=1e-14)
    assert np.abs(model.layout.view(both, "lstm_0/peephole")).min() > 0


def torch_peephole_lstm(torch, x, w, u, b, p, h, c):
    """The last h of an LSTM whose gates i and f see c before, o sees c after."""
    for t in range(x.shape[1]):
        i, f, g, o = (x[:, t] @ w + h @ u + b).chunk(4, dim=1)
        i, f = torch.sigmoid(i + p[0] * c), torch.sigmoid(f + p[1] * c)
        c = f * c + i * torch.tanh(g)
        h = torch.sigmoid(o + p[2] * c) * torch.tanh(c)
    return h


def test_gradients_of_peepholes_are_those_of_torch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(4)
    nodes = [
        Node("x1", "dense", ("x",), {"units": 3, "use_bias": False}),
        Node("h1", "dense", ("h",), {"units": 5, "use_bias": False}),
        Node("c1", "dense", ("c",), {"units": 5, "use_bias": False}),
        Node("r", "lstm", ("x1", "h1", "c1"), {"units": 5, "peephole": True}),
    ]
    inputs = [("x", (6, 3)), ("h", (5,)), ("c", (5,))]
    model = Model(ModelSpec(nodes, inputs, ("r",), dtype="float64"))
    model.swap(rng.normal(0, 0.5, model.layout.size))
    arrays = [rng.normal(size=(4, *shape)) for _, shape in inputs]
    y = rng.normal(size=(4, 5))
    trainer = model.trainer("sgd")
    loss, gradient = trainer.gradient(trainer.stage(arrays, y))
    p = {n: torch.tensor(model.view(n).copy(), requires_grad=True) for n in model.layout.places}
    x, h, c = (torch.tensor(a) @ p[f"{n}1/kernel"] for n, a in zip("xhc", arrays, strict=True))
    weights = [p[f"r/{n}"] for n in ("kernel", "recurrent_kernel", "bias", "peephole")]
    want = ((torch_peephole_lstm(torch, x, *weights, h, c) - torch.tensor(y)) ** 2).mean()
    want.backward()
    assert np.isclose(loss, want.item(), atol=1e-14)
    for name, parameter in p.items():
        got = model.layout.view(gradient, name)
        assert np.allclose(got, parameter.grad.numpy(), atol=1e-13) and np.abs(got).max() > 1e-4
