"""Networks as words: what they become, and what is refused."""

import pytest

from respnet.engine import Model, ModelSpec
from respnet.engine.errors import LimitError, SpecError
from respnet.engine.layer_words import (
    has_states,
    input_word,
    layer_word,
    network_spec,
    row_shape,
    word_count,
)


def layers(*units, **options):
    """(kind, configuration without initializers) of each layer."""
    spec = network_spec(units, role="classifier", **options)
    return [(node.kind, {k: v for k, v in node.config.items() if not k.endswith("_initializer")})
            for node in spec.nodes]


@pytest.mark.parametrize("given, written", [
    (9, 9), ("9", 9), ("30x4", "30x4"), ("30X4", "30x4"), ((30, 4), "30x4"), ([5, 1], "5x1")])
def test_inputs_are_written_in_one_way(given, written):
    assert input_word(given) == written


@pytest.mark.parametrize("given, written", [
    (9, 9), ("9", 9), ("lstm:50", "LSTM:50"), ("Gru:3:before", "GRU:3:BEFORE"), ("dense:9", 9),
    ("Dense:9:ReLU", "DENSE:9:RELU"), ("embed:10:3:mask", "EMBED:10:3:MASK")])
def test_layers_are_written_in_one_way(given, written):
    assert layer_word(given) == written


def test_a_recurrent_layer_before_another_one_hands_on_its_sequence():
    made = layers("30x4", "LSTM:50", 20, "GRU:8:BEFORE", "DENSE:7:RELU", 5, 3)
    assert made == [
        ("lstm", {"units": 50, "return_sequences": True}),
        ("dense", {"units": 20, "activation": "tanh"}),
        ("gru", {"units": 8, "reset_after": False, "return_sequences": False}),
        ("dense", {"units": 7, "activation": "relu"}),
        ("dense", {"units": 5, "activation": "tanh"}),
        ("dense", {"units": 3, "activation": "softmax"}),
    ]


def test_words_and_a_peephole():
    made = layers(150, "EMBED:10000:32:MASK", "LSTM:8:PEEPHOLE", 5, hidden="relu")
    assert made[:2] == [
        ("embedding", {"input_dim": 10000, "output_dim": 32, "mask_zero": True}),
        ("lstm", {"units": 8, "peephole": True, "return_sequences": False})]
    assert (word_count((150, "EMBED:10000:32", "RNN:2", 5)), word_count((9, 2))) == (10000, 0)
    assert has_states(("5x1", "RNN:2", 1)) and not has_states((5, "DENSE:2:RELU", 1))


def test_numbers_alone_are_the_dense_network_as_ever():
    assert network_spec((9, 15, 2), role="classifier", seed=4) == ModelSpec.dense(
        (9, 15, 2), role="classifier", seed=4)
    plain = Model(ModelSpec.dense((2, 5, 1), role="regressor", hidden="relu", seed=4))
    worded = Model(network_spec((2, "DENSE:5:RELU", 1), role="regressor", seed=4))
    assert (plain.weights.vector == worded.weights.vector).all()


@pytest.mark.parametrize("role, output, loss", [
    ("classifier", "softmax", "sparse_crossentropy"), ("regressor", "linear", "mse")])
def test_the_role_chooses_output_and_loss(role, output, loss):
    spec = network_spec(("5x1", "RNN:2", 3), role=role)
    assert (spec.nodes[-1].config["activation"], spec.loss, spec.role) == (output, loss, role)


