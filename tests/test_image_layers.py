"""Layers of images and sequences beside torch; their shapes, masks and refusals."""

import numpy as np
import pytest

from respnet.engine import Model, ModelSpec, reference
from respnet.engine.errors import SpecError
from respnet.engine.program import compile_program

RNG = np.random.default_rng


def chain(shape, *layers, **options):
    return ModelSpec.chain(shape, layers, **{"dtype": "float64", "seed": 4, **options})


def output_shape(shape, kind, **config):
    return Model(chain(shape, (kind, config))).output_shapes()[0]


@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("axes", [1, 2])
def test_values_and_gradients_are_those_of_torch(axes, strides, dilation):
    torch = pytest.importorskip("torch")
    rng, shape = RNG(3), (13, 11)[:axes]
    config = {"kernel_size": 3, "strides": strides, "dilation_rate": dilation}
    model = Model(chain((*shape, 6), (f"conv{axes}d", {"filters": 20, **config})))
    model.swap(rng.normal(0, 0.4, model.layout.size))
    kernel, bias = (model.view(f"conv{axes}d_0/{name}") for name in ("kernel", "bias"))
    x = rng.normal(size=(5, *shape, 6))
    given = torch.tensor(np.moveaxis(x, -1, 1), requires_grad=True)
    order = (axes + 1, axes, *range(axes))  # O, C, places of the window
    weight = torch.tensor(kernel.transpose(order), requires_grad=True)
    convolve = getattr(torch.nn.functional, f"conv{axes}d")
    out = convolve(given, weight, torch.tensor(bias), strides, 0, dilation)
    want = np.moveaxis(out.detach().numpy(), 1, -1)
    assert np.allclose(model.predict(x), want, atol=1e-12)
    y = rng.normal(size=want.shape)
    ((out - torch.tensor(np.moveaxis(y, -1, 1).copy())) ** 2).mean().backward()
    trainer = model.trainer("sgd")
    _, gradient = trainer.gradient(trainer.stage(x, y))
    got = model.layout.view(gradient, f"conv{axes}d_0/kernel").transpose(order)
    assert np.allclose(got, weight.grad.numpy(), atol=1e-12) and np.abs(got).max() > 1e-4


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize(("pool", "stride"), [(2, 2), (3, 1), (2, 3)])
def test_pooling_is_that_of_torch(kind, pool, stride):
    torch = pytest.importorskip("torch")
    name = {"max": "max_pool2d", "average": "avg_pool2d"}[kind]
    x = RNG(1).normal(size=(2, 7, 8, 19))
    given = torch.tensor(np.moveaxis(x, -1, 1))
    want = getattr(torch.nn.functional, name)(given, pool, stride).numpy()
    model = Model(chain((7, 8, 19), (f"{kind}_pooling2d", {"pool_size": pool, "strides": stride})))
    assert np.allclose(model.predict(x), np.moveaxis(want, 1, -1), atol=1e-14)


def test_equal_numbers_of_a_window_share_no_gradient():
    spec = chain(
        (4, 4, 1), ("conv2d", {"filters": 1, "kernel_size": 1}), ("max_pooling2d", {"pool_size": 2})
    )
    model = Model(spec)
    model.swap([1.0, 0.0])
    x = np.ones((1, 4, 4, 1))
    trainer = model.trainer("sgd")
    _, gradient = trainer.gradient(trainer.stage(x, np.zeros((1, 2, 2, 1))))
    assert np.allclose(gradient, [2, 2])  # each of four outputs once: mean of 2 y


@pytest.mark.parametrize(
    ("length", "strides", "padding", "places"),
    [
        (8, 1, "valid", 6),
        (8, 2, "valid", 3),
        (8, 1, "same", 8),
        (8, 3, "same", 3),
        (7, 2, "same", 4),
    ],
)
def test_places_are_those_of_keras(length, strides, padding, places):
    config = {"filters": 5, "kernel_size": 3, "strides": strides, "padding": padding}
    assert output_shape((length, 10, 2), "conv2d", **config)[0] == places
    assert output_shape((length, 2), "conv1d", **config) == (places, 5)
    pool = {"pool_size": 3, "strides": strides, "padding": padding}
    assert output_shape((length, 10, 2), "average_pooling2d", **pool)[0] == places
    assert output_shape((length, 2), "max_pooling1d", **pool) == (places, 2)


def test_odd_padding_stands_behind():
    """TensorFlow's rule: a window of 2 over 3 places sees (0,1), (1,2), (2,zero)."""
    model = Model(chain((3, 1), ("conv1d", {"filters": 1, "kernel_size": 2, "padding": "same"})))
    model.swap([1.0, 10.0, 0.0])
    assert model.predict(np.array([[[1.0], [2.0], [3.0]]])).ravel().tolist() == [21, 32, 3]


