"""Files written by earlier versions are read for ever: one golden file a format."""

from pathlib import Path

import numpy as np
import pytest

import respnet

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def gold():
    return respnet.load_model(GOLDEN / "format1.respnet"), np.load(GOLDEN / "format1.npz")


def inputs(recorded):
    return [recorded["words"], recorded["picture"]]


def test_the_first_format_predicts_what_it_did(gold):
    model, recorded = gold
    for got, name in zip(model.predict(inputs(recorded)), ("classes", "size"), strict=True):
        want = recorded[f"p_{name}"]
        assert got.shape == want.shape and np.ptp(want) > 0.1
        np.testing.assert_allclose(got, want, atol=2e-6)


def test_its_training_goes_on_where_it_was(gold):
    """Rounding differs between processors, so this is not to the last bit."""
    model, recorded = gold
    y = [recorded["classes"], recorded["size"]]
    losses = model.fit(inputs(recorded), y, epochs=2, batch_size=8, verbose=0).history["loss"]
    np.testing.assert_allclose(losses, recorded["loss"], rtol=1e-5)


def test_it_says_what_it_is(gold):
    model, _ = gold
    assert model.name == "gold" and model.optimizer.iterations == 6
    assert model.output_names == ["classes", "size"]
    assert [layer.name for layer in model.layers if not layer.trainable] == ["embedding"]
