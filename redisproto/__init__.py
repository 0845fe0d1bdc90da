"""The server: Redis protocol, keyspace, commands, durable store (see docs/architecture.md)."""

if __name__ != "respnet.redisproto":
    raise ImportError(
        "this folder is the package respnet.redisproto; run: import respnet.redisproto"
    )
