"""Rows in and out: NR.RUN, NR.CLASS, NR.OBSERVE, NR.GETDATA.

The plain forms are those of Neural Redis and have fast paths in ``nr_run.pyx`` and
``nr_observe.pyx``, which decline everything that is not plain and right. ``ROWS n`` announces many
rows in words, ``BLOB`` rows of float32 (little-endian); both words stand where a number would be,
so no old command means them.
"""

import numpy as np

from ..access import database
from ..command import Family
from ..errors import CommandError
from ..grammar import choice, integer, key, rest
from ..network_io import FLOAT, ROWS, frame
from ..nr_access import (
    INPUTS,
    INPUTS_AND_OUTPUTS,
    NUMBER_BYTES,
    blob,
    check_words,
    network,
    numbers,
    one_array,
    outputs,
)
from ..nr_observe import Observe
from ..nr_run import Class, Run

rows = Family("nr", since="1.0.0")

NO_CLASSES = ("ERR you can't call NR.CLASS with a regressor network. Use this command with a "
              "classifier network")
BAD_CLASS = "ERR classifier network output must be an integer in the range from 0 to outputs-1."
NO_ARROW = ("ERR no '->' separtor in the correct position between inputs and outputs: are you "
            "sure your training data is correct?")
WHICH = "ERR please specify as source either TRAIN or TEST"
BLOB_ARGUMENTS = "ERR wrong number of blobs: wanted {}, got {}"


def form(words):
    """rows, blob or None: how the values are written."""
    word = words[0].lower()
    return word.decode() if word in (b"rows", b"blob") else None


def inputs(net, words):
    """The input rows (n,I) of NR.RUN and NR.CLASS."""
    rows = read_rows(words, net.options.inputs, INPUTS)
    check_words(net, rows)
    return rows


def read_rows(words, columns, mismatch):
    """Rows (n, columns) in any form; ``mismatch`` is what is wrong if there are not so many."""
    written = form(words)
    if written == "blob":
        if len(words) != 2:
            raise CommandError(BLOB_ARGUMENTS.format(1, len(words) - 1))
        return blob(words[1], columns, "inputs")
    if written == "rows":
        return numbers(words[1:], columns, mismatch)
    if len(words) != columns:
        raise CommandError(mismatch)
    return one_array(words, 0, (1, columns))


def number_bytes(words):
    """Of a number in the reply to these words, at most."""
    return FLOAT.itemsize if form(words) == "blob" else NUMBER_BYTES


def as_asked(words, y):
    """Outputs y (n,O) in the form the words have."""
    if form(words) == "blob":
        return y.astype(FLOAT, copy=False).tobytes()
    return y.tolist() if form(words) == "rows" else y[0].tolist()


def classes_as_asked(words, y):
    found = y.argmax(axis=1)
    return found.tolist() if form(words) else int(found[0])


@rows.command("nr.run", key(), rest("input", least=1), flags="readonly", fast=Run(),
              reply=list[float | list[float]] | bytes,
              complexity="O(W) for each row, where W is the number of weights",
              summary="Run a network: the outputs for one row, for ROWS n or a BLOB of rows")
def run(session, request):
    net = network(session, request.key)
    words = request.input
    return as_asked(words, outputs(net, inputs(net, words), number_bytes(words)))


@rows.command("nr.class", key(), rest("input", least=1), flags="readonly", fast=Class(),
              reply=int | list[int],
              complexity="O(W) for each row, where W is the number of weights",
              summary="The class a network gives a row, or each of ROWS n or of a BLOB of rows")
def class_(session, request):
    net = network(session, request.key)
    if not net.is_classifier:
        raise CommandError(NO_CLASSES)
    words = request.input
    return classes_as_asked(words, outputs(net, inputs(net, words), FLOAT.itemsize))


@rows.command("nr.observe", key(), rest("value", least=1), flags="write denyoom", fast=Observe(),
              reply=list[int],
              summary="Add a row, ROWS n or BLOBs of rows to the data sets of a network")
def observe(session, request):
    net = network(session, request.key)
    words = request.value
    target = words[-1].lower().decode("latin-1")
    if target in ("train", "test"):
        words = words[:-1]
    else:
        target = None
    store(session, request.key, net, observed(net, words), target)
    return [len(net.data.train), len(net.data.test)]


def observed(net, words):
    """Rows (n, inputs + targets), checked."""
    train = net.data.train
    written = form(words) if words else None
    if written == "blob":
        if len(words) != 3:
            raise CommandError(BLOB_ARGUMENTS.format(2, len(words) - 1))
        x = blob(words[1], train.input_columns, "inputs")
        y = blob(words[2], train.target_columns, "outputs")
        if len(x) != len(y):
            raise CommandError(f"ERR blobs of {len(x)} rows of inputs and {len(y)} of outputs")
        found = np.concatenate([x, y], axis=1)
    elif written == "rows":
        found = numbers(words[1:], train.columns, INPUTS_AND_OUTPUTS)
    else:
        found = one_row(words, train)
    check_words(net, found[:, : train.input_columns])
    if net.is_classifier:
        check_classes(found[:, -1], net.options.outputs)
    return found


def one_row(words, data):
    """``i0..iN -> o0..oM`` as (1, inputs + targets)."""
    at = data.input_columns
    if len(words) != data.columns + 1:
        raise CommandError(INPUTS_AND_OUTPUTS)
    if words[at] != b"->":
        raise CommandError(NO_ARROW)
    return one_array(words[:at] + words[at + 1 :], 0, (1, data.columns))


def check_classes(numbers, classes):
    """CommandError unless all are whole numbers from 0 to classes - 1."""
    if ((numbers != np.floor(numbers)) | (numbers < 0) | (numbers >= classes)).any():
        raise CommandError(BAD_CLASS)


def store(session, key, net, found, target):
    """Put rows into the data sets; the places they went to are logged."""
    places = [net.data.observe(row, target) for row in found]
    if places[0] is not None:
        database(session).log(key, ROWS, frame(places, found))


@rows.command("nr.getdata", key(), choice("set", "TRAIN", "TEST", error=WHICH),
              integer("row", least=0, error="ERR invalid row specified"), flags="readonly",
              reply=list[list[float]] | None,
              summary="The inputs and outputs of a row of a data set, null if there is none")
def getdata(session, request):
    net = network(session, request.key)
    data = getattr(net.data, request.set)
    if request.row >= len(data):
        return None
    row = data.rows[request.row].tolist()
    x, y = row[: data.input_columns], row[data.input_columns :]
    if net.is_classifier:
        y = [float(number == y[0]) for number in range(net.options.outputs)]
    return [x, y]