@pytest.mark.parametrize("word, text", [
    ("LSTN:50", "unknown layer 'LSTN'; did you mean LSTM?"),
    ("X:1", "unknown layer 'X'; known are DENSE, EMBED, GRU, LSTM, RNN"),
    ("LSTM:0", "layer 'LSTM:0' should be LSTM:units[:PEEPHOLE]"),
    ("LSTM:", "layer 'LSTM:' should be LSTM:units[:PEEPHOLE]"),
    ("RNN:5:5", "layer 'RNN:5:5' should be RNN:units"),
    ("GRU:5:AFTER", "layer 'GRU:5:AFTER' should be GRU:units[:BEFORE]"),
    ("GRU:5:BEFORE:BEFORE", "layer 'GRU:5:BEFORE:BEFORE' should be GRU:units[:BEFORE]"),
    ("EMBED:10", "layer 'EMBED:10' should be EMBED:words:units[:MASK]"),
    ("DENSE:5:softmax", "layer 'DENSE:5:softmax' should be DENSE:units[:LINEAR|SIGMOID|TANH|RELU|"
     "LEAKY_RELU|ELU|GELU|SOFTPLUS|EXPONENTIAL|RELU6|SELU|SILU|MISH|SOFTSIGN|HARD_SIGMOID|"
     "HARD_SILU|HARD_TANH|LOG_SIGMOID|TANH_SHRINK|SOFT_SHRINK|HARD_SHRINK]"),
    ("LSTM", "wanted a positive number or the word of a layer, got 'LSTM'"),
    ("3x4", "wanted a positive number or the word of a layer, got '3x4'"),
    (0, "wanted a positive number or the word of a layer, got 0"),
    (True, "wanted a positive number or the word of a layer, got True"),
])
def test_what_is_no_layer_says_what_would_be(word, text):
    with pytest.raises(SpecError) as found:
        layer_word(word)
    assert str(found.value) == text


@pytest.mark.parametrize("word", ["x4", "3x", "0x4", "3x4x5", "03x4", (3, 4, 5), (3, -4), "3 x 4"])
def test_what_are_no_inputs(word):
    with pytest.raises(SpecError, match="wanted a positive number"):
        input_word(word)


@pytest.mark.parametrize("units, scaling, text", [
    (("30x4", 3), False, "sequences need a recurrent layer: RNN, LSTM or GRU"),
    ((30, "EMBED:9:2", 3), False, "sequences need a recurrent layer: RNN, LSTM or GRU"),
    ((30, "LSTM:5", 3), False, "recurrent layers need sequences: TxI inputs, or 30 "
     "EMBED:words:units; got 30 inputs"),
    (("30x4", "EMBED:9:2", "RNN:5", 3), False,
     "EMBED is the first layer, behind the number of words in a row"),
    ((30, "EMBED:9:2", "EMBED:9:2", "RNN:5", 3), False,
     "EMBED is the first layer, behind the number of words in a row"),
    ((30, 5, "EMBED:9:2", "RNN:5", 3), False,
     "EMBED is the first layer, behind the number of words in a row"),
    ((30, "EMBED:9:2", "RNN:5", 3), True,
     "the numbers of words cannot be scaled: leave out NORMALIZE"),
    ((30, "EMBED:16777217:1", "RNN:5", 3), False,
     "EMBED has at most 16777216 words, got 16777217"),
    (("5x1", *["RNN:1"] * 1200, 3), False, "a neural network has at most 1024 layers, got 1202"),
])
def test_words_that_do_not_follow_from_each_other(units, scaling, text):
    with pytest.raises(SpecError) as found:
        network_spec(units, role="classifier", scaling=scaling)
    assert str(found.value) == text


def test_wide_recurrent_layers_do_not_begin_orthogonal():
    nodes = network_spec(("5x2", "LSTM:128", "GRU:129", 1), role="regressor").nodes
    starts = [node.config.get("recurrent_initializer", "default") for node in nodes]
    assert starts == ["default", "glorot_uniform", "default"]


def test_too_many_weights_are_refused_before_they_are_made():
    spec = network_spec(("30x4", "LSTM:1000000000", 3), role="classifier")
    with pytest.raises(LimitError, match="at most 50000000 parameters"):
        Model(spec)


@pytest.mark.parametrize("given, shape", [(9, (9,)), ("30x4", (30, 4))])
def test_rows_have_the_shape_of_the_inputs(given, shape):
    assert row_shape(given) == shape
