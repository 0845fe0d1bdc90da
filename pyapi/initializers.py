"""Initializers by the names and defaults of Keras; the numbers are drawn by the engine.

Objects, names in either style ("glorot_uniform", "GlorotUniform") and descriptions are taken
wherever a layer wants one.
"""

import re

from respnet.engine import initializers as engine

from .arguments import Configured, unknown


class Initializer(Configured):
    """Base: ``kind`` is the engine's name, the arguments but ``seed`` go with it."""

    kind = ""

    def describe(self):
        """What the engine draws from: a name, or a name with arguments."""
        options = {n: v for n, v in self.get_config().items() if n != "seed"}
        return {"name": self.kind, **options} if options else self.kind


def _class(name: str, kind: str, **arguments) -> type[Initializer]:
    made = type(name, (Initializer,), {"kind": kind, "arguments": arguments})
    made.__module__, made.__doc__ = __name__, f"The initializer {kind}."
    return made


Zeros = _class("Zeros", "zeros")
Ones = _class("Ones", "ones")
Constant = _class("Constant", "constant", value=0.0)
Identity = _class("Identity", "identity", gain=1.0)
RandomUniform = _class("RandomUniform", "random_uniform", minval=-0.05, maxval=0.05, seed=None)
RandomNormal = _class("RandomNormal", "random_normal", mean=0.0, stddev=0.05, seed=None)
TruncatedNormal = _class("TruncatedNormal", "truncated_normal", mean=0.0, stddev=0.05, seed=None)
Orthogonal = _class("Orthogonal", "orthogonal", gain=1.0, seed=None)
VarianceScaling = _class(
    "VarianceScaling",
    "variance_scaling",
    scale=1.0,
    mode="fan_in",
    distribution="truncated_normal",
    seed=None,
)
GlorotUniform = _class("GlorotUniform", "glorot_uniform", seed=None)
GlorotNormal = _class("GlorotNormal", "glorot_normal", seed=None)
HeUniform = _class("HeUniform", "he_uniform", seed=None)
HeNormal = _class("HeNormal", "he_normal", seed=None)
LecunUniform = _class("LecunUniform", "lecun_uniform", seed=None)
LecunNormal = _class("LecunNormal", "lecun_normal", seed=None)

# Keras 1 and 2 also had these names
_OLD = {"zero": "zeros", "one": "ones", "uniform": "random_uniform", "normal": "random_normal"}


def describe(value):
    """The engine's description of an initializer object, name or description."""
    if isinstance(value, Initializer):
        return value.describe()
    if isinstance(value, dict):
        name = value.get("name", value.get("class"))
        rest = {k: v for k, v in value.items() if k not in ("name", "class", "seed")}
        return {"name": describe(name), **rest} if rest else describe(name)
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(value)).lower()
    name = _OLD.get(name, name)
    if name not in (*engine.NAMES, "auto"):
        raise ValueError(unknown("initializer", value, engine.NAMES))
    return name


def get(identifier) -> Initializer:
    """The initializer object of a name, description or object."""
    if isinstance(identifier, Initializer):
        return identifier
    described = describe(identifier)
    options = described if isinstance(described, dict) else {"name": described}
    made = {c.kind: c for c in Initializer.__subclasses__()}[options["name"]]
    return made(**{k: v for k, v in options.items() if k != "name"})


__all__ = ["Initializer", "describe", "get", *(c.__name__ for c in Initializer.__subclasses__())]
