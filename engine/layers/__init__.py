"""Layers: one recipe a file (parameters, shapes, forward steps and, below, backward steps).

Adding a layer: its file, its test, and its name in LAYERS.
"""

from respnet.engine.errors import SpecError
from respnet.engine.layers.activation import ELU, Activation, PReLU, ReLU, Softmax
from respnet.engine.layers.augment import RandomFlip, RandomRotation, RandomTranslation
from respnet.engine.layers.base import Layer, Parameter
from respnet.engine.layers.conv import Conv1D, Conv2D, DepthwiseConv1D, DepthwiseConv2D
from respnet.engine.layers.dense import Dense
from respnet.engine.layers.dropout import Dropout, GaussianDropout, GaussianNoise
from respnet.engine.layers.embedding import ApplyMask, Embedding, Masking
from respnet.engine.layers.encoding import CategoryEncoding, Rescaling
from respnet.engine.layers.gru import GRU
from respnet.engine.layers.lstm import LSTM
from respnet.engine.layers.merge import (
    Add,
    Average,
    Concatenate,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)
from respnet.engine.layers.normalization import (
    BatchNormalization,
    LayerNormalization,
    Normalization,
)
from respnet.engine.layers.padding import ZeroPadding1D, ZeroPadding2D
from respnet.engine.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
)
from respnet.engine.layers.python import Python
from respnet.engine.layers.reshape import (
    Cropping1D,
    Flatten,
    Permute,
    RepeatVector,
    Reshape,
    ReverseTime,
)
from respnet.engine.layers.simple_rnn import SimpleRNN
from respnet.engine.layers.time_distributed import TimeDistributed

_ALL = (
    Activation,
    Add,
    ApplyMask,
    Average,
    AveragePooling1D,
    AveragePooling2D,
    BatchNormalization,
    CategoryEncoding,
    Concatenate,
    Conv1D,
    Conv2D,
    DepthwiseConv1D,
    DepthwiseConv2D,
    Cropping1D,
    Dense,
    Dropout,
    ELU,
    Embedding,
    Flatten,
    GRU,
    GaussianDropout,
    GaussianNoise,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    LSTM,
    LayerNormalization,
    Masking,
    MaxPooling1D,
    MaxPooling2D,
    Maximum,
    Minimum,
    Multiply,
    Normalization,
    PReLU,
    Permute,
    Python,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    ReLU,
    RepeatVector,
    Rescaling,
    Reshape,
    ReverseTime,
    SimpleRNN,
    Softmax,
    Subtract,
    TimeDistributed,
    ZeroPadding1D,
    ZeroPadding2D,
)
LAYERS = {layer.kind: layer for layer in _ALL}


def make(kind: str, config, name: str = "") -> Layer:
    """The recipe of a node."""
    if kind not in LAYERS:
        raise SpecError(f"layer kind must be one of {', '.join(sorted(LAYERS))}, got {kind!r}")
    return LAYERS[kind](config, name)


__all__ = ["LAYERS", "Layer", "Parameter", "make"]
