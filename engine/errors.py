"""Errors of the engine. Each message says what it got and what it wanted."""


class EngineError(Exception):
    """Base of all errors of the engine."""


class SpecError(EngineError, ValueError):
    """A model description that makes no sense."""


class ShapeError(EngineError, ValueError):
    """An array whose shape or dtype does not fit."""


class LimitError(EngineError, ValueError):
    """A size above a limit, refused before anything is allocated."""


class FileError(EngineError, ValueError):
    """A file that is no network, or one of another version."""
