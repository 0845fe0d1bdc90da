from collections.abc import Callable

class Callback:
    """A step that calls ``function(key, arrays) -> arrays``."""

    def __init__(self, function: Callable, shapes: list, reads: int,
                 judges: bool = False) -> None: ...
