"""The words of NR.CONFIGURE, and what they change in a network's options."""

from respnet.engine import activations
from respnet.engine.losses import LOSSES
from respnet.engine.optimizers import OPTIMIZERS

from .errors import CommandError
from .grammar import integer, option
from .network_options import BLANK, DEFAULT, ORIGINAL, SEED_BITS
from .numbers import parse_integer, parse_real
from .words import Item, Word

AUTO = "auto"  # leave it to the engine
BAD_SEED = "ERR invalid seed: must be an integer of at least 0, or RANDOM"
RESET_BY_ALGORITHM = ("hidden", "output", "loss", "optimizer", "constants", "batch")


def named(name, known):
    """One of the engine's names, in any case."""

    def convert(word):
        found = word.decode("latin-1").lower()
        if found not in known:
            raise CommandError(f"ERR invalid {name}: must be one of {', '.join(known)}")
        return found

    return Word(name, convert=convert)


class Constants(Item):
    """Pairs of a name and a number, for as long as a number follows a word."""

    most = None
    attr = name = "constants"

    def parse(self, argv, at, request):
        found = {}
        while at + 1 < len(argv) and (value := number(argv[at + 1])) is not None:
            if argv[at].decode("latin-1").lower() not in CONSTANT_NAMES:
                break
            found[argv[at].decode("latin-1").lower()] = value
            at += 2
        request.constants = found
        return at

    def usage(self):
        return "[constant value ...]"

    def docs(self):
        return {"name": "constants", "type": "block", "flags": {"optional", "multiple"},
                "arguments": [{"name": "constant", "type": "string"},
                              {"name": "value", "type": "double"}]}


CONSTANT_NAMES = {name for row in OPTIMIZERS.values() for name in row.constants}


def number(word):
    try:
        return parse_real(word)
    except CommandError:
        return None


def seed(word):
    """A number, or None for RANDOM."""
    if word.lower() == b"random":
        return AUTO
    found = parse_integer(word, BAD_SEED)
    if not 0 <= found < 2**SEED_BITS:
        raise CommandError(BAD_SEED)
    return found


CONFIGURATION = (
    option("HIDDEN", named("activation", activations.NAMES)),
    option("OUTPUT", named("output-activation", (*activations.ALL, AUTO))),
    option("LOSS", named("loss", (*LOSSES, AUTO))),
    option("OPTIMIZER", named("optimizer", tuple(OPTIMIZERS)), Constants()),
    option("BATCH", integer("rows", least=0, most=2**31 - 1, error="ERR invalid batch size")),
    option("SEED", Word("seed", "integer", seed)),
    option("NORMALIZE", named("normalize", ("yes", "no"))),
    option("ALGORITHM", named("algorithm", (DEFAULT, ORIGINAL))),
)


def wanted(request, present):
    """What a request changes: names and values of NetworkOptions."""
    values = {}
    if request.algorithm is not None:
        values["algorithm"] = request.algorithm
        if request.algorithm != present.algorithm:
            values.update({name: BLANK[name] for name in RESET_BY_ALGORITHM})
    given = {"hidden": request.activation, "output": request.output_activation,
             "loss": request.loss, "optimizer": request.optimizer, "batch": request.rows,
             "seed": request.seed}
    for name, value in given.items():
        if value is not None:
            values[name] = None if value == AUTO else value
    if request.optimizer is not None:
        values["constants"] = request.constants
    if request.normalize is not None:
        values["normalize"] = request.normalize == "yes"
    return values


def shown(net):
    """The configuration as NR.CONFIGURE shows it: words that NR.CONFIGURE would take."""
    options, spec = net.options, net.model.spec
    last = spec.nodes[-1].config["activation"]
    optimizer, hidden = options.optimizer, options.hidden
    if options.algorithm == ORIGINAL:
        optimizer, hidden = "rprop+", "sigmoid"
    constants = [item for name, value in options.constants.items()
                 for item in (name, float(value))]
    return {
        "hidden": hidden,
        "output": last,
        "loss": spec.loss,
        "optimizer": [optimizer, *constants],
        "batch": options.batch,
        "seed": "random" if options.seed is None else options.seed,
        "normalize": "yes" if options.normalize else "no",
        "algorithm": options.algorithm,
    }
