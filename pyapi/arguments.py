"""Signatures kept as tables: name -> default, in the order of Keras.

A class with a table says which arguments it takes, in one place: for the call, for ``help()``, for
saving and for the error that names what was probably meant.
"""

import inspect
from collections.abc import Mapping

from respnet.engine.errors import unknown

REQUIRED = inspect.Parameter.empty


def bind(owner: str, table: Mapping, values, options: Mapping) -> dict:
    """Positional ``values`` and keyword ``options`` over the defaults of ``table``."""
    if len(values) > len(table):
        raise TypeError(f"{owner} takes at most {len(table)} positional values, got {len(values)}")
    given = dict(zip(table, values, strict=False))
    for name, value in options.items():
        if name not in table:
            raise TypeError(f"{owner}: {unknown('argument', name, table)}")
        if name in given:
            raise TypeError(f"{owner} got two values for {name}")
        given[name] = value
    missing = [n for n, default in table.items() if default is REQUIRED and n not in given]
    if missing:
        raise TypeError(f"{owner} needs {missing[0]}")
    return {**table, **given}


def signature(table: Mapping) -> inspect.Signature:
    """What ``help()`` shows of a table."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature(
        [inspect.Parameter(name, kind, default=default) for name, default in table.items()]
    )


def signed(table: Mapping, *first: str):
    """Decorator: show ``table`` as the signature of a function that ends in *values, **options."""

    def decorate(function):
        shown = {**dict.fromkeys(first, REQUIRED), **table}
        function.__signature__ = signature(shown)
        return function

    return decorate


class Configured:
    """Base of what is described by arguments; they become attributes.

    Subclasses set ``arguments``; the tables of their bases are not looked at.
    """

    arguments: Mapping = {}

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if "arguments" in cls.__dict__:
            cls.__signature__ = signature(cls.arguments)

    def __init__(self, *values, **options):
        self.__dict__.update(bind(type(self).__name__, self.arguments, values, options))

    def get_config(self) -> dict:
        """The arguments, as plain data; ``type(self)(**config)`` makes an equal one."""
        return {name: plain(getattr(self, name)) for name in self.arguments}

    @classmethod
    def from_config(cls, config: Mapping):
        return cls(**config)

    def __repr__(self) -> str:
        given = [
            f"{name}={getattr(self, name)!r}"
            for name, default in self.arguments.items()
            if getattr(self, name) is not default
        ]
        return f"{type(self).__name__}({', '.join(given)})"


def plain(value):
    """Configured objects as {"class": ..., arguments}; the rest as it is."""
    if isinstance(value, Configured):
        return {"class": type(value).__name__, **value.get_config()}
    return value


def find(what: str, value, table: Mapping, base: type):
    """``value`` itself, or a new one of the class ``table`` has under its name or description."""
    if isinstance(value, base):
        return value
    options = {}
    if isinstance(value, Mapping):
        options = {k: v for k, v in value.items() if k not in ("class", "name")}
        value = value.get("class", value.get("name"))
    if isinstance(value, type) and issubclass(value, base):
        return value(**options)
    named = {name.lower(): made for name, made in table.items()}
    key = str(value).lower()
    if key not in named:
        raise ValueError(unknown(what, value, table))
    return named[key](**options)
