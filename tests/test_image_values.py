"""Convolution and pooling against the reference, differences and torch; every dtype and level."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respnet.engine import Model, ModelSpec, reference
from respnet.engine.cpu import TABLES
from respnet.engine.kernels import levels
from respnet.engine.kernels.executor import Sizes
from respnet.engine.kernels.lowering import lower
from respnet.engine.program import compile_program

TOLERANCE = {"float32": 5e-5, "float64": 1e-12}
STEP = 1e-6

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
steps = st.just((1, 1)) | st.tuples(st.integers(1, 2), st.integers(1, 2))
convolutions = st.fixed_dictionaries(
    {
        "filters": st.sampled_from([1, 3, 16, 33, 65]),
        "kernel_size": pairs,
        "strides": steps,
        "dilation_rate": steps,
        "padding": st.sampled_from(["valid", "same"]),
        "activation": st.sampled_from(["linear", "relu", "tanh", "gelu"]),
        "use_bias": st.booleans(),
    }
)
poolings = st.fixed_dictionaries(
    {
        "pool_size": pairs,
        "strides": st.none() | steps,
        "padding": st.sampled_from(["valid", "same"]),
    }
)
pads = st.sampled_from([0, 2, (1, 0), ((0, 2), (1, 3))])
cases = st.fixed_dictionaries(
    {
        "rows": st.sampled_from([1, 2, 5, 20]),
        "size": st.tuples(st.integers(1, 3), st.integers(1, 3)),  # of what comes out
        "channels": st.sampled_from([1, 3, 17, 32]),
        "padding": pads,
        "first": convolutions,
        "pooling": st.tuples(st.sampled_from(["max_pooling2d", "average_pooling2d"]), poolings),
        "second": convolutions,
        "end": st.sampled_from(["flatten", "global_max_pooling2d", "global_average_pooling2d"]),
        "seed": st.integers(0, 999),
    }
)


def needed(length, window, stride, dilation):
    """Places that yield ``length`` of them without padding."""
    return (length - 1) * stride + (window - 1) * dilation + 1


def image_size(case):
    """An image large enough for all windows, so that none of the draws is empty."""
    size = case["size"]
    pool = case["pooling"][1]
    windows = [
        (case["second"]["kernel_size"], case["second"]["strides"], case["second"]["dilation_rate"]),
        (pool["pool_size"], pool["strides"] or pool["pool_size"], (1, 1)),
        (case["first"]["kernel_size"], case["first"]["strides"], case["first"]["dilation_rate"]),
    ]
    for window in windows:
        size = tuple(needed(n, *along) for n, *along in zip(size, *window, strict=True))
    return size


def network(case, dtype="float64"):
    """padding -> convolution -> pooling -> convolution -> flat or global -> two numbers"""
    kind, pooling = case["pooling"]
    layers = [
        ("zero_padding2d", {"padding": case["padding"]}),
        ("conv2d", case["first"]),
        (kind, pooling),
        ("conv2d", case["second"]),
        (case["end"], {}),
        ("dense", {"units": 2}),
    ]
    shape = (*image_size(case), case["channels"])
    return ModelSpec.chain(shape, layers, dtype=dtype, seed=case["seed"])


def lowered(model):
    """The lowered program of a training."""
    sizes = Sizes(model.device.level, model.dtype)
    return lower(model.program("train"), "rows", 16, sizes, TABLES)


def arrays(case, spec):
    rng = np.random.default_rng(case["seed"])
    x = rng.normal(0.1, 0.9, (case["rows"], *spec.inputs[0][1]))
    return x, rng.normal(size=(case["rows"], 2))


def random_model(case, spec, level):
    model = Model(spec, device=f"cpu:{level}")
    rng = np.random.default_rng(case["seed"] + 1)
    model.swap(rng.normal(0.02, 0.2, model.layout.size))
    return model


def close(got, want, dtype):
    scale = max(1.0, float(np.max(np.abs(want)))) if np.size(want) else 1.0
    assert np.shape(got) == np.shape(want)
    assert np.allclose(got, want, rtol=0, atol=TOLERANCE[dtype] * scale)


@settings(max_examples=40, deadline=None)
@given(
    case=cases,
    dtype=st.sampled_from(["float32", "float64"]),
    level=st.sampled_from(levels.available()),
)
def test_predictions_equal_reference(case, dtype, level):
    spec = network(case, dtype)
    model, (x, _) = random_model(case, spec, level), arrays(case, spec)
    x = x.astype(dtype)
    want = reference.run(compile_program(spec, "predict"), model.weights.vector, [x]).outputs[0]
    close(model.predict(x), want, dtype)
    close(model.predict(x[:1]), want[:1], dtype)


@settings(max_examples=50, deadline=None)
@given(case=cases, level=st.sampled_from(levels.available()))
def test_losses_and_gradients_equal_reference(case, level):
    spec = network(case)  # float64: a maximum that rounding moves to its neighbour is no error
    model, (x, y) = random_model(case, spec, level), arrays(case, spec)
    trainer = model.trainer("sgd")
    loss, gradient = trainer.gradient(trainer.stage(x, y))
    want = reference.run(compile_program(spec, "train"), model.weights.vector, [x, y])
    close(loss, want.loss, "float64")
    close(gradient, want.gradient, "float64")


@settings(max_examples=40, deadline=None)
@given(case=cases)
def test_gradient_is_the_slope_of_the_loss(case):
    case["first"]["activation"], case["second"]["activation"] = "tanh", "gelu"
    spec = network(case)
    (x, y), rng = arrays(case, spec), np.random.default_rng(case["seed"])
    trainer = random_model(case, spec, levels.chosen()).trainer("sgd")
    data, start = trainer.stage(x, y), trainer.vector.copy()
    _, gradient = trainer.gradient(data)
    for place in rng.choice(len(gradient), min(12, len(gradient)), replace=False):
        losses = []
        for step in (STEP, -STEP):
            trainer.vector[:] = start
            trainer.vector[place] += step
            trainer._core.pack()
            losses.append(trainer.gradient(data)[0])
        slope = (losses[0] - losses[1]) / (2 * STEP)
        assert abs(gradient[place] - slope) < 1e-6 * max(1, abs(slope))
    assert np.ptp(gradient) > 0


@pytest.mark.skipif("avx512" not in levels.available(), reason="needs AVX-512")
@settings(max_examples=40, deadline=None)
@given(case=cases, dtype=st.sampled_from(["float32", "float64"]))
def test_avx2_and_avx512_give_the_same_bits(case, dtype):
    spec = network(case, dtype)
    x, y = arrays(case, spec)
    results = []
    for level in ("avx2", "avx512"):
        trainer = random_model(case, spec, level).trainer("adam", batch_size=3, seed=3)
        trainer.bind(x, y)
        trainer.epochs(2)
        model = random_model(case, spec, level)
        model.swap(trainer.weights())
        results.append((trainer.vector, model.predict(x.astype(dtype))))
    for avx2, avx512 in zip(*results, strict=True):
        assert np.array_equal(avx2, avx512)
    assert np.ptp(results[0][0]) > 0


tiles = st.fixed_dictionaries(
    {
        "kernel_size": st.just(3),
        "filters": st.sampled_from([16, 17, 50]),
        "padding": st.sampled_from(["valid", "same"]),
        "activation": st.sampled_from(["linear", "tanh"]),
        "use_bias": st.booleans(),
    }
)


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(5, 18), st.integers(5, 18)),
    rows=st.sampled_from([1, 3, 20]),
    layers=st.tuples(tiles, tiles),
    dtype=st.sampled_from(["float32", "float64"]),
    level=st.sampled_from(levels.available()),
    seed=st.integers(0, 999),
)
def test_windows_of_3_by_3_equal_reference(size, rows, layers, dtype, level, seed):
    """Windows that go by tiles of the output (winograd.hpp)."""
    rng = np.random.default_rng(seed)
    stack = [("conv2d", layer) for layer in layers]
    spec = ModelSpec.chain((*size, 19), stack, dtype=dtype)
    model = Model(spec, device=f"cpu:{level}")
    kinds = {kernel.name for kernel in lowered(model).steps}
    assert {"winograd_forward_rows", "winograd_backward_rows"} <= kinds
    model.swap(rng.normal(0.01, 0.08, model.layout.size))
    x = rng.normal(0.1, 0.9, (rows, *size, 19)).astype(dtype)
    want = reference.run(compile_program(spec, "predict"), model.weights.vector, [x]).outputs[0]
    close(model.predict(x), want, dtype)
    y = rng.normal(size=want.shape).astype(dtype)
    trainer = model.trainer("sgd")
    loss, gradient = trainer.gradient(trainer.stage(x, y))
    want = reference.run(compile_program(spec, "train"), model.weights.vector, [x, y])
    close(loss, want.loss, dtype)
    close(gradient, want.gradient, dtype)
    assert np.abs(gradient).max() > 0


@pytest.mark.skipif("avx512" not in levels.available(), reason="needs AVX-512")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_windows_of_3_by_3_have_the_same_bits(dtype):
    stack = [("conv2d", {"filters": n, "kernel_size": 3, "padding": "same"}) for n in (33, 20)]
    spec, rng = ModelSpec.chain((11, 9, 18), stack, dtype=dtype, seed=1), np.random.default_rng(0)
    x, y = rng.normal(size=(23, 11, 9, 18)), rng.normal(size=(23, 11, 9, 20))
    vectors = []
    for level in ("avx2", "avx512"):
        trainer = Model(spec, device=f"cpu:{level}").trainer("adam", batch_size=20, seed=3)
        trainer.bind(x, y)
        trainer.epochs(2)
        vectors.append(trainer.vector)
    assert np.array_equal(*vectors) and np.ptp(vectors[0]) > 0


@pytest.mark.parametrize("shape", [(4, 700, 2), (1, 300, 40), (40, 3, 64)])
def test_long_rows_and_deep_windows_equal_reference(shape):
    """Longer than the passes over places, deeper than those over a window."""
    layers = [
        ("conv2d", {"filters": 20, "kernel_size": (1, 3)}),
        ("conv2d", {"filters": 300, "kernel_size": (1, 1), "padding": "same"}),
        ("conv2d", {"filters": 3, "kernel_size": (1, 1), "activation": "tanh"}),
        ("global_average_pooling2d", {}),
    ]
    spec = ModelSpec.chain(shape, layers, dtype="float64", seed=1)
    model, rng = Model(spec), np.random.default_rng(0)
    x, y = rng.normal(size=(2, *shape)), rng.normal(size=(2, 3))
    trainer = model.trainer("sgd")
    loss, gradient = trainer.gradient(trainer.stage(x, y))
    want = reference.run(compile_program(spec, "train"), model.weights.vector, [x, y])
    assert np.isclose(loss, want.loss, atol=1e-12)
    assert np.allclose(gradient, want.gradient, atol=1e-12) and np.abs(gradient).max() > 1e-3
