"""Text, series and images as rows: the numbers of the talks and of Keras."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respnet.preprocessing import (
    Alphabet,
    ImageDataGenerator,
    Tokenizer,
    minibatch_sequencer,
    normalize,
    pad_sequences,
    relative_windows,
    sliding_windows,
    to_categorical,
    tokenizer_from_json,
    train_test_split,
)
from respnet.preprocessing.sequence import TimeseriesGenerator

SCOOBY = Path(__file__).resolve().parents[1] / "../shared/data/scooby"

# 10 lines of 24 words whose numbers are those of the talk's slide
LINES = [
    "like, raggy",
    "like, zoinks",
    "raggy, like boo",
    "my glasses!",
    "I cant see without my glasses",
    "raggy! its ghost",
    "rokay, light ahead",
    "jinkies, mystery",
    "like, lets split, run",
    "bring old man scoob",
]


def test_the_slide_numbers_words_by_count_then_alphabet():
    tokenizer = Tokenizer(ties="alphabetical")
    tokenizer.fit_on_texts(LINES)
    index = tokenizer.word_index
    assert len(index) == 24 and list(index.values()) == list(range(1, 25))
    assert [index[word] for word in ("like", "raggy", "glasses", "my", "zoinks")] == [
        1,
        2,
        3,
        4,
        24,
    ]
    counts = [tokenizer.word_counts[word] for word in index]
    assert counts == sorted(counts, reverse=True)
    assert tokenizer.texts_to_sequences(["i cant see without my glasses"]) == [
        [10, 8, 21, 23, 4, 3]
    ]


def test_ties_stay_in_order_of_appearance_as_in_keras():
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(["b a", "c a"])
    assert tokenizer.word_index == {"a": 1, "b": 2, "c": 3}


def test_unknown_words_are_left_out_or_one_word():
    texts = ["one two two"]
    plain, marked = Tokenizer(), Tokenizer(oov_token="<x>")
    for tokenizer in (plain, marked):
        tokenizer.fit_on_texts(texts)
    assert plain.texts_to_sequences(["two three one"]) == [[1, 2]]
    assert marked.texts_to_sequences(["two three one"]) == [[2, 1, 3]]
    assert marked.sequences_to_texts([[2, 1, 3]]) == ["two <x> one"]


def test_num_words_keeps_the_smaller_numbers():
    tokenizer = Tokenizer(num_words=3)
    tokenizer.fit_on_texts(["a a a b b c"])
    assert tokenizer.texts_to_sequences(["a b c"]) == [[1, 2]]
    assert tokenizer.texts_to_matrix(["a b b c"], "count").tolist() == [[0, 1, 2]]
    assert tokenizer.texts_to_matrix(["a b"], "freq").tolist() == [[0, 0.5, 0.5]]


def test_a_tokenizer_survives_json():
    tokenizer = Tokenizer(num_words=9, oov_token="?")
    tokenizer.fit_on_texts(LINES)
    other = tokenizer_from_json(tokenizer.to_json())
    assert other.word_index == tokenizer.word_index
    assert other.texts_to_sequences(LINES) == tokenizer.texts_to_sequences(LINES)
    other.fit_on_texts(["more"])
    assert other.document_count == 11
    with pytest.raises(ValueError, match="unknown entry 'evil'"):
        tokenizer_from_json('{"evil": 1}')


def test_the_lines_of_the_demo():
    files = sorted(SCOOBY.glob("*.csv"))
    if not files:
        pytest.skip("the lines of the talk are not here (../shared/data/scooby)")
    with files[0].open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file)]
    texts = [row[-1] for row in rows if len(row) > 1]
    texts = texts[len(texts) - 1688 :]
    tokenizer = Tokenizer(num_words=10000)
    tokenizer.fit_on_texts(texts)
    sequences = tokenizer.texts_to_sequences(texts)
    assert len(tokenizer.word_index) == 2172
    assert max(map(len, sequences)) == 107
    padded = pad_sequences(sequences, maxlen=150)
    assert padded.shape == (1688, 150) and padded.dtype == np.int32


@given(
    st.lists(st.lists(st.integers(1, 9), max_size=6), min_size=1, max_size=5),
    st.integers(1, 8),
    st.sampled_from(["pre", "post"]),
    st.sampled_from(["pre", "post"]),
)
@settings(max_examples=60, deadline=None)
def test_padding_puts_zeros_and_cuts_where_asked(lists, maxlen, padding, truncating):
    out = pad_sequences(lists, maxlen, padding=padding, truncating=truncating)
    for row, values in zip(out.tolist(), lists, strict=True):
        kept = values[-maxlen:] if truncating == "pre" else values[:maxlen]
        zeros = [0] * (maxlen - len(kept))
        assert row == (zeros + kept if padding == "pre" else kept + zeros)


def test_padding_of_vectors_and_without_a_length():
    assert pad_sequences([[1], [1, 2, 3]]).tolist() == [[0, 0, 1], [1, 2, 3]]
    out = pad_sequences([np.ones((1, 2)), np.ones((3, 2))], dtype="float32", value=-1)
    assert out.shape == (2, 3, 2) and out[0, 0].tolist() == [-1, -1]


def test_one_hot_rows_and_unit_rows():
    assert to_categorical([0, 2]).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert to_categorical([[1], [0]], 2).shape == (2, 2)
    with pytest.raises(ValueError, match="0 to 1, got 0 to 5"):
        to_categorical([0, 5], 2)
    assert np.allclose(normalize([[3.0, 4.0], [0.0, 0.0]]), [[0.6, 0.8], [0, 0]])


def test_the_alphabet_has_98_codes():
    alphabet = Alphabet()
    assert alphabet.encode("\t ~\nA€").tolist() == [1, 2, 96, 97, ord("A") - 30, 0]
    text = "".join(map(chr, range(32, 127))) + "\t\n"
    assert alphabet.decode(alphabet.encode(text)) == text
    assert alphabet.decode([1, 97, 36], visible=True) == " \\B"
    with pytest.raises(ValueError, match="0 to 97"):
        alphabet.decode([98])


def test_rows_go_on_from_batch_to_batch_and_epoch_to_epoch():
    data = np.arange(2 * 3 * 4 + 3)
    batches = list(minibatch_sequencer(data, batch_size=3, sequence_size=4, epochs=2))
    assert len(batches) == 4 and [epoch for _, _, epoch in batches] == [0, 0, 1, 1]
    for x, y, _ in batches:
        assert x.shape == (3, 4) and np.array_equal(y, x + 1)
    first, second, third, _ = (x for x, _, _ in batches)
    assert np.array_equal(second[:, 0], first[:, -1] + 1)
    # in the next epoch row k reads what row k + 1 read: its text follows on
    assert np.array_equal(third[:-1, 0], second[:-1, -1] + 1)
    assert third[-1, 0] == 0
    with pytest.raises(ValueError, match="do not fill one batch"):
        next(minibatch_sequencer(data[:10], 3, 4, 1))


def test_windows_of_a_series():
    x, y = sliding_windows(np.arange(6.0), 3)
    assert x.tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 4]] and y.tolist() == [3, 4, 5]
    x, y = relative_windows([2.0, 4.0, 6.0, 3.0], 2)
    assert np.allclose(x[..., 0], [[0, 1], [0, 0.5]]) and np.allclose(y, [2, -0.25])
    batches = TimeseriesGenerator(np.arange(8.0), np.arange(8.0), length=3, batch_size=2)
    assert len(batches) == 3
    assert batches[0][0].tolist() == [[0, 1, 2], [1, 2, 3]] and batches[0][1].tolist() == [3, 4]


def test_split_is_that_of_scikit_learn():
    sklearn = pytest.importorskip("sklearn.model_selection")
    x, y = np.arange(40).reshape(20, 2), np.arange(20)
    want = sklearn.train_test_split(x, y, test_size=0.2, random_state=42)
    have = train_test_split(x, y, test_size=0.2, random_state=42)
    assert all(np.array_equal(a, b) for a, b in zip(want, have, strict=True))


def test_a_stratified_split_keeps_the_shares():
    classes = np.array([0] * 30 + [1] * 10)
    _, test = train_test_split(classes, test_size=0.2, stratify=classes, random_state=1)
    assert np.bincount(test).tolist() == [6, 2]


# --- images ---------------------------------------------------------------------------------


def test_shifts_move_pixels_and_repeat_the_edge():
    image = np.arange(16.0).reshape(4, 4, 1)

    class Always:
        def uniform(self, low, high):
            return high

        def integers(self, low, high):
            return high - 1

        def random(self):
            return 0.0

    right = ImageDataGenerator(width_shift_range=1).random_transform(image, Always())
    assert right[0, :, 0].tolist() == [0, 0, 1, 2]
    down = ImageDataGenerator(height_shift_range=0.25, fill_mode="constant", cval=-1)
    assert down.random_transform(image, Always())[:, 0, 0].tolist() == [-1, 0, 4, 8]
    flip = ImageDataGenerator(horizontal_flip=True).random_transform(image, Always())
    assert flip[0, :, 0].tolist() == [3, 2, 1, 0]
    turned = ImageDataGenerator(rotation_range=90).random_transform(image, Always())
    assert sorted(turned.ravel()) == sorted(image.ravel()) and turned[0, 0, 0] in (3, 12)


def test_flow_shows_every_image_once_an_epoch():
    x = np.arange(10.0).reshape(10, 1, 1, 1)
    flow = ImageDataGenerator(rescale=0.5).flow(x, np.arange(10), batch_size=4, seed=3)
    for _ in range(2):
        batches = [next(flow) for _ in range(3)]
        assert [len(a) for a, _ in batches] == [4, 4, 2]
        assert sorted(np.concatenate([b for _, b in batches])) == list(range(10))
        assert all(np.allclose(a[:, 0, 0, 0], 0.5 * b) for a, b in batches)


def test_featurewise_standardising_wants_fit():
    x = np.random.default_rng(0).normal(5, 3, (20, 2, 2, 3))
    maker = ImageDataGenerator(featurewise_center=True, featurewise_std_normalization=True)
    with pytest.raises(ValueError, match="wants fit"):
        maker.standardize(x[0])
    maker.fit(x)
    out = np.stack([maker.standardize(image) for image in x])
    assert np.allclose(out.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    assert np.allclose(out.std(axis=(0, 1, 2)), 1, atol=1e-4)


def test_samplewise_standardising_and_functions_of_ones_own():
    x = np.random.default_rng(0).normal(5, 3, (3, 4, 4, 1))
    maker = ImageDataGenerator(samplewise_center=True, samplewise_std_normalization=True)
    for image in x:
        out = maker.standardize(image)
        assert abs(out.mean()) < 1e-5 and abs(out.std() - 1) < 1e-4
    doubled = ImageDataGenerator(preprocessing_function=lambda image: 2 * image, rescale=0.5)
    assert np.allclose(doubled.standardize(x[0]), x[0])


def test_vertical_flips_turn_half_of_the_images():
    x = np.tile(np.arange(2.0).reshape(1, 2, 1, 1), (200, 1, 1, 1))
    (images,) = [next(ImageDataGenerator(vertical_flip=True).flow(x, batch_size=200, seed=1))]
    turned = (images[:, 0, 0, 0] == 1).mean()
    assert 0.4 < turned < 0.6 and np.allclose(images.sum(axis=(1, 2, 3)), 1)


def test_a_flow_brings_weights_and_feeds_a_model():
    from respnet.layers import Dense, Flatten, Input
    from respnet.models import Sequential

    x = np.random.default_rng(0).normal(size=(20, 3, 3, 1)).astype(np.float32)
    y, weights = x.mean(axis=(1, 2)), np.linspace(0, 1, 20)
    flow = ImageDataGenerator().flow(x, y, batch_size=8, sample_weight=weights, seed=2)
    images, targets, w = flow[0]
    rows = [int(np.flatnonzero((x == image).all(axis=(1, 2, 3)))[0]) for image in images]
    assert np.allclose(targets, y[rows]) and np.allclose(w, weights[rows])
    model = Sequential([Input((3, 3, 1)), Flatten(), Dense(1)])
    model.compile("adam", "mse")
    history = model.fit(flow, epochs=2, verbose=0).history
    assert len(history["loss"]) == 2 and np.isfinite(history["loss"]).all()
    assert model.optimizer.iterations == 6


@pytest.mark.parametrize(
    "options,message",
    [
        ({"fill_mode": "mirror"}, "reflect, wrap, got 'mirror'"),
        ({"zca_whitening": True}, "no zca_whitening"),
        ({"shear_range": 0.2}, "unknown argument 'shear_range'"),
    ],
)
def test_changes_of_images_that_are_not_made_are_refused(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        ImageDataGenerator(**options)


def test_images_must_have_channels():
    with pytest.raises(ValueError, match=r"\(B, height, width, channels\), got \(2, 8, 8\)"):
        ImageDataGenerator().flow(np.zeros((2, 8, 8)))


@given(st.integers(1, 200), st.integers(1, 6), st.integers(1, 7), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_every_row_of_the_sequencer_is_one_text(length, batch, steps, epochs):
    """Row k of batch n + 1 begins with what row k of batch n was to predict last."""
    data = np.arange(length)
    if (length - 1) // (batch * steps) < 1:
        with pytest.raises(ValueError, match="do not fill one batch"):
            next(minibatch_sequencer(data, batch, steps, epochs))
        return
    before = None
    for x, y, _ in minibatch_sequencer(data, batch, steps, epochs):
        if before is not None:
            # the row that read the end of the text begins anew, at most one each epoch
            goes_on = before[:, -1] == x[:, 0]
            assert (~goes_on).sum() <= 1 and (x[~goes_on, 0] == 0).all()
        before = y


def test_splits_are_refused_that_leave_nothing():
    for size in (3, 0.0, 1.5):
        with pytest.raises(ValueError, match=f"test_size {size} of 3 rows"):
            train_test_split([1, 2, 3], test_size=size)
    with pytest.raises(ValueError, match=r"as many rows, got \[3, 2\]"):
        train_test_split([1, 2, 3], [1, 2])
