"""The value behind a key of type AI_SCRIPT, and its functions as runs of a queue.

A script never changes: another SCRIPTSTORE puts a new one, runs that began hold the old one. What
is kept is the source. It is compiled when it is stored and when the store is read, by
``respnet.engine.script``: nothing of it is handed to Python to run. One that torch compiled
(``ai_child_script``) stays with torch; of it the functions are kept too.

    ScriptRun(host, script, function, order, tensors, done, deadline)
"""

import json
import logging
from dataclasses import asdict, dataclass

import numpy as np

from respnet.engine.errors import EngineError
from respnet.engine.script import Kind, Limits, Script

from .ai_child_script import ChildScript
from .ai_model import raw
from .ai_queue import TIMED_OUT, Run
from .ai_stats import RunStats
from .ai_tensor import TensorValue
from .errors import CommandError
from .values import WRONG_TYPE, Value, split

log = logging.getLogger("respnet.ai")

FORMAT = 1
NO_SCRIPT = "ERR script key is empty"
NO_FUNCTION = "ERR Function {} does not exist in the given script."
SIGNATURE = "def {}(tensors: List[Tensor], keys: List[str], args: List[str])"
TOO_LARGE = "ERR the results of a script take more than 256 MiB, and more than its inputs"
OBJECT_BYTES = 2000  # of a script besides its source
TENSOR, TENSORS = Kind("Tensor"), Kind("List", (Kind("Tensor"),))
TEXTS = Kind("List", (Kind("str"),))


@dataclass(frozen=True)
class ScriptOptions:
    """What SCRIPTSTORE was told; the device as it was typed."""

    device: str
    tag: str = ""
    entry_points: tuple = ()

    @property
    def queue(self):
        return self.device.upper()


class ScriptValue(Value):
    """options: ScriptOptions; source: str; compiled: a Script, or None if it no longer compiles."""

    __slots__ = ("options", "source", "compiled", "stats")

    kind = 12
    type_name = "AI_SCRIPT"
    hooked = True

    def __init__(self, options, source, compiled):
        self.id = self.generation = 0
        self.options, self.source, self.compiled, self.stats = options, source, compiled, None

    @classmethod
    def build(cls, options, source, compile_script=Script.of):
        """A script of bytes from outside; CommandError if it or an entry point is refused.
        compile_script: text -> Script or ChildScript."""
        try:
            text = source.decode()
            compiled = compile_script(text)
        except UnicodeDecodeError:
            raise CommandError("ERR the source of a script is text in UTF-8") from None
        except EngineError as error:
            raise CommandError(f"ERR {error}") from None
        for name in options.entry_points:
            check_entry_point(compiled, name)
        return cls(options, text, compiled)

    def function(self, name):
        """A function of the script, or CommandError."""
        if self.compiled is None:
            raise CommandError("ERR this version cannot compile the script; store it again")
        if name not in self.compiled.functions:
            raise CommandError(NO_FUNCTION.format(name[:128]))
        return self.compiled.functions[name]

    # -- a value of the keyspace

    def memory_usage(self):
        compiled = 0 if self.compiled is None else self.compiled.nbytes
        return OBJECT_BYTES + len(self.source) + compiled

    def dump(self):
        described = {"format": FORMAT, "options": asdict(self.options), "source": self.source}
        if isinstance(self.compiled, ChildScript):
            described["functions"] = self.compiled.described
        return b"", split(json.dumps(described).encode())

    @classmethod
    def load(cls, head, parts):
        try:
            described = json.loads(b"".join(parts))
            if described["format"] != FORMAT:
                raise ValueError(f"scripts of format {described['format']!r} are unknown")
            options = described["options"]
            options = ScriptOptions(options["device"], options["tag"],
                                    tuple(options["entry_points"]))
            return cls(options, described["source"], compile_again(described))
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"a stored script cannot be read: {error!r}") from None

    def count_runs(self, book, place):
        """The figures of AI.INFO, begun now at ``place`` (db, key) if there are none."""
        if self.stats is None:
            self.stats = RunStats(book, place, "SCRIPT", "TORCH", self.options.device,
                                  raw(self.options.tag))
        return self.stats

    def on_removed(self):
        if self.stats is not None:
            self.stats.drop()


def compile_again(described):
    """A Script, or a ChildScript that is compiled by its first run; None, and a line in the log, if
    this version refuses what another took."""
    if "functions" in described:
        return ChildScript(described["source"], described["functions"])
    try:
        return Script.of(described["source"])
    except EngineError as error:
        log.error("a stored script cannot be compiled: %s", error)
        return None


