"""What layers of the Keras-like API refuse."""

import pytest

from respnet.layers import Dense


def test_a_layer_that_is_not_to_be_trained_is_refused():
    with pytest.raises(ValueError, match="trainable=False is not part of this version"):
        Dense(3, trainable=False)
    layer = Dense(3)
    assert layer.trainable
    with pytest.raises(ValueError, match="trainable=False"):
        layer.trainable = False
