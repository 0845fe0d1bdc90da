"""A convolutional net in process: the network of the Keras workshop for CIFAR-10, one thread.

Training: a step of RMSprop on 32 rows, dropout on. Inference: respnet runs on arrays bound once.
"""

import functools

import numpy as np

from respnet.engine import ModelSpec

from ..harness import Bar, Contest
from ..peers import IMAGES, sides
from .rnn import randomised, verify

TITLE = "A convolutional net in process, one thread"
SHAPE, CLASSES, BATCH = (32, 32, 3), 10, 32
RELU, WINDOW = {"activation": "relu"}, {"kernel_size": 3}
LAYERS = [
    ("conv2d", {"filters": 32, "padding": "same", **WINDOW, **RELU}),
    ("conv2d", {"filters": 32, **WINDOW, **RELU}),
    ("max_pooling2d", {}),
    ("dropout", {"rate": 0.25}),
    ("conv2d", {"filters": 64, "padding": "same", **WINDOW, **RELU}),
    ("conv2d", {"filters": 64, **WINDOW, **RELU}),
    ("max_pooling2d", {}),
    ("dropout", {"rate": 0.25}),
    ("flatten", {}),
    ("dense", {"units": 512, **RELU}),
    ("dropout", {"rate": 0.5}),
    ("dense", {"units": CLASSES, "activation": "softmax"}),
]
BARS = {1: 1.2, BATCH: 1.2}  # rows -> how many times faster than torch when predicting
TRAINING = 1.2


def contests(quick):
    model = randomised(ModelSpec.chain(SHAPE, LAYERS, loss="sparse_crossentropy"))
    for rows, limit in BARS.items():
        yield inference(model, rows, limit)
    if not quick:
        yield trained(model)


def images(rows):
    return np.random.default_rng(1).normal(size=(rows, *SHAPE)).astype(np.float32)


def inference(model, rows, limit):
    found, skipped = sides("inference", tuple(IMAGES), model, images(rows), modules=IMAGES)
    bars = (Bar(at_least=limit, against="torch"),)
    name = f"CIFAR net, {rows} row{'s' * (rows > 1)}"
    return Contest(name, found, functools.partial(verify, found, 1e-4), bars, skipped)


def trained(model):
    y = np.random.default_rng(2).integers(0, CLASSES, (BATCH, 1))
    found, skipped = sides("rmsprop", tuple(IMAGES), model, images(BATCH), y, modules=IMAGES)
    bars = (Bar(at_least=TRAINING, against="torch"),)
    name = f"CIFAR net, {BATCH} rows, training step"
    return Contest(name, found, functools.partial(verify, found, 1e-4), bars, skipped)