def check_entry_point(compiled, name):
    """CommandError unless a function takes what SCRIPTEXECUTE gives."""
    if name not in compiled.functions:
        raise CommandError(NO_FUNCTION.format(name[:128]))
    function = compiled.functions[name]
    count = len(function.parameters)
    if count != 3:
        raise CommandError(f"ERR Wrong number of inputs in function {name[:128]}. Expected 3 but "
                           f"was {count}")
    if not function.is_entry_point():
        raise CommandError(f"ERR Wrong inputs type in function {name[:128]}. Expected signature "
                           "similar to: " + SIGNATURE.format(name[:128]))


def script_at(executor, db, key):
    """The ScriptValue of a key of a Database, or CommandError. Its runs are counted from now on."""
    value = db.get(key)
    if not isinstance(value, ScriptValue):
        raise CommandError(NO_SCRIPT if value is None else WRONG_TYPE)
    if value.stats is None:
        value.count_runs(executor.stats, (db.index, key))
    return value


# -- running


def arguments(function, order, tensors):
    """TensorValues and words -> the arguments of a function (order: ``ai_script_orders``).

    An entry point gets three lists; any other function its parameters by position: a tensor each,
    and the rest, or what stands behind ``$``, as one list.
    """
    if function.is_entry_point():
        return [tensors, order.keys, order.args]
    found, left = [], list(tensors)
    for one in function.parameters:
        if one.kind == TENSOR and left and (order.split is None or len(found) < order.split):
            found.append(left.pop(0))
        elif one.kind == TENSORS:
            found.append(left)
            left = []
        elif one.kind == TEXTS:
            found.append(order.args)
        elif not one.optional:
            raise wrong_count_of_inputs(function, tensors)
    if left:
        raise wrong_count_of_inputs(function, tensors)
    return found


def wrong_count_of_inputs(function, tensors):
    return CommandError(f"ERR the {len(tensors)} INPUTS do not fit the parameters of function "
                        f"{function.name[:128]}")


class ScriptRun(Run):
    """A function of a script on TensorValues; CommandError if they do not fit.

    order: ``ai_script_orders.ScriptOrder``. ``done(result, seconds)`` gets as many TensorValues as
    the order has outputs, a CommandError or TIMED_OUT, on the loop; the statistics are charged
    before.
    """

    def __init__(self, host, script, function, order, tensors, done, deadline=None):
        super().__init__(script.options.queue, deadline)
        self.host, self.script, self.function, self.then = host, script, function, done
        self.arguments, self.tensors = arguments(function, order, tensors), tensors
        self.count = len(order.outputs)

    def work(self):
        given, limits = [prepared(one) for one in self.arguments], Limits(seconds=self.host.seconds)
        result = self.script.compiled.run(self.function.name, given, self.host, limits)
        given_bytes = sum([len(tensor.data) for tensor in self.tensors])
        return tensors_of(result, self.count, max(limits.bytes, given_bytes))

    def done(self, result, seconds):
        if result is not TIMED_OUT and self.script.stats is not None:
            if isinstance(result, CommandError):
                self.script.stats.failed()
            else:
                self.script.stats.succeeded(seconds)
        self.then(result, seconds)


def prepared(argument):
    """What a script works on: arrays for tensors."""
    if isinstance(argument, TensorValue):
        return argument.array()
    return [prepared(one) for one in argument] if isinstance(argument, list) else argument


def tensors_of(result, count, most):
    """The result of a function -> ``count`` TensorValues of at most ``most`` bytes together; if
    none is wanted it is dropped."""
    if not count:
        return []
    found = list(result) if isinstance(result, (list, tuple)) else [result]
    if len(found) != count:
        raise CommandError(f"ERR the function returned {len(found)} tensors, OUTPUTS names {count}")
    for one in found:
        if not isinstance(one, np.ndarray):
            raise CommandError("ERR a function returns a Tensor or several, in a List or Tuple")
    made = []
    for one in found:  # a view may be larger than what it looks at, one array may be there often
        if one.nbytes > most:
            raise CommandError(TOO_LARGE)
        made.append(TensorValue.of(one))
        most -= max(one.nbytes, len(made[-1].data))
    if most < 0:
        raise CommandError(TOO_LARGE)
    return made
