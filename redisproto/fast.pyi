from typing import Any

HANDLERS: dict[bytes, Any]

def install(table: Any) -> None: ...
