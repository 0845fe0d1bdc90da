"""A server in a thread of this process, on a free loopback port: for demos, examples and tests."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future

from .cli_errors import CliError

ATTEMPTS = 5  # another process may take the free port first


@contextlib.contextmanager
def embedded(**settings) -> Iterator[str]:
    """URL of a server that lives as long as the block. It keeps nothing unless ``dir`` is given;
    ``settings`` are those of ``respnet serve`` with ``_`` for ``-``."""
    server, thread = start(settings)
    try:
        yield f"redis://127.0.0.1:{server.config['port']}"
    finally:
        server.loop.call_soon_threadsafe(server.shutdown)
        thread.join()


def start(settings: dict):
    from respnet.redisproto.config import Config
    from respnet.redisproto.listening import ListenError

    for _ in range(ATTEMPTS):
        started: Future = Future()
        config = Config(bind="127.0.0.1", port=free_port(), **settings)
        thread = threading.Thread(
            target=live, args=(config, started), name="respnet-server", daemon=True
        )
        thread.start()
        try:
            return started.result(), thread
        except ListenError as problem:
            refusal = problem
    raise CliError(f"no free port on 127.0.0.1: {refusal}")


def live(config, started: Future) -> None:
    """The thread: start, tell, serve."""
    from respnet.redisproto.server import Server, start_loop

    async def main():
        server = Server(config)
        await server.start()
        started.set_result(server)
        await server.serve_forever()

    try:
        start_loop(main())
    except BaseException as problem:
        if started.done():
            raise
        started.set_exception(problem)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
