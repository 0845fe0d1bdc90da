"""Every simple layer against the reference and against differences, at all levels of processor."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_cases import (
    CHAINS,
    MERGES,
    PICTURES,
    SEQUENCES,
    chain,
    merged,
    random_rows,
    random_weights,
    slopes,
)

from respnet.engine import Model, ModelSpec, Node, reference
from respnet.engine.errors import ShapeError, SpecError
from respnet.engine.kernels import levels
from respnet.engine.program import compile_program

SHAPES = [(5,), (40,), (4, 5), (3, 2, 17)]
ALL = [
    *((case, shape) for case in CHAINS for shape in SHAPES),
    *((case, (4, 6)) for case in SEQUENCES),
    *((case, (3, 4, 2)) for case in PICTURES),
]
BROADCASTS = [
    [(5,), (5,), (5,)],
    [(4, 5), (4, 5)],
    [(4, 5), (5,), (4, 1)],
    [(1, 5), (4, 1)],
    [(3, 1, 4), (1, 2, 4)],
]
NOISY = ("dropout", "gaussian_dropout", "gaussian_noise")
TOLERANCE = {"float32": 1e-4, "float64": 1e-11}


def case_id(value):
    return value if isinstance(value, str) else None


def check(spec, level, rows, seed=0):
    """Outputs, loss, gradient and moving averages are those of the reference."""
    rng = np.random.default_rng(seed)
    model = Model(spec, device=f"cpu:{level}")
    model.swap(random_weights(model.layout, rng, spec.dtype))
    start = model.weights.vector.copy()
    x, y = random_rows(model, rows, rng)
    x, y = [a.astype(spec.dtype) for a in x], y.astype(spec.dtype)
    tolerance = TOLERANCE[spec.dtype]
    wanted = reference.run(compile_program(spec, "predict"), start, x).outputs[0]
    got = model.predict(x if len(x) > 1 else x[0])
    assert np.abs(got - wanted).max() < tolerance * max(1, np.abs(wanted).max())
    trainer = model.trainer("sgd", seed=seed, threads=2)
    loss, gradient = trainer.gradient(trainer.stage(x, y))
    want = reference.run(compile_program(spec, "train"), start, [*x, y], seed=seed)
    scale = max(1, np.abs(want.gradient).max(), want.loss)
    assert abs(loss - want.loss) < tolerance * scale
    assert np.abs(gradient - want.gradient).max() < tolerance * scale
    assert np.abs(trainer.vector - want.vector).max() < tolerance
    moving = compile_program(spec, "train").whole_batches
    assert bool(np.any(trainer.vector != start)) == moving


@pytest.mark.parametrize("level", levels.available())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case[0][0]}-{len(case[1])}")
def test_layers_equal_the_reference(case, dtype, level):
    (kind, config), shape = case
    check(chain(kind, config, shape, dtype=dtype), level, rows=1 if len(shape) == 3 else 90)


@pytest.mark.parametrize("shapes", BROADCASTS, ids=str)
@pytest.mark.parametrize("kind", MERGES)
def test_merges_equal_the_reference(kind, shapes):
    shapes = shapes[:2] if kind == "subtract" else shapes
    for level in levels.available():
        check(merged(kind, {}, shapes, dtype="float64"), level, rows=70)
    check(merged(kind, {}, shapes), levels.available()[-1], rows=3)


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_concatenate_equals_the_reference(axis):
    shapes = [(2, 3), (4, 3), (1, 3)] if axis == 1 else [(4, 1), (4, 3), (4, 2)]
    for level in levels.available():
        check(merged("concatenate", {"axis": axis}, shapes, dtype="float64"), level, rows=50)


@pytest.mark.skipif("avx512" not in levels.available(), reason="this processor has no AVX-512")
@pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case[0][0]}-{len(case[1])}")
def test_avx2_and_avx512_give_equal_bits(case):
    (kind, config), shape = case
    gradients = []
    for level in ("avx2", "avx512"):
        rng = np.random.default_rng(1)
        model = Model(chain(kind, config, shape), device=f"cpu:{level}")
        model.swap(random_weights(model.layout, rng, "float32"))
        trainer = model.trainer("sgd")
        gradients.append(trainer.gradient(trainer.stage(*random_rows(model, 150, rng)))[1])
    assert np.array_equal(*gradients) and np.abs(gradients[0]).max() > 0


# --- gradients ------------------------------------------------------------------------------


def check_slopes(spec, rows, seed):
    rng = np.random.default_rng(seed)
    model = Model(spec)
    model.swap(random_weights(model.layout, rng))
    trainer = model.trainer("sgd")
    data = trainer.stage(*random_rows(model, rows, rng))
    _, gradient = trainer.gradient(data)
    places = rng.choice(len(gradient), min(8, len(gradient)), replace=False)
    near, far = slopes(trainer, data, places), slopes(trainer, data, places, 3e-6)
    smooth = np.abs(near - far) < 1e-5  # elsewhere there is a corner, of relu say
    errors = np.abs(gradient[places] - near)[smooth]
    assert np.all(errors < 1e-5 * max(1, np.abs(gradient).max()))
    assert np.ptp(trainer.vector) > 0.1


@settings(max_examples=60, deadline=None)
@given(
    case=st.sampled_from(CHAINS),
    shape=st.lists(st.integers(1, 6), min_size=0, max_size=2),
    width=st.integers(1, 19),
    rows=st.sampled_from([2, 7, 33]),
    seed=st.integers(0, 9999),
)
def test_gradients_of_layers_are_slopes(case, shape, width, rows, seed):
    check_slopes(chain(*case, (*shape, width), dtype="float64"), rows, seed)


@settings(max_examples=25, deadline=None)
@given(
    case=st.sampled_from(SEQUENCES),
    times=st.integers(2, 7),
    width=st.integers(1, 18),
    rows=st.sampled_from([1, 30]),
    seed=st.integers(0, 9999),
)
def test_gradients_of_layers_over_sequences_are_slopes(case, times, width, rows, seed):
    check_slopes(chain(*case, (times, width), dtype="float64"), rows, seed)


@settings(max_examples=40, deadline=None)
@given(
    case=st.sampled_from(PICTURES),
    shape=st.lists(st.integers(1, 5), min_size=3, max_size=3),
    seed=st.integers(0, 9999),
)
def test_gradients_of_layers_over_pictures_are_slopes(case, shape, seed):
    check_slopes(chain(*case, tuple(shape), dtype="float64"), 20, seed)


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(MERGES),
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    singles=st.lists(st.integers(0, 7), min_size=2, max_size=3),
    seed=st.integers(0, 9999),
)
def test_gradients_of_merges_are_slopes(kind, shape, singles, seed):
    """Bit i of ``singles``: axis i of that input has length 1."""
    singles = singles[:2] if kind == "subtract" else singles
    shapes = [
        tuple(1 if bits >> i & 1 else length for i, length in enumerate(shape)) for bits in singles
    ]
    check_slopes(merged(kind, {}, shapes, dtype="float64"), 5, seed)


def test_equal_values_share_the_gradient_of_a_maximum():
    for kind in ("maximum", "minimum"):
        nodes = [
            Node("a", "dense", ("x",), {"units": 1}),
            Node("m", kind, ("a", "a")),
            Node("y", "dense", ("m",), {"units": 1}),
        ]
        spec = ModelSpec(nodes, [("x", (2,))], ("y",), dtype="float64")
        check_slopes(spec, 4, 0)


# --- noise ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, config", [c for c in CHAINS if c[0] in NOISY])
def test_noise_is_for_training_only_and_repeats_with_its_seed(kind, config):
    spec = chain(kind, {**config, "seed": 7}, (30,), dtype="float64")
    model = Model(spec)
    rng = np.random.default_rng(0)
    (x,), y = random_rows(model, 200, rng)
    plain = Model(chain("activation", {}, (30,), dtype="float64"), vector=model.weights.vector)
    assert np.array_equal(model.predict(x), plain.predict(x))

    def losses(seed):
        trainer = model.trainer("sgd", {"learning_rate": 1e-3}, batch_size=50, seed=3)
        trainer._core = type(trainer._core)(
            trainer._train, trainer.vector, trainer.state, 2, seed
        )
        trainer.bind(x, y)
        return [trainer.epoch() for _ in range(3)]

    first = losses(1)
    assert first == losses(2) and len(set(first)) == 3
    unseeded = Model(chain(kind, {**config, "seed": None}, (30,), dtype="float64"))
    trainers = [unseeded.trainer("sgd", seed=seed) for seed in (1, 2)]
    got = [t.gradient(t.stage(x, y))[0] for t in trainers]
    assert got[0] != got[1]


def test_normal_noise_is_normal():
    spec = ModelSpec.chain(
        (50,), [("gaussian_noise", {"stddev": 2.0}), ("dense", {"units": 1})], dtype="float64"
    )
    program = compile_program(spec, "train")
    x = np.zeros((2000, 50))
    values = reference.reference_ops.normal(x, mean=0.0, deviation=2.0, salt=1, seed=5)
    assert program.steps[0].op == "normal"
    assert abs(values.mean()) < 0.03 and abs(values.std() - 2) < 0.03
    assert abs(np.mean(values**3)) < 0.3 and abs(np.mean(values**4) / 16 - 3) < 0.1
    assert abs(np.corrcoef(values[:, :-1].ravel(), values[:, 1:].ravel())[0, 1]) < 0.01


# --- encoding -------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count"])
@pytest.mark.parametrize("shape", [(1,), (6,), (2, 3)])
def test_category_encoding_equals_its_definition(mode, shape):
    spec = ModelSpec.chain(
        shape, [("category_encoding", {"num_tokens": 5, "output_mode": mode})], dtype="float64"
    )
    model = Model(spec)
    x = np.random.default_rng(0).integers(0, 5, (9, *shape))
    counts = np.eye(5)[x]
    if mode != "one_hot":
        counts = counts.sum(axis=-2)
    elif shape[-1] == 1:
        counts = counts[..., 0, :]
    wanted = np.minimum(counts, 1) if mode == "multi_hot" else counts
    assert np.array_equal(model.predict(x.astype(float)), wanted)
    want = reference.run(compile_program(spec, "predict"), model.weights.vector, [x]).outputs[0]
    assert np.array_equal(want, wanted)


@pytest.mark.parametrize("mode", ["one_hot", "count"])
@pytest.mark.parametrize("wrong", [-1, 5, np.nan])
def test_a_token_that_is_none_is_refused(mode, wrong):
    config = {"num_tokens": 5, "output_mode": mode}
    model = Model(ModelSpec.chain((3,), [("category_encoding", config)]))
    message = f"a category encoding wants whole numbers from 0 to 4, got {wrong:g}"
    with pytest.raises(ShapeError) as caught:
        model.predict(np.array([[1, wrong, 2]]))
    assert str(caught.value) == message


# --- refusals -------------------------------------------------------------------------------

REFUSED = [
    ("add", {}, [(3,)], "add wants two or more inputs, got 1"),
    ("subtract", {}, [(3,)] * 3, "subtract wants two inputs, got 3"),
    (
        "multiply",
        {},
        [(3,), (2,)],
        "multiply wants inputs of one shape, or of length 1 where they differ, got [(3,), (2,)]",
    ),
    ("concatenate", {"axis": 0}, [], "concatenate axis must be a whole number, not 0, got 0"),
    ("concatenate", {"axis": 3}, [(2, 3)] * 2, "concatenate has no axis 3 in rows of shape (2, 3)"),
    (
        "concatenate",
        {"axis": 1},
        [(2, 3), (2, 4)],
        "concatenate wants shapes equal but for axis 1, got ((2, 3), (2, 4))",
    ),
    ("permute", {"dims": [1, 3]}, [], "permute dims must be the numbers 1 to n in some order, "
     "got [1, 3]"),
    ("permute", {"dims": [2, 1]}, [(3,)], "permute [2, 1] cannot order rows of (3,)"),
    ("cropping_1d", {"cropping": [1, -1]}, [],
     "cropping_1d cropping must be two lengths of 0 or more, got [1, -1]"),
    ("cropping_1d", {}, [(2, 5)], "cropping_1d by [1, 1] leaves nothing of 2 steps"),
    ("softmax", {"axis": 2}, [(3,)], "softmax has no axis 2 in rows of shape (3,)"),
    ("relu", {"threshold": -1}, [], "relu threshold must be a number of at least 0, got -1"),
    ("elu", {"alpha": None}, [], "elu alpha must be a number of at least 0, got None"),
    ("dropout", {"rate": 1.0}, [], "dropout rate must be in [0, 1), got 1.0"),
    ("dropout", {"seed": -1}, [], "dropout seed must be a whole number from 0 on, got -1"),
    ("dropout", {"noise_shape": [1, 2]}, [(4, 3)],
     "dropout noise_shape [1, 2] does not fit rows of shape (4, 3)"),
    ("gaussian_noise", {"stddev": -1}, [],
     "gaussian_noise stddev must be a number of at least 0, got -1"),
    ("batch_normalization", {"axis": 1}, [(4, 3)],
     "batch_normalization works along the last axis of (4, 3), got axis 1"),
    ("batch_normalization", {"momentum": 2}, [],
     "batch_normalization momentum must be in [0, 1], got 2"),
    ("batch_normalization", {"epsilon": 0}, [],
     "batch_normalization epsilon must be a number above 0, got 0"),
    ("layer_normalization", {"axis": 1}, [(4, 3)],
     "layer_normalization works along the last axes of (4, 3), got axis 1"),
    ("layer_normalization", {"center": 1}, [],
     "layer_normalization center must be true or false, got 1"),
    ("prelu", {"shared_axes": [2]}, [(4, 3)],
     "prelu shared_axes must be the first axes of (4, 3), from 1 on, got [2]"),
    ("random_flip", {"mode": "both"}, [],
     "random_flip mode must be one of horizontal, vertical, horizontal_and_vertical, got 'both'"),
    ("random_rotation", {"factor": 0.1, "fill_mode": "mirror"}, [],
     "random_rotation fill_mode must be one of constant, nearest, reflect, wrap, got 'mirror'"),
    ("random_rotation", {"factor": [0.2, 0.1]}, [],
     "random_rotation factor must be a number from 0 to 1, or two of -1 to 1 in order, "
     "got [0.2, 0.1]"),
    ("random_translation", {"height_factor": 0.1, "width_factor": -1}, [],
     "random_translation width_factor must be a number from 0 to 1, or two of -1 to 1 in order, "
     "got -1"),
    ("random_translation", {"height_factor": 0.1, "width_factor": 0}, [(4, 3)],
     "random_translation wants pictures of shape (Y, X, C), got (4, 3)"),
    ("random_flip", {}, [(4, 3)],
     "random_flip wants pictures of shape (Y, X, C), got (4, 3)"),
    ("rescaling", {}, [], "rescaling scale must be a number, got None"),
    ("category_encoding", {"num_tokens": 0}, [],
     "category_encoding num_tokens must be a positive integer, got 0"),
    ("category_encoding", {"num_tokens": 3, "output_mode": "int"}, [],
     "category_encoding output_mode must be one of one_hot, multi_hot, count, got 'int'"),
]


@pytest.mark.parametrize("kind, config, shapes, message", REFUSED, ids=lambda v: case_id(v))
def test_what_makes_no_sense_is_refused(kind, config, shapes, message):
    from respnet.engine.layers import make

    with pytest.raises(SpecError) as caught:
        make(kind, config).output_shape(*shapes)
    assert str(caught.value) == message
