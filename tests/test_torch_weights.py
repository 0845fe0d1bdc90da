"""State dicts of torch: equal outputs in both directions, other layers refused by name."""

import numpy as np
import pytest

import respnet
from respnet.layers import (
    GRU,
    LSTM,
    Activation,
    Bidirectional,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    MaxPooling1D,
    MaxPooling2D,
    ReLU,
    SimpleRNN,
)
from respnet.torch import from_state_dict, to_state_dict

torch = pytest.importorskip("torch")
nn = torch.nn
CHANCE = np.random.default_rng(4)
WORDS = CHANCE.integers(0, 9, (5, 7))
IMAGES = CHANCE.normal(size=(3, 8, 9, 2)).astype(np.float32)
SIGNALS = CHANCE.normal(size=(3, 11, 2)).astype(np.float32)


class Words(nn.Module):
    def __init__(self, cell, **options):
        super().__init__()
        self.embedding, self.cell = nn.Embedding(9, 6), cell(6, 4, batch_first=True, **options)
        self.dense = nn.Linear(8 if options.get("bidirectional") else 4, 3)

    def forward(self, x):
        y, _ = self.cell(self.embedding(x))
        return self.dense(y)


def words(*layers):
    return respnet.Sequential([Input((7,)), Embedding(9, 6), *layers, Dense(3)])


def picture():
    ours = respnet.Sequential([
        Input((8, 9, 2)), Conv2D(4, 3, activation="relu"), MaxPooling2D(2), Flatten(),
        Dropout(0.5), ReLU(), Dense(5, activation="tanh"), Dense(3),
    ])  # fmt: skip
    theirs = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.ReLU(), nn.Linear(36, 5), nn.Tanh(), nn.Linear(5, 3),
    )  # fmt: skip
    return ours, theirs, IMAGES, IMAGES.transpose(0, 3, 1, 2).copy()


def signal():
    ours = respnet.Sequential([
        Input((11, 2)), Conv1D(4, 3, strides=2), Activation("relu"), MaxPooling1D(2), Flatten(),
        Dense(3, use_bias=False),
    ])  # fmt: skip
    theirs = nn.Sequential(
        nn.Conv1d(2, 4, 3, 2), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(8, 3, False)
    )
    return ours, theirs, SIGNALS, SIGNALS.transpose(0, 2, 1).copy()


def same(ours, theirs, x, tx=None):
    tx = torch.from_numpy(x if tx is None else tx)
    want = theirs.eval()(tx).detach().numpy()
    assert np.ptp(want) > 1e-3
    np.testing.assert_allclose(ours.predict(x.astype(np.float32)), want, atol=2e-6)


def both_ways(ours, theirs, x, tx=None, names=None):
    """torch's weights into ours, then other weights of ours into torch."""
    from_state_dict(ours, theirs.state_dict())
    same(ours, theirs, x, tx)
    shaken = [w + CHANCE.normal(size=w.shape).astype(w.dtype) / 4 for w in ours.get_weights()]
    ours.set_weights(shaken)
    theirs.load_state_dict(to_state_dict(ours, names))
    same(ours, theirs, x, tx)


@pytest.mark.parametrize("made", [picture, signal])
def test_images_and_signals_with_channels_last_here_and_first_there(made):
    ours, theirs, x, tx = made()
    modules = [n for n, module in theirs.named_children() if list(module.parameters())]
    layers = [layer.name for layer in ours.layers if layer.weights]
    both_ways(ours, theirs, x, tx, dict(zip(layers, modules, strict=True)))


@pytest.mark.parametrize(
    "layer, cell, options",
    [
        (SimpleRNN, nn.RNN, {}),
        (lambda n, **o: SimpleRNN(n, activation="relu", **o), nn.RNN, {"nonlinearity": "relu"}),
        (LSTM, nn.LSTM, {}),
        (LSTM, nn.LSTM, {"bias": False}),
        (GRU, nn.GRU, {}),
    ],
)
def test_recurrent_layers(layer, cell, options):
    bias = {"use_bias": options.get("bias", True)}
    ours = words(layer(4, return_sequences=True, name="cell", **bias))
    names = dict(zip([layer.name for layer in ours.layers], ["embedding", "cell", "dense"],
                     strict=True))  # fmt: skip
    both_ways(ours, Words(cell, **options), WORDS, names=names)


