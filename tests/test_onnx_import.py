"""ONNX files as models: plain networks become trainable ones, other graphs only predict."""

import io
import warnings
from pathlib import Path

import numpy as np
import pytest

import respnet
from respnet.cli import main
from respnet.engine import Model, ModelSpec, Node
from respnet.engine.errors import FileError
from respnet.engine.onnx import Graph, to_bytes
from respnet.engine.onnx.translate import NotPlain, to_spec
from respnet.layers import GRU, LSTM, Dense, Dropout, Embedding, Input, SimpleRNN
from respnet.onnx import OnnxModel, convert_keras, save_model

GOLDEN = Path(__file__).parent / "golden"
RNG = np.random.default_rng(7)
WORDS = RNG.integers(0, 9, (5, 7)).astype(np.float32)


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def drawn(spec):
    model = Model(spec)
    model.swap(model.weights.vector + RNG.normal(size=model.layout.size).astype(spec.dtype) / 5)
    return model


def there_and_back(spec, *xs):
    """Exported and translated again, a model predicts the same bits."""
    model = drawn(spec)
    again, vector = to_spec(Graph.load(to_bytes(spec, model.weights.vector)))
    x = list(xs) if len(xs) > 1 else xs[0]
    want, got = model.predict(x), Model(again, vector=vector).predict(x)
    pairs = zip(want, got, strict=True) if isinstance(want, list) else [(want, got)]
    assert all(np.ptp(w) > 1e-3 and (w == g).all() for w, g in pairs)
    return [node.kind for node in again.nodes]


CELLS = [
    ("simple_rnn", {"activation": "elu"}),
    ("lstm", {"recurrent_activation": "tanh"}),
    ("lstm", {"peephole": True, "use_bias": False}),
    ("gru", {}),
    ("gru", {"reset_after": False}),
]


@pytest.mark.parametrize("kind, options", CELLS)
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_recurrent_net_comes_back(kind, options, sequences, backwards):
    options = {"units": 5, "return_sequences": sequences, "go_backwards": backwards, **options}
    layers = [
        ("embedding", {"input_dim": 9, "output_dim": 4}),
        (kind, options),
        ("dense", {"units": 3, "activation": "tanh"}),
    ]
    kinds = there_and_back(ModelSpec.chain((None,), layers), WORDS)
    assert kinds == ["embedding", kind, "dense"]


def test_a_dense_net_comes_back_with_its_activations_in_their_layers():
    activations = ("relu", "sigmoid", "elu", "softplus", "exponential", "leaky_relu", "softmax")
    layers = [("dense", {"units": 4, "activation": name}) for name in activations[1:]]
    layers = [("activation", {"activation": "relu"}), *layers, ("dropout", {"rate": 0.5})]
    kinds = there_and_back(ModelSpec.chain((3,), layers), floats(4, 3))
    assert kinds == ["activation", *["dense"] * 6]


def test_states_shapes_and_sums_come_back():
    config = {"units": 4, "return_sequences": True, "return_state": True}
    nodes = [
        Node("often", "repeat_vector", ("h",), {"n": 3}),
        Node("cell", "lstm", ("x", "h", "c"), config),
        Node("flat", "flatten", ("cell",)),
        Node("long", "dense", ("flat",), {"units": 8}),
        Node("shape", "reshape", ("long",), {"target_shape": [2, 4]}),
        Node("sum", "add", ("cell:1", "cell:2")),
    ]
    spec = ModelSpec(
        nodes[1:], [("x", (5, 3)), ("h", (4,)), ("c", (4,))], ["shape", "sum", "cell:1"]
    )
    kinds = there_and_back(spec, floats(2, 5, 3), floats(2, 4), floats(2, 4))
    assert kinds == ["lstm", "flatten", "dense", "reshape", "add"]


def test_turned_time_comes_back():
    layers = [("reverse_time", {}), ("gru", {"units": 3})]
    assert there_and_back(ModelSpec.chain((4, 2), layers), floats(3, 4, 2))[0] == "reverse_time"


PICTURES = [
    [("conv2d", {"filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu"}),
     ("max_pooling2d", {}), ("flatten", {}), ("dense", {"units": 3})],
    [("conv2d", {"filters": 4, "kernel_size": [3, 2], "strides": 2, "use_bias": False}),
     ("activation", {"activation": "tanh"}),
     ("average_pooling2d", {"pool_size": 3, "strides": 1, "padding": "same"})],
    [("conv2d", {"filters": 4, "kernel_size": 2, "dilation_rate": 2}),
     ("global_average_pooling2d", {}), ("dense", {"units": 3, "activation": "softmax"})],
    [("zero_padding2d", {"padding": 1}), ("global_max_pooling2d", {"keepdims": True})],
]  # fmt: skip


