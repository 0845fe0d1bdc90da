"""ONNX written from a spec: onnx.checker takes it, onnxruntime predicts what respnet predicts."""

import itertools

import numpy as np
import pytest

from respnet.engine import Model, ModelSpec, Node
from respnet.engine.activations import ALL
from respnet.engine.errors import SpecError
from respnet.engine.layers import LAYERS
from respnet.engine.onnx import Graph, read
from respnet.engine.onnx.export import EXPORTERS, to_bytes
from respnet.engine.onnx.export_activations import INSIDE

RNG = np.random.default_rng(11)


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def words():
    """Rows with steps masked in front, at the end, between, everywhere and nowhere."""
    rows = RNG.integers(1, 9, (5, 7)).astype(np.float32)
    rows[0], rows[1, :3], rows[2, 4:], rows[3, 2:5] = 0, 0, 0, 0
    return rows


def drawn(spec):
    """A model whose every number differs from its start."""
    model = Model(spec)
    vector = model.weights.vector + RNG.normal(size=model.layout.size).astype(spec.dtype) / 5
    for name in model.layout.places:
        if name.endswith("variance"):
            view = model.layout.view(vector, name)
            view[...] = np.abs(view) + 0.1
    model.swap(vector)
    return model


def check(spec, *xs):
    """Same outputs from respnet, onnxruntime and our own graphs, within 1e-5."""
    onnx = pytest.importorskip("onnx", reason="onnx is in the test extra")
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is in the test extra")
    model = drawn(spec)
    data = to_bytes(spec, model.weights.vector)
    onnx.checker.check_model(data, full_check=True)
    want = model.predict(list(xs) if len(xs) > 1 else xs[0])
    want = want if isinstance(want, list) else [want]
    assert np.ptp(np.concatenate([w.ravel() for w in want])) > 1e-3
    feed = dict(zip([name for name, _ in spec.inputs], xs, strict=True))
    for run in (
        onnxruntime.InferenceSession(data).run(None, feed),
        list(Graph.load(data).run(feed).values()),
    ):
        for got, wanted in zip(run, want, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=1e-5)
    return read(data)


@pytest.mark.parametrize("activation", ALL)
def test_a_dense_net(activation):
    layers = [("dense", {"units": 5, "activation": activation}), ("dropout", {"rate": 0.5})]
    layers += [("activation", {"activation": activation}), ("dense", {"units": 2})]
    net = check(ModelSpec.chain((3,), [*layers, ("dense", {"units": 3, "use_bias": False})]),
                floats(4, 3))  # fmt: skip
    assert not [node for node in net.nodes if node.kind == "Dropout"]


def test_scaling_is_part_of_the_file():
    spec = ModelSpec.dense((3, 5, 2), role="regressor", scaling=True)
    check(spec, floats(4, 3))
    check(ModelSpec.dense((3, 5, 2), role="classifier", scaling=True), floats(4, 3))


CELLS = [
    ("simple_rnn", {}),
    ("simple_rnn", {"activation": "relu", "use_bias": False}),
    ("lstm", {}),
    ("lstm", {"peephole": True}),
    ("lstm", {"use_bias": False, "activation": "elu", "recurrent_activation": "tanh"}),
    ("gru", {}),
    ("gru", {"reset_after": False}),
    ("gru", {"use_bias": False, "activation": "leaky_relu"}),
]
FLAGS = list(itertools.product([False, True], repeat=3))


@pytest.mark.parametrize("sequences, backwards, masked", FLAGS)
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_recurrent_net_of_any_length(cell, sequences, backwards, masked):
    kind, options = cell
    options = {"units": 5, "return_sequences": sequences, "go_backwards": backwards, **options}
    layers = [
        ("embedding", {"input_dim": 9, "output_dim": 4, "mask_zero": masked}),
        (kind, options),
        ("dense", {"units": 3, "activation": "tanh"}),
    ]
    net = check(ModelSpec.chain((None,), layers), words())
    kinds = {node.kind for node in net.nodes}
    assert {"Cast", "Gather", {"simple_rnn": "RNN"}.get(kind, kind.upper())} <= kinds


@pytest.mark.parametrize("activation", INSIDE)
def test_activations_inside_a_recurrent_layer(activation):
    check(ModelSpec.chain((6, 2), [("simple_rnn", {"units": 3, "activation": activation})]),
          floats(2, 6, 2))  # fmt: skip


@pytest.mark.parametrize("kind, states", [("simple_rnn", 1), ("lstm", 2), ("gru", 1)])
@pytest.mark.parametrize("masked", [False, True])
def test_states_go_in_and_out(kind, states, masked):
    config = {"units": 5, "return_sequences": True, "return_state": True}
    names = [f"s{i}" for i in range(states)]
    nodes = [Node("mask", "masking", ("x",), {"mask_value": 0.0})] if masked else []
    nodes.append(Node("cell", kind, ("mask" if masked else "x", *names), config))
    spec = ModelSpec(
        nodes,
        [("x", (None, 4)), *((n, (5,)) for n in names)],
        ["cell", *(f"cell:{i + 1}" for i in range(states))],
    )
    x = floats(5, 7, 4) * (words() > 0)[:, :, None]
    check(spec, x, *(floats(5, 5) for _ in names))


