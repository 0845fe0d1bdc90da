from typing import Any

class FastHandler:
    """A hot command over raw argument spans; only Cython subclasses can do anything."""

class Session:
    """One client, as handlers see it."""

    server: Any
    id: int
    db: int
    name: bytes
    user: bytes
    addr: str
    laddr: str
    lib_name: bytes
    lib_ver: bytes
    protocol: int
    authenticated: bool
    created: float
    last_used: float
    closing: bool
    multi: list[Any] | None
    multi_error: bool
    watched: Any
    monitor: bool
    def __init__(self, server: Any) -> None: ...
    def close(self) -> None: ...
    def execute_queued(self) -> list[Any]: ...
    def complete(self, deferred: Any, value: Any) -> None: ...

def public(error: Exception) -> Exception: ...
