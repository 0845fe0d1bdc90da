"""Networks of Neural Redis in payloads of DUMP (its encoding 2), read only.

Layers come with the output first. The weights of a layer are a row for each unit of the layer
before it in this order, the bias last in the row; hidden layers have one more row, of their own
bias unit, which nothing reads. Steps of RPROP are skipped: a training begins anew.
"""

import numpy as np

from respnet.engine.errors import EngineError

from .network import NetworkValue, Statistics, measured
from .network_options import ORIGINAL, NetworkOptions
from .rdb import FLOAT, UINT, bad

ENCODING = 2
REGRESSOR, CLASSIFIER, NORMALIZE, OVERFITTING = 1 << 1, 1 << 2, 1 << 3, 1 << 5
MOST_LAYERS = 32
MOST_ROWS = 2**31 - 1


def uints(reader, count):
    return [reader.field(UINT) for _ in range(count)]


def floats(reader, *shape):
    """Numbers of 5 bytes, the kind of field first, as an array."""
    count = int(np.prod(shape, dtype=object))
    if count > (reader.end - reader.at) // 5:
        raise bad()
    fields = np.frombuffer(reader.take(5 * count), np.uint8).reshape(count, 5)
    if (fields[:, 0] != FLOAT).any():
        raise bad()
    return np.ascontiguousarray(fields[:, 1:]).view("<f4").reshape(shape)


def network(reader, encoding):
    """The NetworkValue of a payload, or CommandError."""
    count = reader.field(UINT)
    if not 2 <= count <= MOST_LAYERS:
        raise bad()
    units = uints(reader, count)
    flags, _, steps, milliseconds, _, _ = uints(reader, 6)
    errors = [reader.field(FLOAT) for _ in range(3)]
    options = options_of(tuple(units[::-1]), flags)
    layers = [weights(reader, units, n) for n in range(1, count)][::-1]
    norms = floats(reader, units[-1]), floats(reader, units[0])
    train, test = (rows(reader, options) for _ in range(2))
    value = NetworkValue(options, train[0], test[0])
    value.model.swap(vector(value.model, layers, *norms))
    value.data.train.extend(train[1])
    value.data.test.extend(test[1])
    cycles = steps // max(1, len(train[1]))
    value.stats = Statistics(steps, cycles, milliseconds / 1000, *map(measured, errors),
                             bool(flags & OVERFITTING))
    return value


def options_of(units, flags):
    if bool(flags & REGRESSOR) == bool(flags & CLASSIFIER):
        raise bad()
    role = "classifier" if flags & CLASSIFIER else "regressor"
    try:
        return NetworkOptions(units, role, bool(flags & NORMALIZE), algorithm=ORIGINAL).check()
    except EngineError:
        raise bad() from None


def weights(reader, units, n):
    """(kernel (I,O), bias (O,)) of the layer that reads the units of layer ``n``."""
    outputs, inputs = units[n - 1], units[n]
    numbers = floats(reader, outputs + (n > 1), inputs + 1)
    floats(reader, 2, *numbers.shape)  # steps and gradients of RPROP
    return numbers[:outputs, :-1].T, numbers[:outputs, -1]


def rows(reader, options):
    """(most rows, rows) of a data set; a class number for one-hot outputs."""
    length, most = uints(reader, 2)
    if length > most or most > MOST_ROWS:
        raise bad()
    inputs = floats(reader, length, options.inputs)
    outputs = floats(reader, length, options.outputs)
    if options.role == "classifier":
        outputs = outputs.argmax(axis=1).astype(np.float32).reshape(-1, 1)
    if not (np.isfinite(inputs).all() and np.isfinite(outputs).all()):
        raise bad()
    return most, np.hstack([inputs, outputs])


def vector(model, layers, input_norm, output_norm):
    """All parameters of a model. Inputs are divided by their norm, outputs multiplied."""
    spec, layout = model.spec, model.layout
    found = model.weights.vector.copy()
    for node, (kernel, bias) in zip(spec.nodes, layers, strict=True):
        layout.view(found, f"{node.name}/kernel")[...] = kernel
        layout.view(found, f"{node.name}/bias")[...] = bias
    if spec.scaling:
        layout.view(found, f"{spec.inputs[0][0]}/scale")[...] = 1 / input_norm
        if spec.role == "regressor":
            layout.view(found, f"{spec.outputs[0]}/scale")[...] = output_norm
    if not np.isfinite(found).all():
        raise bad()
    return found
