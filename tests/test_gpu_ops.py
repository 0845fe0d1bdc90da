"""Programs on a GPU against the reference: outputs, losses and gradients, in both dtypes."""

from dataclasses import replace

import numpy as np
import pytest
from layer_cases import CHAINS, MERGES, PICTURES, SEQUENCES, merged, random_weights
from layer_cases import chain as around

from respnet.engine import Model, ModelSpec, Node, gpu, reference
from respnet.engine.gpu import ops
from respnet.engine.ops import OPS
from respnet.engine.optimizers import OPTIMIZERS
from respnet.engine.program import compile_program
from respnet.engine.session import Session
from respnet.engine.spec import LossTerm
from respnet.engine.trainer import Rule, Update

needs_gpu = pytest.mark.skipif(not gpu.available(), reason="no GPU, or no CuPy to use it")
TOLERANCE = {"float32": 2e-4, "float64": 1e-10}
HOST_ONLY = {"python_forward", "python_backward", "python_loss"}

DENSE = [
    [("dense", {"units": 7, "activation": a}), ("dense", {"units": 3})]
    for a in ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "softplus")
]
RECURRENT = [
    ("simple_rnn", {}),
    ("simple_rnn", {"activation": "relu", "use_bias": False}),
    ("lstm", {}),
    ("lstm", {"peephole": True, "activation": "softplus"}),
    ("gru", {}),
    ("gru", {"use_bias": False}),
    ("gru", {"reset_after": False}),
    ("gru", {"reset_after": False, "use_bias": False}),
]


def recurrent(kind, extra, *, masked, dropout, backwards, states):
    """x [-> mask] -> recurrent (states given) -> recurrent (states of the first) -> dense"""
    count, units = 2 if kind == "lstm" else 1, 5
    options = {"units": units, "dropout": dropout, "recurrent_dropout": dropout, **extra}
    options["return_state"] = True
    given = [f"state{i}" for i in range(count)] if states else []
    source = "masked" if masked else "x"
    first = {**options, "return_sequences": True, "go_backwards": backwards}
    nodes = [Node("masked", "masking", ("x",))] if masked else []
    carried = [f"first:{i + 1}" for i in range(count)]
    nodes += [
        Node("first", kind, (source, *given), first),
        Node("second", kind, ("first", *carried), options),
        Node("sum", "add", ("second", f"second:{count}")),
        Node("out", "dense", ("sum",), {"units": 2}),
    ]
    inputs = [("x", (4, 3)), *((state, (units,)) for state in given)]
    return ModelSpec(nodes, inputs, ("out",), dtype="float64")


def chain(shape, *layers, **options):
    return ModelSpec.chain(shape, layers, dtype="float64", **options)


def lossy(activation, loss, **options):
    """A dense layer and a loss with options."""
    term = LossTerm("dense_0", loss, options)
    return chain((6,), ("dense", {"units": 4, "activation": activation}), loss=(term,))


SOFTMAX = {"activation": "softmax"}
SPECS = {
    **{f"dense {layers[0][1]['activation']}": chain((6,), *layers) for layers in DENSE},
    "classes": chain(
        (6,), ("dense", {"units": 4, **SOFTMAX}), loss="categorical_crossentropy"
    ),
    "numbers of classes": chain(
        (6,), ("dense", {"units": 4, **SOFTMAX}), loss="sparse_crossentropy"
    ),
    "bits": chain(
        (6,), ("dense", {"units": 4, "activation": "sigmoid"}), loss="binary_crossentropy"
    ),
    "focal bits": lossy("sigmoid", "binary_focal_crossentropy", alpha=None, reduction="sum"),
    "focal classes": lossy("softmax", "categorical_focal_crossentropy", gamma=1.5),
    "focal logits": lossy("linear", "categorical_focal_crossentropy", from_logits=True),
    "summed": lossy("linear", "mse", reduction="sum"),
    "unreduced": lossy("softmax", "categorical_crossentropy", reduction="none"),
    "dropout": chain((6,), ("dropout", {"rate": 0.4}), ("dense", {"units": 3}), seed=3),
    "softmax inside": chain((6,), ("dense", {"units": 4, **SOFTMAX}), ("dense", {"units": 2})),
    "words": chain(
        (5,),
        ("embedding", {"input_dim": 9, "output_dim": 4, "mask_zero": True}),
        ("gru", {"units": 3, "return_sequences": True}),
        ("dense", {"units": 4, **SOFTMAX}),
        loss="sparse_crossentropy",
    ),
    "repeated": chain(
        (4, 3),
        ("lstm", {"units": 4}),
        ("repeat_vector", {"n": 3}),
        ("lstm", {"units": 4, "return_sequences": True}),
        ("dense", {"units": 2}),
    ),
    "images": chain(
        (8, 8, 3),
        ("conv2d", {"filters": 5, "kernel_size": [3, 3], "activation": "relu"}),
        ("max_pooling2d", {"pool_size": [2, 2]}),
        ("conv2d", {"filters": 4, "kernel_size": [2, 2], "strides": [2, 2], "padding": "same"}),
        ("average_pooling2d", {"pool_size": [2, 2], "strides": [1, 1], "padding": "same"}),
        ("flatten", {}),
        ("dense", {"units": 3}),
    ),
}
SPECS["groups of channels"] = chain(
    (7, 6, 4),
    ("conv2d", {"filters": 6, "kernel_size": 3, "groups": 2, "activation": "tanh"}),
    ("depthwise_conv2d", {"kernel_size": [2, 3], "depth_multiplier": 2, "padding": "same"}),
    ("flatten", {}),
    ("dense", {"units": 2}),
)
for _kind, _extra in RECURRENT:
    for _masked, _dropout, _backwards, _states in (
        (False, 0.0, False, False),
        (True, 0.3, True, True),
    ):
        SPECS[f"{_kind} {_extra} {_masked}"] = recurrent(
            _kind,
            _extra,
            masked=_masked,
            dropout=_dropout,
            backwards=_backwards,
            states=_states,
        )


