"""Convolution in groups of channels: values, gradients, files, ONNX."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respnet import layers as L
from respnet.engine import Model, ModelSpec, reference
from respnet.engine.errors import SpecError
from respnet.engine.kernels import levels
from respnet.engine.program import compile_program
from respnet.models import Sequential, load_model
from respnet.onnx import load_onnx

RNG = np.random.default_rng
PAIR = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def cases(draw):
    """(shape, kind, config) of a layer in groups."""
    groups, taken, made = (draw(st.integers(1, 3)) for _ in range(3))
    window, kernel = {"use_bias": draw(st.booleans())}, draw(PAIR)
    window |= {"kernel_size": kernel, "padding": draw(st.sampled_from(["valid", "same"]))}
    name = draw(st.sampled_from(["strides", "dilation_rate"]))
    window[name] = draw(PAIR)
    size = tuple((k - 1) * 3 + 1 + draw(st.integers(0, 3)) for k in kernel)
    if draw(st.booleans()):
        config = {**window, "depth_multiplier": made}
        return (*size, groups * taken), "depthwise_conv2d", config
    config = {**window, "filters": groups * made, "groups": groups}
    return (*size, groups * taken), "conv2d", config


def network(case, **options):
    shape, kind, config = case
    layers = [("conv2d", {"filters": shape[-1], "kernel_size": 1}), (kind, config)]
    layers += [("flatten", {}), ("dense", {"units": 2})]
    return ModelSpec.chain(shape, layers, dtype="float64", **options)


@settings(max_examples=80, deadline=None)
@given(
    case=cases(),
    rows=st.sampled_from([1, 5, 40]),
    level=st.sampled_from(levels.available()),
    seed=st.integers(0, 999),
)
def test_value_and_gradient_equal_reference(case, rows, level, seed):
    spec = network(case, seed=seed)
    model, rng = Model(spec, device=f"cpu:{level}"), RNG(seed)
    x, y = rng.normal(size=(rows, *case[0])), rng.normal(size=(rows, 2))
    trainer = model.trainer("sgd")
    value, gradient = trainer.gradient(trainer.stage(x, y))
    want = reference.run(compile_program(spec, "train"), model.weights.vector, [x, y])
    assert np.isclose(value, want.loss, rtol=1e-10)
    assert np.allclose(gradient, want.gradient, atol=1e-11) and np.abs(gradient).max() > 0


@settings(max_examples=20, deadline=None)
@given(case=cases(), seed=st.integers(0, 999))
def test_the_gradient_is_the_slope_of_the_loss(case, seed):
    spec, rng = network(case, seed=seed), RNG(seed)
    trainer = Model(spec).trainer("sgd")
    data = trainer.stage(rng.normal(size=(4, *case[0])), rng.normal(size=(4, 2)))
    _, gradient = trainer.gradient(data)
    start = trainer.vector.copy()
    for place in rng.choice(len(gradient), min(8, len(gradient)), replace=False):
        losses = []
        for sign in (1, -1):
            trainer.vector[:] = start
            trainer.vector[place] += sign * 1e-6
            trainer._core.pack()
            losses.append(trainer.gradient(data)[0])
        assert gradient[place] == pytest.approx((losses[0] - losses[1]) / 2e-6, abs=1e-5)


def test_a_group_is_a_convolution_of_its_own_channels():
    x = RNG(0).normal(size=(3, 6, 5, 4)).astype(np.float32)
    both = Sequential([L.Input((6, 5, 4)), L.Conv2D(6, 3, groups=2)])
    kernel, bias = both.get_weights()
    assert kernel.shape == (3, 3, 2, 6)
    for group in range(2):
        alone = Sequential([L.Input((6, 5, 2)), L.Conv2D(3, 3)])
        own = slice(3 * group, 3 * group + 3)
        alone.set_weights([kernel[..., own], bias[own]])
        want = alone.predict(x[..., 2 * group : 2 * group + 2])
        assert np.allclose(both.predict(x)[..., own], want, atol=1e-5)


def picture_net():
    return Sequential(
        [
            L.Input((7, 6, 4)),
            L.Conv2D(6, 3, groups=2, activation="relu"),
            L.DepthwiseConv2D(2, depth_multiplier=2, depthwise_regularizer="l2"),
            L.GlobalAveragePooling2D(),
        ]
    )


def test_it_goes_into_files_and_onnx(tmp_path):
    x, model = RNG(1).normal(size=(5, 7, 6, 4)).astype(np.float32), picture_net()
    want = model.predict(x)
    model.compile("adam", "mse")
    assert list(model.penalties()) == [f"{model.layers[1].name}/kernel"]
    model.save(tmp_path / "m.respnet")
    assert np.array_equal(load_model(tmp_path / "m.respnet").predict(x), want)
    model.export(tmp_path / "m.onnx")
    assert np.allclose(load_onnx(tmp_path / "m.onnx").predict(x), want, atol=1e-5)


def test_keras_files_hold_groups(tmp_path):
    pytest.importorskip("h5py")
    x, model = RNG(1).normal(size=(5, 7, 6, 4)).astype(np.float32), picture_net()
    for name in ("m.keras", "m.h5"):
        model.save(tmp_path / name)
        assert np.array_equal(load_model(tmp_path / name).predict(x), model.predict(x))


@pytest.mark.parametrize(
    ("kind", "config", "message"),
    [
        ("conv2d", {"filters": 4, "groups": 3}, "groups must be a positive integer that divides 4"),
        ("conv2d", {"filters": 4, "groups": 0}, "got 0"),
        ("conv2d", {"filters": 4, "groups": True}, "got True"),
        ("conv2d", {"filters": 6, "groups": 3}, "conv2d cannot make 3 groups of 4 channels"),
        ("depthwise_conv2d", {"depth_multiplier": 0}, "depth_multiplier must be a positive"),
    ],
)
def test_groups_that_do_not_fit_are_refused(kind, config, message):
    with pytest.raises(SpecError, match=message):
        Model(ModelSpec.chain((5, 5, 4), [(kind, {"kernel_size": 3, **config})]))
