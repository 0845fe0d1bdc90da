"""Errors of the engine. Each message says what it got and what it wanted."""

import difflib
from collections.abc import Iterable


class EngineError(Exception):
    """Base of all errors of the engine."""


class SpecError(EngineError, ValueError):
    """A model description that makes no sense."""


class ShapeError(EngineError, ValueError):
    """An array whose shape or dtype does not fit."""


class LimitError(EngineError, ValueError):
    """A size above a limit, refused before anything is allocated."""


class TimeError(LimitError):
    """A run that took longer than it may."""


class FileError(EngineError, ValueError):
    """A file that is no network, or one of another version."""


class DtypeError(EngineError, TypeError):
    """An array whose numbers are of a type that does not fit."""


class GradientError(EngineError, ValueError):
    """A gradient that was asked for and does not exist."""


class ScriptError(EngineError, ValueError):
    """A script that is refused or that failed; begins with the line and column."""


def unknown(what: str, got, known: Iterable[str]) -> str:
    """The message about a name nobody knows, with the near ones."""
    known = sorted(known)
    near = difflib.get_close_matches(str(got), known, 3, 0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(known)}"
    return f"unknown {what} {got!r}; {hint}"