def test_stacked_layers_are_layers_of_their_own():
    ours = words(*(LSTM(4, return_sequences=True) for _ in range(2)))
    theirs = Words(nn.LSTM, num_layers=2)
    from_state_dict(ours, theirs.state_dict())
    same(ours, theirs, WORDS)


def test_both_directions():
    merged = Bidirectional(GRU(4, return_sequences=True), merge_mode=None)
    x = Input((6, 3))
    ours, theirs = respnet.Model(x, merged(x)), nn.GRU(3, 4, batch_first=True, bidirectional=True)
    values = CHANCE.normal(size=(2, 6, 3)).astype(np.float32)

    def check():
        want = theirs(torch.from_numpy(values))[0].detach().numpy()
        got = np.concatenate(ours.predict(values), axis=-1)
        np.testing.assert_allclose(got, want, atol=2e-6)

    from_state_dict(ours, {f"rnn.{n}": v for n, v in theirs.state_dict().items()})
    check()
    ours.set_weights([w + np.float32(0.1) for w in ours.get_weights()])
    state = to_state_dict(ours, {ours.layers[1].name: "rnn"})
    theirs.load_state_dict({n.removeprefix("rnn."): v for n, v in state.items()})
    check()


def test_names_are_those_of_the_layers_or_a_mapping_of_them():
    ours = respnet.Sequential([Input((3,)), Dense(4, name="a"), Dense(4, name="b")])
    state = to_state_dict(ours, arrays=True)
    assert list(state) == ["a.weight", "a.bias", "b.weight", "b.bias"]
    assert state["a.weight"].shape == (4, 3) and isinstance(state["a.weight"], np.ndarray)
    other = respnet.Sequential([Input((3,)), Dense(4, name="b"), Dense(4, name="a")])
    swapped = {"b": "a", "a": "b"}
    from_state_dict(other, state, swapped)
    assert list(to_state_dict(other, swapped, arrays=True)) == list(state)
    assert (other.get_weights()[0] == ours.get_weights()[0]).all()
    with pytest.raises(ValueError, match="no module 'c'; there are a, b"):
        from_state_dict(other, state, {"a": "c"})


@pytest.mark.parametrize(
    "layer, said",
    [
        (GRU(4, reset_after=False, name="it"), "torch has no GRU with reset_after=False"),
        (LSTM(4, peephole=True, name="it"), "torch has no LSTM with peepholes"),
        (LSTM(4, activation="relu", name="it"), "torch has activation .*, got relu"),
        (GRU(4, recurrent_activation="tanh", name="it"), "torch has recurrent_activation sigmoid"),
    ],
)
def test_what_torch_does_not_have_is_refused(layer, said):
    with pytest.raises(ValueError, match=f"layer it: {said}"):
        to_state_dict(words(layer))


def test_what_does_not_fit_is_refused():
    ours = respnet.Sequential([Input((3,)), Dense(4, name="a"), Dense(4, name="b")])
    state = to_state_dict(ours, arrays=True)
    with pytest.raises(ValueError, match=r"1 modules with parameters \(a\), the model has 2"):
        from_state_dict(ours, {n: a for n, a in state.items() if n.startswith("a")})
    with pytest.raises(ValueError, match=r"module 'a' gives \['kernel'\], layer a has"):
        from_state_dict(ours, {n: a for n, a in state.items() if n != "a.bias"})
    with pytest.raises(ValueError, match=r"module 'a' has \['bias'\], layer a wants 'weight'"):
        from_state_dict(ours, {n: a for n, a in state.items() if n != "a.weight"})
    with pytest.raises(ValueError, match=r"a/kernel has shape \(3, 4\), got \(5, 4\)"):
        from_state_dict(ours, state | {"a.weight": np.zeros((4, 5), np.float32)})
