"""device= of models: what the name means, moving to another one, and what is not there."""

import numpy as np
import pytest

from respnet.engine import gpu
from respnet.engine.kernels import levels
from respnet.layers import GRU, Dense, Input
from respnet.models import Model, Sequential

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 6, 3)).astype(np.float32), RNG.normal(size=(40, 1))
LENGTHS = RNG.integers(1, 7, 40)
OTHERS = [f"cpu:{level}" for level in levels.available()]
if gpu.available():
    OTHERS.append("gpu:0")


def net(**options):
    model = Sequential([Input((6, 3)), GRU(8, "tanh"), Dense(1)], **options)
    state = np.random.RandomState
    arrays = enumerate(model.get_weights())
    model.set_weights([state(i).uniform(-0.5, 0.5, w.shape) for i, w in arrays])
    model.compile("adam", "mse", metrics=["mae"])
    return model


@pytest.mark.parametrize("device", OTHERS)
def test_a_model_learns_and_answers_on_its_device(device):
    model, plain = net(device=device), net()
    assert model.device == device and plain.device == "cpu"
    if device != "gpu:0":
        assert model.network.device.level == device[4:]
    options = {"epochs": 3, "shuffle": False, "verbose": 0, "lengths": LENGTHS}
    history = model.fit(X, Y, **options).history
    want = plain.fit(X, Y, **options).history
    assert history == {name: pytest.approx(v, abs=1e-4) for name, v in want.items()}
    assert np.allclose(model.predict(X), plain.predict(X), atol=1e-3)
    assert np.allclose(model.predict(X, lengths=LENGTHS), plain.predict(X, lengths=LENGTHS),
                       atol=1e-3)  # fmt: skip


@pytest.mark.parametrize("device", OTHERS)
def test_a_model_moves_with_its_weights_and_the_state_of_its_optimizer(device):
    model, plain = net(), net()
    for each in (model, plain):
        each.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    before = model.get_weights()
    model.device = device
    assert model.device == device
    pairs = zip(before, model.get_weights(), strict=True)
    assert all(np.array_equal(*pair) for pair in pairs)
    for each in (model, plain):
        each.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    pairs = zip(model.get_weights(), plain.get_weights(), strict=True)
    assert all(np.allclose(*pair, atol=1e-3) for pair in pairs)
    fresh = net()
    fresh.set_weights(before)
    fresh.fit(X, Y, epochs=2, shuffle=False, verbose=0)  # without that state
    assert not np.allclose(fresh.get_weights()[0], plain.get_weights()[0], atol=1e-3)


def test_functional_models_take_a_device_too():
    x = Input((3,))
    assert Model(x, Dense(1)(x), device="cpu:portable").network.device.level == "portable"


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("tpu", "device must be cpu, cpu:LEVEL, gpu or gpu:NUMBER, got 'tpu'"),
        ("cpu:sse", "this processor has the levels"),
        ("gpu:x", "got 'gpu:x'"),
        (None, "got None"),
    ],
)
def test_a_device_nobody_has_is_refused_at_once(device, message):
    with pytest.raises(ValueError, match=message):
        Sequential([Dense(1)], device=device)
    model = net()
    with pytest.raises(ValueError, match=message):
        model.device = device
    assert model.device == "cpu" and model.predict(X).shape == (40, 1)


@pytest.mark.skipif(gpu.available(), reason="this machine has a GPU")
def test_without_a_card_the_error_says_what_is_missing():
    with pytest.raises(ValueError, match="device gpu needs a CUDA card and CuPy"):
        Sequential([Dense(1)], device="gpu:0")
