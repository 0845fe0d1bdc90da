"""Layers for tests of all of them: each as a small network of its own."""

import numpy as np

from respnet.engine import ModelSpec, Node

ALPHA = {"name": "constant", "value": 0.3}
# (kind, config) of layers with one input; rows of any shape whose last axis is known
CHAINS = [
    ("batch_normalization", {}),
    ("batch_normalization", {"center": False, "epsilon": 0.1}),
    ("batch_normalization", {"scale": False, "momentum": 0.5}),
    ("layer_normalization", {}),
    ("layer_normalization", {"scale": False, "center": False}),
    ("normalization", {}),
    ("rescaling", {"scale": -0.5, "offset": 2}),
    ("relu", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}),
    ("relu", {"negative_slope": 0.3}),
    ("elu", {"alpha": 0.7}),
    ("prelu", {"alpha_initializer": ALPHA}),
    ("softmax", {}),
    ("activation", {"activation": "log_softmax"}),
    ("dropout", {"rate": 0.4, "seed": 3}),
    ("gaussian_dropout", {"rate": 0.3}),
    ("gaussian_noise", {"stddev": 0.5, "seed": 1}),
]
# the same for rows of two axes
SEQUENCES = [
    ("layer_normalization", {"axis": [-2, -1]}),
    ("prelu", {"alpha_initializer": ALPHA, "shared_axes": [1]}),
    ("softmax", {"axis": 1}),
    ("dropout", {"rate": 0.5, "noise_shape": [1, None]}),
    ("permute", {"dims": [2, 1]}),
    ("cropping_1d", {"cropping": [1, 0]}),
]
# the same for pictures
PICTURES = [
    ("random_flip", {}),
    ("random_flip", {"mode": "vertical", "seed": 4}),
    ("random_translation", {"height_factor": 0.4, "width_factor": [-0.9, 0.2]}),
    ("random_rotation", {"factor": 0.3, "fill_mode": "wrap", "seed": 3}),
    ("random_rotation", {"factor": 1.0, "fill_mode": "constant", "fill_value": 2.0}),
    (
        "random_translation",
        {"height_factor": 1, "width_factor": 1, "fill_mode": "nearest", "interpolation": "nearest"},
    ),
]
MERGES = ["add", "average", "subtract", "multiply", "maximum", "minimum"]


def chain(kind, config, shape, **options):
    """dense -> the layer -> dense, so that there are gradients before and after it."""
    layers = [("dense", {"units": shape[-1]}), (kind, config), ("dense", {"units": 2})]
    return ModelSpec.chain(shape, layers, **options)


def merged(kind, config, shapes, **options):
    """A dense layer for each input, the layer that joins them, one more."""
    inputs = [f"x{i}" for i in range(len(shapes))]
    nodes = [
        Node(f"d{i}", "dense", (f"x{i}",), {"units": shape[-1]}) for i, shape in enumerate(shapes)
    ]
    nodes.append(Node("m", kind, [node.name for node in nodes], config))
    nodes.append(Node("y", "dense", ("m",), {"units": 2}))
    return ModelSpec(nodes, list(zip(inputs, shapes, strict=True)), ("y",), **options)


def random_weights(layout, rng, dtype="float64"):
    """Of every place; variances above 0."""
    vector = rng.normal(0.1, 0.5, layout.size)
    for name in layout.places:
        if "variance" in name:
            view = layout.view(vector, name)
            view[...] = abs(view) + 0.2
    return vector.astype(dtype)


def random_rows(model, rows, rng):
    """(inputs, targets) for a network whose loss is mse."""
    inputs = [rng.normal(0.3, 1, (rows, *shape)) for _, shape in model.spec.inputs]
    shape = model.layout.shapes[model.spec.outputs[0]]
    return inputs, rng.normal(size=(rows, *shape))


def slopes(trainer, data, places, step=1e-6):
    """The slope of the loss along each place of the vector, by central differences."""
    start = trainer.vector.copy()
    found = []
    for place in places:
        losses = []
        for sign in (1, -1):
            trainer.vector[:] = start
            trainer.vector[place] += sign * step
            trainer._core.pack()
            losses.append(trainer.gradient(data)[0])
        found.append((losses[0] - losses[1]) / (2 * step))
    trainer.vector[:] = start
    trainer._core.pack()
    return np.array(found)
