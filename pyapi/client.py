"""``respnet.connect``: networks that live in a server, with the methods of ``respnet.Network``;
tensors and models of it.

A thin layer over redis-py: what the server refuses arrives as ``redis.exceptions.ResponseError``
with the server's own words; ``Client.redis`` is the connection itself, for everything else.
"""

from collections.abc import Iterator

from .extras import need
from .remote import RemoteNetwork
from .remote_dag import RemoteDag
from .remote_models import Models


def connect(url: str = "redis://127.0.0.1:6390", **options) -> "Client":
    """Open a server. ``url`` is redis://[[user]:password@]host:port[/db], rediss:// or unix://;
    ``options`` go to ``redis.Redis.from_url``."""
    return Client(need("redis", "client").Redis.from_url(url, **options))


class Client(Models):
    """A server: makes networks and finds those that are there; keeps tensors and runs models."""

    def __init__(self, redis):
        self.redis = redis
        self._outputs: dict[str, int] = {}  # of models, by key

    def create(
        self,
        key: str,
        *units: int | str | tuple[int, int],
        role: str,
        train_rows: int = 0,
        test_rows: int = 0,
        normalize: bool = False,
        seed: int | None = None,
        hidden: str = "tanh",
    ) -> RemoteNetwork:
        """Make the network ``key``: inputs, hidden layers, outputs, as ``create("k", 9, 15, 2)`` or
        ``create("k", (30, 4), "LSTM:50", 2)``.

        The settings are those of ``respnet.Network``.
        """
        first, *most, last = units
        most = ["x".join(map(str, first)) if isinstance(first, (tuple, list)) else first, *most]
        words = [role.upper(), *most, "->", last]
        words += ["NORMALIZE"] if normalize else []
        words += ["DATASET", train_rows, "TEST", test_rows]
        self.redis.execute_command("NR.CREATE", key, *words)
        net = self.network(key)
        settings = {} if seed is None else {"seed": seed}
        settings |= {} if hidden == "tanh" else {"hidden": hidden}
        if settings:
            net.configure(**settings)
        return net

    def network(self, key: str) -> RemoteNetwork:
        """The network ``key`` that is there already."""
        return RemoteNetwork(self.redis, key)

    def networks(self) -> Iterator[str]:
        """Keys of all networks of this database, in no order."""
        for key in self.redis.scan_iter(_type="neural-NN"):
            yield key.decode() if isinstance(key, bytes) else key

    def dag(self, *, load=(), persist=(), timeout: int = 0) -> RemoteDag:
        """Several steps in one round trip, on tensors of their own.

        load: keys of tensors that the steps may name; persist: names that are kept under their
        keys, all of them or none; timeout: milliseconds a step may wait for its turn; 0: for ever.
        """
        return RemoteDag(self.redis, load, persist, timeout)

    def close(self) -> None:
        self.redis.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
