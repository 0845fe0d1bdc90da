"""Networks as such: NR.CREATE, NR.RESET, NR.CONFIGURE, NR.INFO."""

from typing import Literal

from respnet.engine.errors import EngineError
from respnet.engine.layer_words import input_word, layer_word

from .. import info
from ..access import OK, database
from ..command import ERROR_WORD, Family
from ..errors import CommandError
from ..grammar import choice, flag, integer, key, literal, many, option, options
from ..network import NetworkValue
from ..network_options import ROLES, NetworkOptions
from ..nr_access import network, refuse
from ..nr_grammar import CONFIGURATION, shown, wanted
from ..words import Mismatch, Word

rows = Family("nr", since="1.0.0")
info.MODULES.append({"name": b"neuralredis", "ver": 1})

LARGEST = 2**31 - 1
TYPE = "ERR invalid neural network type. Must be CLASSIFIER or REGRESSOR"
UNITS = "ERR invalid units count"
SIZE = "ERR invalid dataset size"
BUSY = "ERR the key name is busy"


def size(name):
    return integer(name, least=0, most=LARGEST, error=SIZE)


COUNT = integer("outputs", least=1, most=LARGEST, error=UNITS)


def inputs(word):
    """A number of inputs, or TxI."""
    if word == b"->":
        raise Mismatch(word)
    if b"x" not in word.lower():
        return COUNT.convert(word)
    try:
        return input_word(word.decode("latin-1"))
    except EngineError:
        raise CommandError(UNITS) from None


def layer(word):
    """Units of a dense layer, or a word such as LSTM:50."""
    if b":" not in word:
        return COUNT.convert(word)
    try:
        return layer_word(word[:ERROR_WORD].decode("latin-1"))
    except EngineError as error:
        raise refuse(error) from None


@rows.command("nr.create", key(), choice("type", *map(str.upper, ROLES), error=TYPE),
              Word("inputs", convert=inputs),
              many(Word("layer", convert=layer), name="layers", least=0, until="->"),
              literal("->"), COUNT,
              options(flag("NORMALIZE"), option("DATASET", size("dataset-size")),
                      option("TEST", size("test-size"))),
              flags="write denyoom", reply=int, error="ERR Syntax error in NR.CREATE",
              complexity="O(W) where W is the number of weights",
              summary="Create a network; the reply is the number of its parameters")
def create(session, request):
    db = database(session)
    units = (request.inputs, *request.layers, request.outputs)
    chosen = NetworkOptions.of_new(units, request.type, request.normalize)
    try:
        chosen.check()
    except EngineError as error:
        raise refuse(error) from None
    if request.key in db:
        raise CommandError(BUSY)
    net = NetworkValue(chosen, request.dataset_size or 0, request.test_size or 0)
    db.set(request.key, net)
    return net.model.parameter_count


@rows.command("nr.reset", key(), flags="write denyoom", reply=Literal["OK"],
              complexity="O(W) where W is the number of weights",
              summary="Forget what a network has learned, keep its data sets")
def reset(session, request):
    net = network(session, request.key)
    net.cancel()
    net.initialise()
    renew(session, request.key, net)
    return OK


def renew(session, key, net):
    """The network has become another one: it gets a new id."""
    db = database(session)
    net.id = db.space.next_id()
    net.hot.forget()
    db.replace(key, net)


@rows.command("nr.configure", key(), options(*CONFIGURATION), flags="write denyoom", since="1.0.0",
              reply=Literal["OK"] | dict, error="ERR Syntax error in NR.CONFIGURE near '{word}'",
              complexity="O(W) where W is the number of weights",
              summary="Change how a network is built and trained; alone, show how it is")
def configure(session, request):
    net = network(session, request.key)
    values = wanted(request, net.options)
    if not values:
        return shown(net)
    if net.training:
        raise CommandError("ERR neural network training already in progress")
    try:
        chosen = net.options.changed(**values)
    except EngineError as error:
        raise refuse(error) from None
    if net.configure(chosen):
        renew(session, request.key, net)
    else:
        database(session).replace(request.key, net)
    return OK


@rows.command("nr.info", key(), flags="readonly", reply=list[str | int | float | list[int | str]],
              summary="What a network is and how its training went")
def info_(session, request):
    net = network(session, request.key)
    train, test, stats = net.data.train, net.data.test, net.stats
    fields = {
        "id": net.id,
        "type": net.options.role,
        "auto-normalization": int(net.options.normalize),
        "training": int(net.training),
        "layout": list(net.options.units),
        "training-dataset-maxlen": train.maxlen,
        "training-dataset-len": len(train),
        "test-dataset-maxlen": test.maxlen,
        "test-dataset-len": len(test),
        "training-total-steps": stats.steps,
        "training-total-cycles": stats.cycles,
        "training-total-seconds": f"{stats.seconds:.2f}",
        "dataset-error": stats.dataset_error,
        "test-error": stats.test_error,
    }
    if net.is_classifier:
        fields["classification-errors-perc"] = f"{100 * stats.class_errors:.2f}"
    fields["overfitting-detected"] = "yes" if stats.overfitting else "no"
    return [item for field in fields.items() for item in field]
