"""What ends a command with one clear line instead of a traceback."""


class CliError(Exception):
    """A failure to tell the user: the line is ``COMMAND: message``; ``code`` is the exit code."""

    def __init__(self, message: str, code: int = 1):
        super().__init__(message)
        self.code = code
