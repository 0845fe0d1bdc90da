"""NR.STEP: a recurrent network one step of time at a time, its state under a key of its own.

One step in its plain form has a fast path in ``nr_step.pyx``.
"""

from ..access import database, fetch
from ..command import Family
from ..deadlines import from_options
from ..errors import CommandError
from ..grammar import flag, key, options, rest
from ..network_io import FLOAT
from ..nr_access import check_reply, check_words, network
from ..nr_state import LOGGED, STATE, StateValue
from ..nr_step import Step
from .nr_rows import as_asked, classes_as_asked, number_bytes, read_rows
from .strings import expirations

rows = Family("nr", since="1.0.0")

NO_STEPS = "ERR NR.STEP wants a network with recurrent layers"
NO_CLASSES = "ERR CLASS wants a classifier network"
INPUTS = "ERR number of arguments does not match the number of inputs of one step: {}"
FOREIGN = ("ERR the state belongs to another neural network, or to this one before it was reset: "
           "delete the state or use another key")


@rows.command("nr.step", key(), key("state"), options(flag("CLASS", "classify"), expirations()),
              rest("input", least=1), flags="write denyoom", fast=Step(),
              reply=list[float | list[float]] | bytes | int | list[int],
              error="ERR Syntax error in NR.STEP",
              complexity="O(W) for each step, where W is the number of weights",
              summary="One step of a recurrent network from a state kept under a key, or ROWS n")
def step(session, request):
    net, words = network(session, request.key), request.input
    if not net.options.recurrent:
        raise CommandError(NO_STEPS)
    if request.classify and not net.is_classifier:
        raise CommandError(NO_CLASSES)
    x = steps(net, words, FLOAT.itemsize if request.classify else number_bytes(words))
    db = database(session)
    expire_ms = from_options(request, db.space.now(), "nr.step")
    value = state(session, request.state, net)
    numbers = bytearray(value.numbers)
    y = net.stepper(x, numbers)
    value.numbers[:] = numbers
    keep(db, request.state, value, expire_ms)
    return classes_as_asked(words, y) if request.classify else as_asked(words, y)


def steps(net, words, item_bytes):
    """The inputs (n,I) of n steps."""
    columns = net.stepper.inputs
    x = read_rows(words, columns, INPUTS.format(columns))
    check_words(net, x)
    check_reply(len(x) * net.options.outputs * item_bytes)
    return x


def state(session, key, net):
    """The state under ``key``; zeros if there is none yet."""
    found, size = fetch(session, key, StateValue), net.stepper.state_bytes
    if found is None:
        return StateValue(net.id, bytearray(size))
    if found.network != net.id or len(found.numbers) != size:
        raise CommandError(FOREIGN)
    return found


def keep(db, key, value, expire_ms):
    """Log the step, or store the state whole: when it is new, gets a time to live, has long been
    logged."""
    if expire_ms is not None:
        db.set(key, value, expire_ms)
    elif not value.id or value.logged >= LOGGED:
        db.replace(key, value)
    else:
        value.logged += 1
        db.log(key, STATE, bytes(value.numbers))