for _kind, _config in CHAINS:
    SPECS[f"{_kind} {_config}"] = around(_kind, _config, (6,), dtype="float64")
for _kind, _config in SEQUENCES:
    SPECS[f"{_kind} {_config}"] = around(_kind, _config, (4, 3), dtype="float64")
for _kind, _config in PICTURES:
    SPECS[f"{_kind} {_config}"] = around(_kind, _config, (4, 5, 2), dtype="float64")
for _kind in (*MERGES, "concatenate"):
    _shapes = [(4, 3)] * (2 if _kind == "subtract" else 3)
    SPECS[f"{_kind} of several"] = merged(_kind, {}, _shapes, dtype="float64")
TWO_LOSSES = ModelSpec(
    (
        Node("h", "dense", ("x",), {"units": 5, "activation": "tanh"}),
        Node("a", "dense", ("h",), {"units": 3, **SOFTMAX}),
        Node("b", "dense", ("h",), {"units": 2}),
    ),
    (("x", (6,)),),
    ("a", "b"),
    loss=(
        LossTerm("a", "sparse_crossentropy", weight=0.5),
        LossTerm("b", "huber", {"delta": 0.7}, 2.0),
    ),
    dtype="float64",
)


def case(spec, rows, rng):
    """(inputs and target, vector)"""
    words = spec.nodes[0].kind == "embedding"
    arrays = [
        rng.integers(0, 9, (rows, *s)).astype(float) if words else rng.normal(0.2, 1, (rows, *s))
        for _, s in spec.inputs
    ]
    if any(node.kind == "masking" for node in spec.nodes):
        arrays[0][rng.random(arrays[0].shape[:2]) < 0.3] = 0
    shape = Model(spec).output_shapes()[0]
    loss = spec.terms[0].loss
    if loss == "sparse_crossentropy":
        target = rng.integers(0, shape[-1], (rows, *shape[:-1], 1)).astype(float)
    elif loss.startswith("categorical"):
        target = rng.dirichlet(np.ones(shape[-1]), rows)
    elif loss.startswith("binary"):
        target = rng.integers(0, 2, (rows, *shape)).astype(float)
    else:
        target = rng.normal(size=(rows, *shape))
    return [*arrays, target]


def close(got, want, dtype):
    scale = max(1.0, float(np.max(np.abs(want), initial=0)))
    assert np.allclose(got, want, rtol=0, atol=TOLERANCE[dtype] * scale)


def test_the_gpu_has_every_op_of_the_contract():
    steps = {name for name in OPS if name.endswith("_step")}
    missing = [op for op in OPS if op not in steps | HOST_ONLY and not hasattr(ops, op)]
    assert missing == []


@needs_gpu
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SPECS)
def test_a_gpu_computes_what_the_reference_does(name, dtype):
    spec = replace(SPECS[name], dtype=dtype)
    rng = np.random.default_rng(len(name))
    for rows in (1, 6):
        arrays = case(spec, rows, rng)
        model = Model(spec, device="gpu")
        model.swap(random_weights(model.layout, rng, dtype))
        vector = model.weights.vector.astype(float)
        shapes = [a.shape[1:] for a in arrays[:-1]]
        for _ in range(3):  # issued, captured, replayed
            predicted = model.predict(arrays[:-1] if len(arrays) > 2 else arrays[0])
        program = compile_program(spec, "predict", model.layout, shapes=shapes)
        close(predicted, reference.run(program, vector, arrays[:-1]).outputs[0], dtype)
        trainer = model.trainer("sgd", shapes=shapes, seed=5)
        program = compile_program(spec, "train", model.layout, shapes=shapes)
        data = trainer.stage(arrays[:-1], arrays[-1])
        for _ in range(3):
            loss, gradient = trainer.gradient(data)
        seed = trainer._core.seed_of_batch()
        want = reference.run(program, vector, arrays, seed=seed)
        close(loss, want.loss, dtype)
        close(gradient, want.gradient, dtype)
    assert np.abs(want.gradient).max() > 1e-6


def trained(device, update):
    """(reports, weights, gradient) after steps on the CPU or on a card: batches of 7 and of 4."""
    rng = np.random.default_rng(4)
    model = Model(TWO_LOSSES, device=device)
    model.swap(np.random.default_rng(5).normal(0, 0.5, model.layout.size))
    session = Session(model, update, seed=3)
    targets = [rng.integers(0, 3, 18), rng.normal(size=(18, 2))]
    feed = session.feed([rng.normal(size=(18, 6))], targets, [rng.uniform(0, 2, 18), None])
    reports = [session.train(feed, np.arange(18), 7) for _ in range(3)]
    return [*reports, session.evaluate(feed)], session.vector, session.gradient(feed)[1]


@needs_gpu
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_gpu_trains_as_the_processor_does(name):
    rules = (
        Rule("penalty_step", (0.01, 0.02), "h/kernel"),
        Rule("clip_value_step", (0.3,)),
        Rule("clip_norm_step", (0.2,)),
    )
    update = Update.of(name, rules=rules)
    for got, want in zip(trained("gpu", update), trained("cpu", update), strict=True):
        if isinstance(got, list):
            got = [(r.loss, *r.terms) for r in got]
            want = [(r.loss, *r.terms) for r in want]
            got, want = ([np.hstack(row) for row in rows] for rows in (got, want))
        assert np.allclose(got, want, rtol=1e-7, atol=1e-9)
    assert np.abs(want).max() > 0
