"""What a key can hold: the registry of kinds, and strings.

A kind is a subclass of ``Value`` with a number of its own; the store writes the number and finds
the class by it. ``head`` is small (at most 64 KiB), ``parts`` are at most 1 MiB each.
"""

from .errors import CommandError
from .numbers import parse_integer

HEAD_BYTES = 64 * 1024
PART_BYTES = 1024 * 1024
WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"

KINDS = {}  # kind -> class


class Value:
    """Base of everything a key holds. ``id`` is the keyspace's to set."""

    __slots__ = ("id", "generation")

    kind = 0  # registered number, part of the file format
    type_name = "none"  # what TYPE answers
    encoding = "raw"  # what OBJECT ENCODING answers
    copyable = False
    hooked = False  # whether on_removed and on_moved want to be called

    def __init_subclass__(cls, **named):
        super().__init_subclass__(**named)
        if cls.kind and KINDS.setdefault(cls.kind, cls) is not cls:
            raise TypeError(f"{cls.__name__}: kind {cls.kind} is {KINDS[cls.kind].__name__}'s")

    def __init__(self):
        self.id = self.generation = 0

    def memory_usage(self):
        """Bytes, all buffers included."""
        raise NotImplementedError

    def dump(self):
        """(head, parts): bytes, and a list of bytes or views of at most 1 MiB."""
        raise NotImplementedError

    @classmethod
    def load(cls, head, parts):
        raise NotImplementedError

    def apply(self, frame_type, payload):
        """Redo a logged effect."""
        raise ValueError(f"{self.type_name} has no logged effects, got type {frame_type}")

    def copy(self):
        raise CommandError("ERR not supported for this module key")

    def on_removed(self):
        """The key was deleted, overwritten, flushed or has expired."""

    def on_moved(self, db, key):
        """The key is now ``key`` in database ``db``."""


def load(kind, head, parts):
    """The value of a stored row; ValueError for a kind nobody registered."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind of value {kind}; known: {sorted(KINDS)}")
    return KINDS[kind].load(head, parts)


def split(data):
    """Bytes -> views of at most 1 MiB each: nothing is copied."""
    view = memoryview(data)
    return [view[at : at + PART_BYTES] for at in range(0, len(data), PART_BYTES)]


class StringValue(Value):
    """Immutable bytes; APPEND and INCR put a new one in its place."""

    __slots__ = ("data",)

    kind = 1
    type_name = "string"
    copyable = True

    def __init__(self, data):
        self.id = self.generation = 0
        self.data = data

    @property
    def encoding(self):
        if self.is_integer():
            return "int"
        return "embstr" if len(self.data) <= 44 else "raw"

    def is_integer(self):
        try:
            parse_integer(self.data)
        except CommandError:
            return False
        return True

    def memory_usage(self):
        return 96 + len(self.data)  # object with four slots, bytes header

    def dump(self):
        if len(self.data) <= HEAD_BYTES:
            return self.data, []
        return b"", split(self.data)

    @classmethod
    def load(cls, head, parts):
        return cls(b"".join(parts) if parts else head)

    def copy(self):
        return StringValue(self.data)
