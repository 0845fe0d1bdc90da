"""What ends a command with one clear line instead of a traceback."""

import importlib


class CliError(Exception):
    """A failure to tell the user: the line is ``COMMAND: message``; ``code`` is the exit code."""

    def __init__(self, message: str, code: int = 1):
        super().__init__(message)
        self.code = code


def need(module: str, extra: str):
    """The module, or one line that says how to get it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise CliError(
            f'this needs the "{extra}" extra: pip install "respnet[{extra}]"'
        ) from None
