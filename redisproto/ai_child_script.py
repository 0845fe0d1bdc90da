"""Scripts compiled and run by torch, in the child of backend TORCH (``--scripts torch``).

    script = ChildScript.of(source, seconds)
    result = script.run("add", [tensors, keys, args], host, limits)

A ChildScript stands where a Script of the engine stands. While a function runs, the script asks the
server (``redis.execute``, ``redisAI.model_execute``); the host that answers is the same for both,
so what a script reaches of the server is the same too.
"""

import logging
import time
from dataclasses import dataclass

from respnet.engine.script import Kind
from respnet.engine.script.script import Parameter

from .ai_backends import NOT_LOADED, RUNTIMES, refusal
from .ai_child import Held
from .child_wire import ANSWER, ASK, CALL, RESULT, SCRIPT
from .child_words import pack_words, unpack_words
from .errors import CommandError

log = logging.getLogger("respnet.ai")

TENSOR, TEXT = Kind("Tensor"), Kind("str")
KINDS = {"Tensor": TENSOR, "List[Tensor]": Kind("List", (TENSOR,)),
         "List[str]": Kind("List", (TEXT,))}
ENTRY = ("List[Tensor]", "List[str]", "List[str]")


@dataclass(frozen=True)
class ChildFunction:
    """A function as torch describes it; parameters: (name, type, whether it may be left out)."""

    name: str
    described: tuple

    @property
    def parameters(self):
        return [Parameter(name, KINDS.get(kind, Kind(kind)), optional=optional)
                for name, kind, optional in self.described]

    def is_entry_point(self):
        return tuple([kind for _, kind, _ in self.described]) == ENTRY


class ChildScript:
    """functions: by name; described: the same as plain data, for the store."""

    def __init__(self, source, described=None):
        self.source, self.nbytes, self.held = source, len(source), None
        if described is not None:
            self.describe(described)

    @classmethod
    def of(cls, source, seconds):
        """Compile a text now. CommandError."""
        script = cls(source)
        runtime = script.runtime()
        with runtime.alone():
            frame = script.held.enter(seconds)
            try:
                script.describe(unpack_words(frame))
            except (TypeError, ValueError) as error:
                raise runtime.lost(error, seconds) from None
        return script

    def describe(self, described):
        """ValueError or TypeError unless it is what ``child_torch_script`` tells."""
        self.described, self.functions = described, {}
        for name, parameters in described:
            found = tuple([(str(one), str(kind), bool(optional))
                           for one, kind, optional in parameters])
            self.functions[name] = ChildFunction(str(name), found)

    def runtime(self):
        """The Runtime of torch. CommandError if it is not switched on."""
        if "TORCH" not in RUNTIMES:
            log.warning('a script of torch: --backends torch lets torch run it (pip install '
                        '"respnet[torch]")')
            raise CommandError(NOT_LOADED)
        if self.held is None:
            self.held = Held(RUNTIMES["TORCH"], SCRIPT, *pack_words(self.source))
        return RUNTIMES["TORCH"]

    def run(self, function, arguments, host, limits):
        """As a Script of the engine does it; host: answers what the script asks."""
        runtime, frame = self.runtime(), pack_words([function, arguments])
        with runtime.alone():
            self.held.enter(limits.seconds)
            frame = Talk(runtime, self.held.number, limits.seconds).call(frame, host)
        return unpack_words(frame)


class Talk:
    """One call of a function: all of it has ``seconds``."""

    def __init__(self, runtime, number, seconds):
        self.runtime, self.number, self.seconds = runtime, number, seconds
        self.until = time.monotonic() + seconds

    def call(self, frame, host):
        """The frame with the result."""
        answer = self.say(CALL, frame)
        while answer.kind == ASK:
            answer = self.say(ANSWER, answered(host, answer))
        return answer

    def say(self, kind, frame):
        return self.runtime.ask(kind, (RESULT, ASK), self.number, *frame, self.seconds, self.until)


def answered(host, frame):
    """(body, parts) of the answer to what a script asks."""
    try:
        return pack_words([True, result_of(host, unpack_words(frame))])
    except Exception as error:
        return pack_words([False, refusal(error).text.removeprefix("ERR ")])


def result_of(host, question):
    match question:
        case ["execute", [*words]] if all(isinstance(word, str) for word in words):
            return host.execute(words)
        case ["model_execute", str(key), [*inputs], int(outputs)]:
            return host.model_execute(key, inputs, outputs)
    raise CommandError("ERR a script asked for what there is not")
