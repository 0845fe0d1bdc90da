"""Keras on TensorFlow: a compiled training step (forward, gradient, Adam) on one batch.

Its operators run on threads of its own pool, so contests with it are judged by wall time.
"""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from .. import training
from ..harness import Timed

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

LAYERS = {
    "dense": keras.layers.Dense,
    "embedding": keras.layers.Embedding,
    "gru": keras.layers.GRU,
    "lstm": keras.layers.LSTM,
    "repeat_vector": keras.layers.RepeatVector,
    "simple_rnn": keras.layers.SimpleRNN,
}
LOSSES = {
    "mse": keras.losses.MeanSquaredError,
    "sparse_crossentropy": keras.losses.SparseCategoricalCrossentropy,
}


def network(model):
    """The spec's layers with its weights."""
    nodes, (_, shape) = model.spec.nodes, model.spec.inputs[0]
    net = keras.Sequential([keras.Input(shape), *(LAYERS[n.kind](**n.config) for n in nodes)])
    names = [f"{n.name}/{part}" for n in nodes for part in model.layout.of(n.name)]
    net.set_weights([model.view(name) for name in names])
    return net


def adam(model, x, y):
    net, loss_of = network(model), LOSSES[model.spec.loss]()
    optimizer = keras.optimizers.Adam(**training.ADAM)
    words = model.spec.nodes[0].kind == "embedding"
    given = tf.constant(x, tf.int32 if words else tf.float32)
    target = tf.constant(np.squeeze(y, -1) if "sparse" in loss_of.name else y, tf.float32)
    first = float(loss_of(target, net(given)))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = loss_of(target, net(given, training=True))
        variables = net.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    return Timed(lambda: step().numpy(), answer=lambda: np.array([first]))