def test_causal_windows_see_no_later_step():
    config = {"filters": 1, "kernel_size": 2, "padding": "causal", "dilation_rate": 2}
    model = Model(chain((None, 1), ("conv1d", config)))
    model.swap([1.0, 10.0, 0.0])
    x = np.array([[[1.0], [2.0], [3.0], [4.0]]])
    assert model.predict(x).ravel().tolist() == [10, 20, 31, 42]
    assert model.predict(x[:, :3]).shape == (1, 3, 1)  # any length
    strided = Model(chain((7, 1), ("conv1d", {**config, "dilation_rate": 1, "strides": 2})))
    assert strided.output_shapes() == [(4, 1)]


def test_global_pooling_keeps_axes_if_asked():
    x = RNG(0).normal(size=(3, 4, 5, 6))
    for name, take in (("max", np.max), ("average", np.mean)):
        whole = Model(chain((4, 5, 6), (f"global_{name}_pooling2d", {})))
        assert np.allclose(whole.predict(x), take(x, axis=(1, 2)))
        kept = Model(chain((None, None, 6), (f"global_{name}_pooling2d", {"keepdims": True})))
        assert kept.predict(x).shape == (3, 1, 1, 6)
        line = Model(chain((4, 6), (f"global_{name}_pooling1d", {})))
        assert np.allclose(line.predict(x[:, :, 0]), take(x[:, :, 0], axis=1))


def words(pooling):
    return chain(
        (None,),
        ("embedding", {"input_dim": 9, "output_dim": 18, "mask_zero": True}),
        (pooling, {}),
        ("dense", {"units": 3, "activation": "softmax"}),
        loss="sparse_crossentropy",
    )


def test_the_global_mean_counts_no_masked_steps():
    spec, rng = words("global_average_pooling1d"), RNG(2)
    model, x = Model(spec), rng.integers(1, 9, (5, 4))
    padded = np.zeros((5, 7), int)
    padded[:, [0, 2, 3, 6]] = x
    assert np.allclose(model.predict(padded), model.predict(x), atol=1e-14)
    padded[4], y = 0, rng.integers(0, 3, (5, 1))
    trainer = model.trainer("sgd", shapes=[(7,)])
    _, gradient = trainer.gradient(trainer.stage(padded, y))
    program = compile_program(spec, "train", shapes=[(7,)])
    want = reference.run(program, model.weights.vector, [padded, y])
    assert np.allclose(gradient, want.gradient, atol=1e-14) and np.abs(gradient).max() > 1e-4


def test_the_global_maximum_refuses_masked_steps():
    with pytest.raises(SpecError, match="global_max_pooling1d of masked steps is not part"):
        Model(words("global_max_pooling1d")).predict(np.ones((2, 3)))


def test_parameters_have_the_shapes_and_order_of_keras():
    def shapes(shape, *layer):
        return [place.shape for place in Model(chain(shape, layer)).layout.places.values()]

    config = {"filters": 5, "kernel_size": (2, 3)}
    assert shapes((8, 8, 4), "conv2d", config) == [(2, 3, 4, 5), (5,)]
    assert shapes((8, 8, 4), "conv2d", {**config, "use_bias": False}) == [(2, 3, 4, 5)]
    assert shapes((8, 4), "conv1d", {"filters": 5, "kernel_size": 3}) == [(3, 4, 5), (5,)]


@pytest.mark.parametrize("threads", [1, 2])
def test_sub_batches_and_threads_give_the_sum(threads):
    layers = [
        ("conv2d", {"filters": 4, "kernel_size": 3}),
        ("flatten", {}),
        ("dense", {"units": 1}),
    ]
    spec, rng = chain((6, 6, 2), *layers), RNG(5)
    x, y = rng.normal(size=(300, 6, 6, 2)), rng.normal(size=(300, 1))
    model = Model(spec, threads=threads)
    trainer = model.trainer("sgd")
    _, gradient = trainer.gradient(trainer.stage(x, y))
    want = reference.run(compile_program(spec, "train"), model.weights.vector, [x, y])
    assert np.allclose(gradient, want.gradient, atol=1e-13) and np.abs(gradient).max() > 0.01


def test_few_large_images_are_a_sub_batch():
    layer = ("conv2d", {"filters": 64, "kernel_size": 3, "padding": "same"})
    small, large = Model(chain((32, 32, 3), layer)), Model(chain((96, 96, 3), layer, layer))
    assert small.rows(small.program("train"), "rows") == 16
    program = large.program("train")
    row = sum(b.columns for b in {o for s in program.steps for o in s.operands} if b and b.rows)
    assert 1 < large.rows(program, "rows") == 64 * 1024**2 // (row * 8) < 16