@pytest.mark.parametrize("layers", PICTURES, ids=lambda layers: layers[0][0])
def test_pictures_come_back(layers):
    kinds = there_and_back(ModelSpec.chain((8, 9, 2), layers), floats(3, 8, 9, 2))
    assert [k for k in kinds if k != "flatten"] == [
        kind for kind, _ in layers if kind not in ("activation", "flatten")
    ]


def test_signals_come_back():
    layers = [
        ("conv1d", {"filters": 4, "kernel_size": 3, "padding": "same"}),
        ("max_pooling1d", {"pool_size": 2}),
        ("conv1d", {"filters": 3, "kernel_size": 2}),
        ("flatten", {}),
        ("dense", {"units": 2}),
    ]
    kinds = there_and_back(ModelSpec.chain((9, 2), layers), floats(3, 9, 2))
    assert kinds == [kind for kind, _ in layers]


def test_doubles_stay_doubles():
    spec = ModelSpec.dense((3, 4, 2), role="model", dtype="float64")
    again, vector = to_spec(Graph.load(to_bytes(spec, drawn(spec).weights.vector)))
    assert again.dtype == "float64" and vector.dtype == np.float64


# --- models of torch ------------------------------------------------------------------------


def of_torch(cell, **options):
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.cell = nn.Embedding(9, 6), cell(6, 8, batch_first=True, **options)
            self.dense = nn.Linear(8, 3)

        def forward(self, x):
            y, _ = self.cell(self.embedding(x))
            return torch.softmax(self.dense(y[:, -1]), -1)

    torch.manual_seed(0)
    return Words().eval()


def written(net, x, **options):
    torch, file = pytest.importorskip("torch"), io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, (x,), file, dynamo=False, **options)
    return file.getvalue()


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2}], ids=str)
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_words_of_torch_become_a_model(name, options, dynamic):
    torch = pytest.importorskip("torch")
    net, x = of_torch(getattr(torch.nn, name), **options), torch.from_numpy(WORDS).long()
    axes = {"dynamic_axes": {"x": {0: "B", 1: "T"}}} if dynamic else {}
    model = respnet.load_onnx(written(net, x, input_names=["x"], **axes))
    assert isinstance(model, respnet.Model)
    np.testing.assert_allclose(model.predict(WORDS), net(x).detach().numpy(), atol=1e-6)
    if dynamic:
        assert model.predict(WORDS[:2, :4]).shape == (2, 3)


@pytest.mark.parametrize("dynamic", [False, True])
def test_a_picture_net_of_torch_becomes_a_model(dynamic):
    torch = pytest.importorskip("torch")
    nn = torch.nn
    torch.manual_seed(2)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(4), nn.MaxPool2d(2),
        nn.Conv2d(4, 5, 3, stride=2, padding=1), nn.Tanh(), nn.AvgPool2d(2), nn.Dropout(0.5),
        nn.Flatten(), nn.Linear(20, 6), nn.ELU(), nn.Linear(6, 3), nn.LogSoftmax(-1),
    )  # fmt: skip
    net.train()(torch.randn(8, 3, 17, 16))  # so that its statistics are none of the first
    net.eval()
    x = floats(2, 3, 17, 16)
    axes = {"dynamic_axes": {"x": {0: "B"}}} if dynamic else {}
    model = respnet.load_onnx(written(net, torch.from_numpy(x), input_names=["x"], **axes))
    assert isinstance(model, respnet.Model)
    np.testing.assert_allclose(model.predict(x), net(torch.from_numpy(x)).detach(), atol=2e-6)


def test_branches_come_back():
    nodes = [
        Node("a", "dense", ("x",), {"units": 4}),
        Node("b", "dense", ("x",), {"units": 4}),
        Node("product", "multiply", ("a", "b")),
        Node("less", "subtract", ("a", "b")),
        Node("both", "concatenate", ("product", "less")),
        Node("out", "dense", ("both",), {"units": 2, "activation": "log_softmax"}),
    ]
    kinds = there_and_back(ModelSpec(nodes, [("x", (3,))], ["out", "less"]), floats(4, 3))
    assert kinds == [node.kind for node in nodes]


