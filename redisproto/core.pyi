from typing import Any

class Row:
    command: Any
    fast: Any
    def __init__(self, command: Any) -> None: ...

class Core:
    """Base of ``Server``: what connections touch for every command."""

    config: Any
    table: Any
    keyspace: Any
    store: Any
    loop: Any
    clients: dict[int, Any]
    waiting: set[Any]
    monitors: list[Any]
    loading: bool
    write_error: str | None
    idle_timeout: float
    frame_timeout: float
    soft_seconds: float
    query_limit: int
    hard_limit: int
    soft_limit: int
    slow_usec: int
    def __init__(self, config: Any, table: Any, keyspace: Any, stats: Any) -> None: ...
    def use_store(self, store: Any) -> None: ...
    def check_gates(self) -> None: ...
    def shut(self, flags: int, on: bool) -> None: ...
    def effects_made(self) -> None: ...
    def end_of_turn(self) -> None: ...
    def on_committed(self) -> None: ...
    def next_id(self) -> int: ...
    @property
    def stats(self) -> Any: ...
