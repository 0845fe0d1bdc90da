"""Step by step: a Stepper says what the whole sequence says; states of training stay its own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respnet.layers import GRU, LSTM, Dense, Input, SimpleRNN
from respnet.models import Model, Sequential


def chain(kinds, inputs=3, units=4, stateful=True, **options):
    layers = [kind(units, return_sequences=True, stateful=stateful) for kind in kinds]
    return Sequential([Input((None, inputs)), *layers, Dense(2)], **options)


@given(
    st.lists(st.sampled_from([SimpleRNN, LSTM, GRU]), min_size=1, max_size=3),
    st.integers(1, 5),
    st.integers(1, 7),
    st.sampled_from(["float32", "float64"]),
    st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_steps_add_up_to_the_sequence(kinds, rows, steps, dtype, stateful):
    model = chain(kinds, dtype=dtype, stateful=stateful)
    x = np.random.default_rng(steps).normal(size=(rows, steps, 3))
    step = model.stepper(rows)
    for _ in range(2):
        said = [np.array(step(x[:, t : t + 1]))[:, 0] for t in range(steps)]
        model.reset_states()
        assert np.allclose(np.stack(said, axis=1), model.predict(x), atol=1e-5)
        step.reset()


def test_a_stepper_leaves_the_states_of_its_model_alone():
    model = chain([GRU])
    x = np.ones((2, 3, 3))
    first = model.predict(x)
    step = model.stepper()
    step(np.ones(3))
    again = model.predict(x)
    model.reset_states()
    assert not np.allclose(first, again) and np.allclose(model.predict(x), first)
    assert np.allclose(model.predict(x), again)


def test_a_stepper_has_the_weights_as_trained_when_it_was_made():
    model = chain([LSTM])
    model.compile("sgd", "mse")
    model.train_on_batch(np.ones((2, 5, 3)), np.ones((2, 5, 2)))
    step, x = model.stepper(), np.ones((1, 1, 3))
    model.reset_states()
    assert np.allclose(step(x), model.predict(x), atol=1e-6)


def test_several_inputs_and_outputs():
    def model(stateful):
        a, b = Input((None, 2)), Input((3,))
        return Model([a, b], [GRU(2, stateful=stateful)(a), Dense(1)(b)])

    x = [np.ones((1, 1, 2)), np.ones((1, 3))]
    whole = model(True)
    step = whole.stepper()
    assert [each.shape for each in step(*x)] == [(1, 2), (1, 1)]
    step.reset()
    assert all(np.allclose(p, q) for p, q in zip(step(*x), whole.predict(x), strict=True))
    with pytest.raises(ValueError, match="the model has 2 inputs, got 1"):
        step(x[0])
    with pytest.raises(ValueError, match="several inputs: to go step by step, its recurrent"):
        model(False).stepper()


def test_rows_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="broadcast"):
        chain([GRU]).stepper()(np.ones((2, 1, 3)))
    with pytest.raises(ValueError, match="not built"):
        Sequential([Dense(1)]).stepper()
    with pytest.raises(ValueError, match="this one has 0"):
        Sequential([Input((2,)), Dense(1)]).stepper()


def test_validation_begins_with_zeros_and_leaves_the_states_of_training():
    """So a text goes on from epoch to epoch, and val_loss is that of an empty memory."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 2, 5, 3)), rng.normal(size=(2, 2, 5, 2))
    held_out = rng.normal(size=(3, 7, 3)), rng.normal(size=(3, 7, 2))
    models = [chain([GRU]), chain([GRU])]
    models[1].set_weights(models[0].get_weights())
    histories = []
    for model, validation in zip(models, (held_out, None), strict=True):
        model.compile("sgd", "mse")
        batches = (batch for _ in range(2) for batch in zip(x, y, strict=True))
        history = model.fit(
            batches,
            steps_per_epoch=2,
            epochs=2,
            validation_data=validation,
            validation_batch_size=3,
            verbose=0,
        )
        histories.append(history.history)
    assert histories[0]["loss"] == histories[1]["loss"]
    models[1].reset_states()
    loss = models[1].evaluate(*held_out, batch_size=3)
    assert histories[0]["val_loss"][-1] == pytest.approx(loss)


def test_a_chain_that_keeps_states_is_shown_as_a_chain():
    lines = []
    chain([GRU, LSTM]).summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert "(LSTM)" in text and "state" not in text and "Connected to" not in text
