"""The steps a DAG may have. What their words say is read once, and holds for every request with
the same words; tensors, models and scripts are looked up by ``value``, each time."""

from math import prod

from .access import database
from .ai_model import model_at, text
from .ai_orders import check_counts, execute_order, run_order
from .ai_queue import executor_of
from .ai_run import ModelRun
from .ai_script import ScriptRun, arguments, script_at
from .ai_script_host import ServerHost
from .ai_script_orders import execute_order as script_execute_order
from .ai_script_orders import run_order as script_run_order
from .ai_tensor_words import FORMATS, LEAST_WORDS, MOST_WORDS, asked, build, parse_head, shown
from .command import wrong_count
from .errors import CommandError

NUMBER_BYTES = 26  # of an element in a reply, at most
UNSUPPORTED = "ERR Unsupported command within DAG"
TOO_OLD = "ERR Deprecated {} cannot be used in AI.DAGEXECUTE command"
TOO_NEW = "ERR {} cannot be used in a deprecated AI.DAGRUN command"
OWN_TIMEOUT = "ERR TIMEOUT not allowed within a DAG command"
READ_ONLY = "ERR AI.SCRIPTEXECUTE command cannot be specified in a read-only DAG"


class Step:
    """place: its number in the DAG; inputs, outputs: names, which become the slots ``sources`` and
    ``targets``; data, end: where its last words stand, whose change changes nothing here."""

    __slots__ = ("place", "inputs", "outputs", "sources", "targets", "data", "end")
    strings = False  # whether the data are words of any kind

    def __init__(self, words, inputs=(), outputs=()):
        self.inputs, self.outputs, self.data = inputs, outputs, len(words)

    def value(self, session, words):
        """What the step needs besides, by the words from ``data`` on; or CommandError."""
        return None

    def device(self, value):
        """Whose lane it runs in."""
        return "CPU"


class Set(Step):
    """AI.TENSORSET: its value is the tensor."""

    __slots__ = ("head",)

    def __init__(self, session, words, kind):
        if len(words) < LEAST_WORDS:
            raise wrong_count(words[0])
        super().__init__(words, outputs=words[1:2])
        dtype, shape, at = parse_head(words, FORMATS)
        self.head = dtype, shape, words[at].lower() if at < len(words) else None
        self.data = min(at + 1, len(words))

    @property
    def strings(self):
        return self.head[0] == "STRING"

    def value(self, session, words):
        return build(*self.head, words)


class Get(Step):
    """AI.TENSORGET: a reply."""

    __slots__ = ("asked",)

    def __init__(self, session, words, kind):
        if not 2 <= len(words) <= MOST_WORDS:
            raise wrong_count(words[0])
        super().__init__(words, inputs=words[1:2])
        self.asked = asked(words[2:])

    def size(self, tensor):
        """Bytes of the reply, about."""
        texts = prod(tensor.shape) if self.asked[1] == b"values" else 0
        return len(tensor.data) + NUMBER_BYTES * texts

    def reply(self, tensor):
        return shown(tensor, *self.asked)


class Model(Step):
    """AI.MODELEXECUTE, AI.MODELRUN: its value is the model, which runs in a queue."""

    __slots__ = ("key",)

    def __init__(self, session, words, kind):
        if len(words) < (6 if kind.deprecated else 8):
            raise wrong_count(words[0])
        self.key = words[1]
        self.find(session)  # told before what is wrong behind it
        order = run_order(words) if kind.deprecated else execute_order(words, timeout=False)
        if order.timeout:
            raise CommandError(OWN_TIMEOUT)
        super().__init__(words, order.inputs, order.outputs)

    def find(self, session):
        return model_at(executor_of(session.server), database(session), self.key)

    def value(self, session, words):
        model = self.find(session)
        check_counts(model, self)
        return model

    def device(self, value):
        return value.options.queue

    def run(self, executor, value, tensors, done, deadline):
        return ModelRun(executor, value, tensors, done, deadline)


class Script(Step):
    """AI.SCRIPTEXECUTE, AI.SCRIPTRUN: its value is (host, script, function)."""

    __slots__ = ("key", "name", "order")

    def __init__(self, session, words, kind):
        if kind.readonly:
            raise CommandError(READ_ONLY)
        if len(words) < 3:
            raise wrong_count(words[0])
        self.key, self.name = words[1], text(words[2])
        self.find(session)
        read = script_run_order if kind.deprecated else script_execute_order
        self.order = read(words, in_dag=True)
        super().__init__(words, self.order.inputs, self.order.outputs)

    def find(self, session):
        return script_at(executor_of(session.server), database(session), self.key)

    def value(self, session, words):
        script = self.find(session)
        function = script.function(self.name)
        arguments(function, self.order, self.order.inputs)  # whether there are as many
        return ServerHost(session.server, session.db), script, function

    def device(self, value):
        return value[1].options.queue

    def run(self, executor, value, tensors, done, deadline):
        return ScriptRun(*value, self.order, tensors, done, deadline)


COMMON = {b"AI.TENSORSET": Set, b"AI.TENSORGET": Get}
STEPS = COMMON | {b"AI.MODELEXECUTE": Model, b"AI.SCRIPTEXECUTE": Script}
OLD_STEPS = COMMON | {b"AI.MODELRUN": Model, b"AI.SCRIPTRUN": Script}
WITH_KEY = (STEPS | OLD_STEPS).keys() - COMMON.keys()  # of a model or a script, their second word


def read_step(session, words, kind):
    """Words -> Step, or CommandError."""
    name = words[0].upper() if words else b""
    make = (OLD_STEPS if kind.deprecated else STEPS).get(name)
    if make is not None:
        return make(session, words, kind)
    foreign = TOO_OLD if name in OLD_STEPS else TOO_NEW if name in STEPS else UNSUPPORTED
    raise CommandError(foreign.format(name.decode("latin-1")))


def step_keys(words):
    """The keys among the words of a step: tensors are none, their names live in the DAG."""
    return words[1:2] if words and words[0].upper() in WITH_KEY else []
