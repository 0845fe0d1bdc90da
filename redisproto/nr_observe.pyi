from typing import Any

class Observe:
    """Fast handler of NR.OBSERVE."""

def replay(split: Any, payload: bytes) -> None:
    """Put the rows of a frame into their places; ValueError if it does not fit."""