def test_masks_pass_through_layers_that_keep_time():
    layers = [
        ("masking", {"mask_value": 0.0}),
        ("dense", {"units": 4, "activation": "gelu"}),
        ("lstm", {"units": 5, "return_sequences": True}),
        ("gru", {"units": 3, "return_sequences": True}),
        ("simple_rnn", {"units": 3, "go_backwards": True}),
    ]
    check(ModelSpec.chain((7, 2), layers), floats(5, 7, 2) * (words() > 0)[:, :, None])


def test_layers_that_change_shapes_and_shared_weights():
    nodes = [
        Node("a", "dense", ("x",), {"units": 6}),
        Node("b", "dense", ("y",), {"units": 6}, "a"),
        Node("sum", "add", ("a", "b")),
        Node("often", "repeat_vector", ("sum",), {"n": 4}),
        Node("shape", "reshape", ("often",), {"target_shape": [2, -1, 3]}),
        Node("flat", "flatten", ("shape",)),
    ]
    spec = ModelSpec(nodes, [("x", (3,)), ("y", (3,))], ["flat", "sum"])
    check(spec, floats(2, 3), floats(2, 3))


WINDOWS = [
    ("conv2d", {"filters": 4, "kernel_size": [3, 2]}),
    ("conv2d", {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}),
    ("conv2d", {"filters": 4, "kernel_size": 3, "activation": "softmax", "use_bias": False}),
    ("conv2d", {"filters": 4, "kernel_size": 2, "dilation_rate": 2, "padding": "same"}),
    ("max_pooling2d", {"pool_size": [2, 3]}),
    ("max_pooling2d", {"pool_size": 3, "strides": 2, "padding": "same"}),
    ("average_pooling2d", {"pool_size": 3, "strides": 2, "padding": "same"}),
    ("average_pooling2d", {}),
    *[(f"global_{word}_pooling2d", {"keepdims": keep})
      for word in ("max", "average") for keep in (False, True)],
    ("zero_padding2d", {"padding": [[1, 2], [0, 3]]}),
    ("random_flip", {}),
    ("random_translation", {"height_factor": 0.5, "width_factor": 0.5}),
]  # fmt: skip
WINDOWS_1D = [
    ("conv1d", {"filters": 4, "kernel_size": 3, "padding": "causal"}),
    ("conv1d", {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}),
    ("conv1d", {"filters": 4, "kernel_size": 2, "activation": "relu"}),
    ("max_pooling1d", {"pool_size": 2, "padding": "same"}),
    ("average_pooling1d", {"pool_size": 3}),
    ("global_max_pooling1d", {}),
    ("global_average_pooling1d", {"keepdims": True}),
    ("zero_padding1d", {"padding": [1, 2]}),
]


@pytest.mark.parametrize("layer", WINDOWS, ids=str)
def test_windows_over_images_of_any_size(layer):
    check(ModelSpec.chain((9, 8, 3), [layer]), floats(2, 9, 8, 3))
    check(ModelSpec.chain((None, None, 3), [layer]), floats(2, 7, 10, 3))


@pytest.mark.parametrize("layer", WINDOWS_1D, ids=str)
def test_windows_over_sequences_of_any_length(layer):
    check(ModelSpec.chain((9, 3), [layer]), floats(2, 9, 3))
    check(ModelSpec.chain((None, 3), [layer]), floats(2, 8, 3))


MERGES = ["add", "average", "multiply", "maximum", "minimum", "subtract", "concatenate"]


@pytest.mark.parametrize("kind", MERGES)
@pytest.mark.parametrize("masks", [(0, 1), (0,), ()])
def test_merged_sequences_and_their_masks(kind, masks):
    nodes = [Node(f"m{i}", "masking", (f"x{i}",)) for i in masks]
    read = [f"m{i}" if i in masks else f"x{i}" for i in (0, 1)]
    nodes += [Node("both", kind, read), Node("last", "gru", ("both",), {"units": 3})]
    spec = ModelSpec(nodes, [("x0", (7, 2)), ("x1", (7, 2))], ["last", "both"])
    hidden = (words() > 0)[:, :, None]
    check(spec, floats(5, 7, 2) * hidden, floats(5, 7, 2) * np.roll(hidden, 1, axis=1))


def test_sequences_one_after_the_other_keep_their_masks():
    nodes = [
        Node("m", "masking", ("x",)),
        Node("both", "concatenate", ("m", "y"), {"axis": 1}),
        Node("last", "lstm", ("both",), {"units": 3}),
    ]
    spec = ModelSpec(nodes, [("x", (7, 2)), ("y", (None, 2))], ["last"])
    check(spec, floats(5, 7, 2) * (words() > 0)[:, :, None], floats(5, 4, 2))


