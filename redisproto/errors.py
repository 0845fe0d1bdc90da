"""What a handler can answer besides a value: an error, nothing, or something later."""


class CommandError(Exception):
    """An error reply; ``text`` is the line after the ``-``, code word first ("ERR no such key")."""

    def __init__(self, text):
        super().__init__(text)
        self.text = text


class ProtocolError(Exception):
    """The bytes of a client are not a request; ``text`` as above. The connection ends."""

    def __init__(self, text):
        super().__init__(text)
        self.text = text


class NoReply:
    """Type of ``NO_REPLY``: the command answers nothing."""

    __slots__ = ()

    def __repr__(self):
        return "NO_REPLY"


NO_REPLY = NoReply()


class NullArray:
    """Type of ``NULL_ARRAY``: RESP2 ``*-1``, what EXEC answers after a WATCH failed; RESP3 null."""

    __slots__ = ()

    def __repr__(self):
        return "NULL_ARRAY"


NULL_ARRAY = NullArray()


class Verbatim:
    """A text for people: RESP3 verbatim string (``=``), RESP2 bulk string."""

    __slots__ = ("text", "format")

    def __init__(self, text, format=b"txt"):
        if len(format) != 3:
            raise ValueError(f"a verbatim format has three letters, got {format!r}")
        self.text, self.format = text, format


class Deferred:
    """A reply that comes later. Its client runs no further command until ``set`` is called.

    ``set`` belongs to the loop's thread. The client is looked up by id, so a result that comes
    after the client is gone is dropped. An instance of CommandError is an error reply.
    """

    __slots__ = ("_clients", "_id", "_value", "_is_set")
    bound = set()  # those whose client waits, or is gone

    def __init__(self):
        self._clients = self._id = self._value = None
        self._is_set = False

    def set(self, value):
        """Answer; only the first call counts."""
        if self._is_set:
            return
        self._value, self._is_set = value, True
        self.bound.discard(self)
        self._deliver()

    def bind(self, clients, client_id):
        """Connection: from now on the answer goes to ``clients[client_id]``."""
        self._clients, self._id = clients, client_id
        if self._is_set:
            self._deliver()
        else:
            self.bound.add(self)

    @classmethod
    def waiting(cls, clients):
        """How many of these clients wait for an answer."""
        return sum([one._clients is clients and one._id in clients for one in cls.bound])

    def _deliver(self):
        client = None if self._clients is None else self._clients.get(self._id)
        if client is not None:
            client.complete(self, self._value)