def test_steps_may_be_images():
    """TimeDistributed: each step of a sequence is an image of its own."""
    layer = {"kind": "conv2d", "config": {"filters": 4, "kernel_size": 3, "padding": "same"}}
    spec = chain((5, 6, 7, 2), ("time_distributed", {"layer": layer}), ("flatten", {}))
    alone = Model(chain((6, 7, 2), ("conv2d", layer["config"])))
    model, x = Model(spec), RNG(3).normal(size=(20, 5, 6, 7, 2))
    model.swap(alone.weights.vector)
    want = alone.predict(x.reshape(100, 6, 7, 2)).reshape(20, -1)
    assert np.allclose(model.predict(x), want, atol=1e-14)
    trainer = model.trainer("sgd")
    _, gradient = trainer.gradient(trainer.stage(x, np.ones(want.shape)))
    want = reference.run(
        compile_program(spec, "train"), model.weights.vector, [x, np.ones(want.shape)]
    )
    assert np.allclose(gradient, want.gradient, atol=1e-14) and np.abs(gradient).max() > 1e-4


@pytest.mark.parametrize("filters", [3, 16])  # with the sum as written, and by tiles
def test_a_frozen_convolution_lets_gradients_through(filters):
    layer = ("conv2d", {"filters": filters, "kernel_size": 3, "activation": "tanh"})
    free = Model(chain((8, 7, 16), layer, layer, ("flatten", {}), ("dense", {"units": 2})))
    nodes = [{**n.to_dict(), "trainable": n.name != "conv2d_1"} for n in free.spec.nodes]
    held = Model(ModelSpec.from_dict({**free.spec.to_dict(), "nodes": nodes}))
    held.swap(held.layout.moved(free.weights.vector, free.layout))
    x, y = RNG(1).normal(size=(5, 8, 7, 16)), RNG(2).normal(size=(5, 2))
    gradients = []
    for model in (free, held):
        trainer = model.trainer("sgd")
        gradients.append((model.layout, trainer.gradient(trainer.stage(x, y))[1]))
    (layout, want), (rest, have) = gradients
    assert len(want) - len(have) == 9 * filters * filters + filters
    for name in ("conv2d_0/kernel", "conv2d_0/bias", "dense_3/kernel"):
        assert np.allclose(rest.view(have, name), layout.view(want, name), atol=1e-14)
    assert np.abs(have).min() > 0


WINDOW = {"filters": 2, "kernel_size": 3}


@pytest.mark.parametrize(
    ("shape", "layer", "message"),
    [
        ((5, 5, 1), ("conv2d", {"kernel_size": 3}), "conv2d filters must be a positive integer, "
         "got None"),
        ((5, 5, 1), ("conv2d", {"filters": 2}), "conv2d kernel_size must be a positive integer or "
         "2 of them, got None"),
        ((5, 5, 1), ("conv2d", {**WINDOW, "strides": (1, 2, 3)}), "conv2d strides must be a "
         "positive integer or 2 of them, got .1, 2, 3."),
        ((5, 5, 1), ("conv2d", {**WINDOW, "strides": None}), "conv2d strides must be a positive "
         "integer or 2 of them, got None"),
        ((5, 5, 1), ("max_pooling2d", {"strides": 0}), "max_pooling2d strides must be a positive "
         "integer or 2 of them, got 0"),
        ((5, 1), ("conv1d", {**WINDOW, "dilation_rate": 0}), "conv1d dilation_rate must be a "
         "positive integer, got 0"),
        ((5, 5, 1), ("conv2d", {**WINDOW, "padding": "causal"}), "conv2d padding must be one of "
         "valid, same, got 'causal'"),
        ((5, 5, 1), ("conv2d", {**WINDOW, "activation": "swoosh"}), "got 'swoosh'"),
        ((5, 5), ("conv2d", WINDOW), r"conv2d wants rows of shape \(Y, X, C\), got \(5, 5\)"),
        ((5, 5, 1), ("conv1d", WINDOW), r"conv1d wants rows of shape \(T, C\), got \(5, 5, 1\)"),
        ((5, 2, 1), ("conv2d", WINDOW), r"conv2d with a window of \(3, 3\) does not fit into rows "
         r"of shape \(5, 2, 1\)"),
        ((5, 5), ("max_pooling2d", {}), r"max_pooling2d wants rows of shape \(Y, X, C\)"),
        ((2, 1), ("max_pooling1d", {"pool_size": 3}), r"a window of \(3,\) does not fit into rows "
         r"of shape \(2, 1\)"),
        ((5,), ("global_max_pooling1d", {}), r"global_max_pooling1d wants rows of shape \(T, C\)"),
        ((5, 1), ("global_max_pooling1d", {"keepdims": 1}), "keepdims must be true or false"),
        ((5, 5, 1), ("zero_padding2d", {"padding": (1, 2, 3)}), "must be an integer, two of them "
         "or two pairs, got"),
        ((5, 5, 1), ("zero_padding2d", {"padding": -1}), "padding of an axis must be an integer "
         "from 0 or 2 of them"),
        ((5, 1), ("zero_padding1d", {"padding": (1, 2, 3)}), "zero_padding1d padding must be"),
        ((5, 5), ("zero_padding2d", {}), r"zero_padding2d wants rows of shape \(Y, X, C\)"),
    ],
)  # fmt: skip
def test_arguments_that_make_no_sense_are_refused(shape, layer, message):
    with pytest.raises(SpecError, match=message):
        Model(chain(shape, layer))
