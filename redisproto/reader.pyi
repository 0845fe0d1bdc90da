class Reader:
    """Requests out of bytes: ``feed`` bytes, ``gets`` commands; no socket."""

    trusted: bool
    long_from: int
    error: str | None
    def __init__(self, trusted: bool = True) -> None: ...
    def feed(self, data: bytes) -> None: ...
    def gets(self) -> list[bytes] | None:
        """The next command, None when bytes are missing; ProtocolError ends the stream."""
    @property
    def pending(self) -> int: ...