SIMPLE = [
    ("batch_normalization", {}), ("batch_normalization", {"center": False, "scale": False}),
    ("layer_normalization", {}), ("layer_normalization", {"axis": [-2, -1], "center": False}),
    ("normalization", {}), ("rescaling", {"scale": 0.5, "offset": -1}),
    ("permute", {"dims": [2, 1]}), ("softmax", {"axis": 1}), ("relu", {}),
    ("relu", {"max_value": 0.7, "negative_slope": 0.1, "threshold": 0.2}),
    ("relu", {"negative_slope": 0.3}), ("elu", {"alpha": 0.3}), ("prelu", {}),
    ("prelu", {"shared_axes": [1]}), ("cropping_1d", {"cropping": [1, 2]}),
    ("gaussian_noise", {"stddev": 0.1}), ("gaussian_dropout", {"rate": 0.1}),
]  # fmt: skip


@pytest.mark.parametrize("layer", SIMPLE, ids=str)
def test_simple_layers(layer):
    check(ModelSpec.chain((6, 4), [layer, ("activation", {"activation": "tanh"})]),
          floats(3, 6, 4))  # fmt: skip


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count"])
def test_words_as_rows_of_numbers(mode):
    layers = [("category_encoding", {"num_tokens": 9, "output_mode": mode})]
    check(ModelSpec.chain((7,), layers), words())


def test_a_picture_net_as_the_workshop_has_it():
    layers = [
        ("conv2d", {"filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu"}),
        ("conv2d", {"filters": 4, "kernel_size": 3}),
        ("activation", {"activation": "relu"}),
        ("max_pooling2d", {}),
        ("dropout", {"rate": 0.25}),
        ("flatten", {}),
        ("dense", {"units": 3, "activation": "softmax"}),
    ]
    check(ModelSpec.chain((10, 8, 3), layers), floats(2, 10, 8, 3))


@pytest.mark.parametrize("keep", [False, True])
def test_the_mean_of_the_steps_that_count(keep):
    layers = [("masking", {}), ("global_average_pooling1d", {"keepdims": keep})]
    check(ModelSpec.chain((7, 2), layers), floats(5, 7, 2) * (words() > 0)[:, :, None])


def test_masks_from_an_input_and_time_turned_round():
    nodes = [
        Node("hidden", "apply_mask", ("x", "mask")),
        Node("zeros", "masking", ("hidden",), {}),
        Node("turned", "reverse_time", ("zeros",)),
        Node("first", "lstm", ("turned",), {"units": 3, "return_sequences": True}),
        Node("back", "gru", ("first",), {"units": 4, "go_backwards": True,
                                         "return_sequences": True}),
        Node("last", "simple_rnn", ("back",), {"units": 2}),
    ]  # fmt: skip
    spec = ModelSpec(nodes, [("x", (None, 2)), ("mask", (None,))], ["last", "back"])
    hidden = floats(5, 7, 2) * (RNG.random((5, 7, 1)) > 0.3)
    check(spec, hidden.astype(np.float32), (words() > 0).astype(np.float32))


def test_layers_at_each_step_of_a_sequence_of_sequences():
    def each(kind, **config):
        return "time_distributed", {"layer": {"kind": kind, "config": config}}

    layers = [
        each("embedding", input_dim=9, output_dim=3, mask_zero=True),
        each("lstm", units=4, return_sequences=True),
        each("gru", units=3),
        each("dense", units=2, activation="tanh"),
        ("simple_rnn", {"units": 3}),
    ]
    check(ModelSpec.chain((5, 7), layers), np.stack([words()] * 3))


def test_numbers_of_double_precision_stay_so():
    spec = ModelSpec.dense((3, 5, 2), role="regressor", dtype="float64")
    model = drawn(spec)
    graph = Graph.load(to_bytes(spec, model.weights.vector))
    x = RNG.normal(size=(4, 3))
    assert graph.inputs[0].dtype == np.float64
    np.testing.assert_allclose(graph.run({"input": x})["dense_1"], model.predict(x), atol=1e-14)


def test_inputs_and_outputs_keep_names_and_lengths():
    spec = ModelSpec.chain((None, 3), [("dense", {"units": 2})])
    net = read(to_bytes(spec, Model(spec).weights.vector, "net", "1.2"))
    assert [(s.name, s.shape) for s in net.inputs] == [("input", (None, None, 3))]
    assert [(s.name, s.shape) for s in net.outputs] == [("dense_0", (None, None, 2))]
    assert (net.name, net.producer, net.opset) == ("net", "respnet 1.2", 17)


def test_what_has_no_words_in_onnx_is_refused_by_name(monkeypatch):
    layers = [("simple_rnn", {"units": 2, "activation": "exponential"})]
    spec = ModelSpec.chain((4, 3), layers)
    with pytest.raises(SpecError, match="activation exponential has no name in ONNX' recurrent"):
        to_bytes(spec, Model(spec).weights.vector)
    monkeypatch.delitem(EXPORTERS, "dense")
    spec = ModelSpec.dense((3, 2), role="regressor")
    with pytest.raises(SpecError, match="layer 'dense_0' of kind dense cannot be written as ONNX"):
        to_bytes(spec, Model(spec).weights.vector)


def test_every_kind_that_is_written_is_a_layer():
    assert set(EXPORTERS) <= set(LAYERS)
