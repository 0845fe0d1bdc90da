"""Scripts in TorchScript, compiled and run by torch.

What a name of a script means is looked up in ``NAMES`` and nowhere else: torch's operators, types
and numbers, some functions of torch.nn.functional, and what it may ask the server. No object of
Python can be reached. What reads or writes files is left out, and fails besides: see ``child``.
"""

import math
import types

import numpy as np
import torch
from torch.jit import _builtins

from .errors import CommandError

MOST_WORDS = 32  # of a command of redis.execute
FUNCTIONAL = """
    adaptive_avg_pool2d batch_norm celu cross_entropy dropout elu embedding glu group_norm
    hardsigmoid hardswish hardtanh layer_norm leaky_relu log_softmax lp_pool2d
    max_pool2d_with_indices mish mse_loss nll_loss normalize pad relu relu6 selu sigmoid silu
    softmax softmin softsign tanh tanhshrink threshold""".split()
LEFT_OUT = frozenset("""
    from_file get_file_path get_num_interop_threads get_num_threads init_num_threads
    is_warn_always_enabled load save set_num_interop_threads set_num_threads
    set_warn_always""".split())
PLAIN = (str, int, float, bool)
SHOWN = 5  # lines of what torch says that are looked at


class Names(types.ModuleType):
    """What torch takes for a module: its attributes are ``known``, and no others."""

    def __init__(self, name, known):
        super().__init__(name)
        object.__setattr__(self, "known", known)

    def __getattribute__(self, name):
        known = object.__getattribute__(self, "known")
        if name in known:
            return known[name]
        if name == "__name__":  # torch looks at it
            return "a module"
        raise AttributeError(name)


def operators(module):
    """The operators of torch among the attributes of a module of Python."""
    found = {}
    for name in set(dir(module)) - LEFT_OUT:
        value = getattr(module, name)
        kind = _builtins._find_builtin(value) if callable(value) else None
        if kind and kind.startswith("aten::") and not name.startswith("_"):
            found[name] = value
    return found


def torch_names():
    compiled = {name: torch.jit.script(getattr(torch.nn.functional, name)) for name in FUNCTIONAL}
    functional = Names("functional", operators(torch.nn.functional) | compiled)
    kinds = {name: value for name, value in vars(torch).items() if isinstance(value, torch.dtype)}
    return operators(torch) | kinds | {
        "inf": math.inf, "nan": math.nan, "pi": math.pi,
        "nn": Names("nn", {"functional": functional}),
        "jit": Names("jit", {"annotate": torch.jit.annotate})}


# -- what a script asks the server


class Asking:
    """The script that runs now: ``ask`` is its way to the server, ``problem`` what went wrong."""

    ask = problem = None


def asked(*question):
    if Asking.ask is None:
        raise CommandError("ERR only a script can ask the server")
    return Asking.ask(question)


def told(function):
    """The function, which notes its errors: torch wraps them in words about places in its code."""

    def call(*arguments):
        try:
            return function(*arguments)
        except CommandError as error:
            Asking.problem = error
            raise

    return call


def execute(*words):
    flat = [one for word in words for one in as_list(word)]
    if not isinstance(words[0], str) or any(type(one) not in PLAIN for one in flat):
        raise CommandError("ERR redis.execute wants words: str, int, float, List[str]")
    return for_torch(asked("execute", list(map(str, flat))))


def as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def model_execute(key, inputs, outputs):
    arrays = [one.numpy() for one in inputs]
    return [torch.from_numpy(one.copy()) for one in asked("model_execute", key, arrays, outputs)]


def for_torch(value):
    """torch knows the type of a list by its elements, and these must be of one type; a tuple may
    hold any."""
    return tuple(map(for_torch, value)) if isinstance(value, list) else to_torch(value)


def defined(namespace, schemas):
    """An operator of torch for each schema, which is never optimised away."""
    library = torch.library.Library(namespace, "DEF")
    for schema, function in schemas:
        name = library.define(schema, alias_analysis="CONSERVATIVE")
        library.impl(schema.partition("(")[0], told(function),
                     "CompositeExplicitAutograd")
    return library, name


def words(count):
    return ", ".join(f"Any word{i}" for i in range(count))


LIBRARIES = [
    defined("redis", [("asList(Any x) -> Any[]", as_list),
                      *((f"execute.words{n}({words(n)}) -> Any", execute)
                        for n in range(1, MOST_WORDS + 1))]),
    defined("redisAI", [("model_execute(str key, Tensor[] inputs, int outputs) -> Tensor[]",
                         model_execute)])]
NAMES = {
    "torch": Names("torch", torch_names()),
    "redis": Names("redis", {"execute": torch.ops.redis.execute, "asList": torch.ops.redis.asList}),
    "redisAI": Names("redisAI", {"model_execute": torch.ops.redisAI.model_execute})}


# -- scripts


class Script:
    """functions: name -> its parameters as (name, type, whether it may be left out), in a list."""

    def __init__(self, source):
        self.unit = torch._C.CompilationUnit()
        try:
            self.unit.define(source + "\n", NAMES.get)
        except RuntimeError as error:
            raise CommandError(f"ERR {first_lines(error)}") from None
        self.functions = [[one.name, [[given.name, given.type.annotation_str,
                                       given.has_default_value()]
                                      for given in one.schema.arguments]]
                          for one in self.unit.get_functions()]
        if not self.functions:
            raise CommandError("ERR a script has at least one function")

    def run(self, name, arguments, ask):
        """The result as arrays, numbers, str and lists; None in place of anything else."""
        function = self.unit.find_function(name)
        Asking.ask, Asking.problem = ask, None
        try:
            with torch.inference_mode():
                result = function(*map(to_torch, arguments))
                return from_torch(result)
        except Exception:
            if Asking.problem is not None:
                raise Asking.problem from None
            raise
        finally:
            Asking.ask = None


def to_torch(value):
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    if isinstance(value, str):
        check_text(value)
    return [to_torch(one) for one in value] if isinstance(value, list) else value


def check_text(word):
    try:
        word.encode()
    except UnicodeEncodeError:
        raise CommandError("ERR torch takes words in UTF-8 only") from None


def from_torch(value):
    if isinstance(value, torch.Tensor):
        return value.numpy()
    if isinstance(value, (list, tuple)):
        return [from_torch(one) for one in value]
    return value if isinstance(value, (bool, int, float, str)) else None


def first_lines(error):
    """What torch says is wrong with a text, and in which line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    place = next((line.partition(", ")[2] for line in lines if line.startswith("File ")), "")
    told = next((line for line in lines[:SHOWN] if not line.startswith("File ")), "")
    told = told.removesuffix(":").removesuffix("here").strip()
    return f"{place}: {told}" if place else told