def test_a_perceptron_of_torch_goes_on_learning():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3), nn.Softmax(-1)).eval()
    x = floats(60, 4)
    model = respnet.load_onnx(written(net, torch.from_numpy(x)))
    np.testing.assert_allclose(model.predict(x), net(torch.from_numpy(x)).detach(), atol=1e-6)
    model.compile("adam", "sparse_categorical_crossentropy")
    losses = model.fit(x, (x[:, 0] > 0).astype(int), epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


# --- the API --------------------------------------------------------------------------------


def model():
    respnet.set_random_seed(3)
    layers = [Embedding(9, 4), LSTM(5, return_sequences=True), Dropout(0.3), GRU(4), Dense(2)]
    return respnet.Sequential([Input((7,)), *layers])


def test_export_and_load_by_file_name(tmp_path):
    made = model()
    made.export(tmp_path / "net.onnx")
    again = respnet.load_model(tmp_path / "net.onnx")
    assert (again.predict(WORDS) == made.predict(WORDS)).all()
    assert again.count_params() == made.count_params()


def test_the_names_of_keras2onnx(tmp_path):
    made = model()
    save_model(convert_keras(made, "words"), tmp_path / "net.onnx")
    graph = Graph.load(tmp_path / "net.onnx")
    assert graph.net.name == "words" and graph.net.producer.startswith("respnet ")


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match="unknown export format 'onx'; did you mean onnx"):
        model().export(tmp_path / "net", format="onx")


def test_weights_trained_last_are_written(tmp_path):
    made = model()
    made.compile("sgd", "mse")
    made.fit(WORDS, floats(5, 2), epochs=2, verbose=0)
    made.export(tmp_path / "net.onnx")
    assert (respnet.load_onnx(tmp_path / "net.onnx").predict(WORDS) == made.predict(WORDS)).all()


def test_a_graph_that_is_no_network_still_predicts():
    respnet.set_random_seed(1)
    made = respnet.Sequential([Input((7,)), Embedding(9, 4, mask_zero=True), SimpleRNN(3)])
    other = respnet.load_onnx(convert_keras(made))
    assert isinstance(other, OnnxModel) and "(Equal) is no layer" in other.reason
    np.testing.assert_allclose(other.predict(WORDS), made.predict(WORDS), atol=1e-6)
    (name,) = other.input_names
    np.testing.assert_allclose(other.predict({name: WORDS}), made.predict(WORDS), atol=1e-6)
    with pytest.raises(ValueError, match="the model has inputs .*, got 2"):
        other.predict([WORDS, WORDS])


def test_a_graph_can_be_asked_for_in_any_case():
    made = model()
    graph = respnet.load_onnx(convert_keras(made), plain=False)
    assert isinstance(graph, OnnxModel) and repr(graph).startswith("<OnnxModel sequential")
    np.testing.assert_allclose(graph.predict(WORDS), made.predict(WORDS), atol=1e-5)


@pytest.mark.parametrize(
    "layers, said",
    [
        ([("embedding", {"input_dim": 9, "output_dim": 2, "mask_zero": True})], "no layer"),
        ([("dense", {"units": 2, "activation": "gelu"})], r"\(Mul\): no layer does this"),
    ],
)
def test_what_is_not_plain_is_said(layers, said):
    spec = ModelSpec.chain((7,), [*layers])
    if layers[0][0] == "embedding":
        spec = ModelSpec.chain((7,), [*layers, ("gru", {"units": 2})])
    with pytest.raises(NotPlain, match=said):
        to_spec(Graph.load(to_bytes(spec, drawn(spec).weights.vector)))


def test_the_command_line_shows_a_file(tmp_path, capsys):
    path = tmp_path / "net.onnx"
    model().export(path)
    assert main(["show", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "embedding 9 4" in shown and "opset 17" in shown and "LSTM 1" in shown
    path.write_bytes(b"nothing of ONNX")
    assert main(["show", str(path)]) == 1
    assert f"show: {path}: field 13 has wire type 6" in capsys.readouterr().err


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        respnet.load_onnx(tmp_path / "none.onnx")
    with pytest.raises(FileError, match="no ONNX model"):
        respnet.load_onnx(b"")


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm", "cnn"])
def test_models_that_tf2onnx_wrote_predict_what_keras_did(name):
    """Written once by tf2onnx 1.17 of Keras 3.15; SimpleRNN and GRU are Loops there."""
    data = np.load(GOLDEN / f"tf2onnx_{name}.npz")
    other = respnet.load_onnx(GOLDEN / f"tf2onnx_{name}.onnx")
    assert ("Loop" in {node.kind for node in other.graph.net.nodes}) == (name in ("rnn", "gru"))
    np.testing.assert_allclose(other.predict(data["x"]), data["y"], atol=2e-5)
