"""Hashes, lists and sets of bytes.

A change is an effect: a number that stands for a method, and words. It is logged as a frame, which
is short; when the frames outgrow the value it is stored anew. A dump is a format byte and all
words, each with its length (u32) before it; a frame is packed the same way.
"""

import struct
from collections import deque
from itertools import chain, islice

from .values import HEAD_BYTES, StringValue, Value, split

FORMAT = b"\1"
LENGTH = struct.Struct("<I")
LOGGED = 4096  # bytes of frames a small value may have
LARGEST_FRAME = 1 << 20
SMALL_WORD = 64  # bytes; what OBJECT ENCODING of Redis 7.0 depends on
SMALL_COLLECTION = 512

FIRST, SECOND, THIRD, FOURTH = 1, 2, 3, 4  # numbers of effects


def pack(words):
    return b"".join([part for word in words for part in (LENGTH.pack(len(word)), word)])


def unpack(data):
    """The words of ``pack``; ValueError if they are cut off."""
    words, at = [], 0
    while at < len(data):
        if at + LENGTH.size > len(data):
            raise ValueError(f"words are cut off at byte {at} of {len(data)}")
        start = at + LENGTH.size
        at = start + LENGTH.unpack_from(data, at)[0]
        words.append(data[start:at])
    if at != len(data):
        raise ValueError(f"words are cut off: {len(data)} bytes, wanted {at}")
    return words


class Collection(Value):
    """``items`` is the container itself: read it, but change it by ``record`` only.

    OBJECT_BYTES: what one takes besides its items; ITEM_BYTES: an item besides its own bytes. Both
    were measured.
    """

    __slots__ = ("items", "size", "logged")

    copyable = True
    effects = {}  # number -> name of the method

    def __init__(self, words=()):
        self.id = self.generation = 0
        self.items = self.container()
        self.size = self.logged = 0  # bytes of the items; bytes of frames since the last dump
        self.fill(list(words))

    def fill(self, words):
        getattr(self, self.effects[FIRST])(words)

    def words(self):
        return self.items

    def __len__(self):
        return len(self.items)

    def memory_usage(self):
        return self.OBJECT_BYTES + self.size

    def dump(self):
        self.logged = 0
        data = FORMAT + pack(self.words())
        return (data, []) if len(data) <= HEAD_BYTES else (b"", split(data))

    @classmethod
    def load(cls, head, parts):
        data = head + b"".join(parts)
        if data[:1] != FORMAT:
            raise ValueError(f"a {cls.type_name} of format {data[:1].hex()} is unknown")
        return cls(unpack(data[1:]))

    def apply(self, frame_type, payload):
        if frame_type not in self.effects:
            raise ValueError(f"a {self.type_name} has no effects of type {frame_type}")
        getattr(self, self.effects[frame_type])(unpack(payload))
        self.logged += len(payload)

    def copy(self):
        return type(self)(self.words())

    def is_small(self):
        return len(self) <= SMALL_COLLECTION and all(len(w) <= SMALL_WORD for w in self.words())


def record(db, key, value, effect, words):
    """Change a collection and tell the store; an empty one is deleted."""
    getattr(value, value.effects[effect])(words)
    if not value.items:
        db.delete(key)
        return
    frame = pack(words)
    logged = value.logged + len(frame)
    if not value.id or logged > max(LOGGED, value.size) or len(frame) > LARGEST_FRAME:
        db.replace(key, value)
    else:
        value.logged = logged
        db.log(key, effect, frame)


class HashValue(Collection):
    __slots__ = ()

    kind = 20
    type_name = "hash"
    container = dict
    SET, REMOVE = FIRST, SECOND
    effects = {SET: "put", REMOVE: "remove"}
    OBJECT_BYTES, ITEM_BYTES = 290, 124

    @property
    def encoding(self):
        return "listpack" if self.is_small() else "hashtable"

    def words(self):
        return chain.from_iterable(self.items.items())

    def put(self, words):
        """words: field, value, field, value ..."""
        if len(words) % 2:
            raise ValueError(f"a hash has pairs of words, got {len(words)}")
        for field, value in zip(words[::2], words[1::2], strict=True):
            old = self.items.get(field)
            if old is None:
                self.size += self.ITEM_BYTES + len(field) + len(value)
            else:
                self.size += len(value) - len(old)
            self.items[field] = value

    def remove(self, fields):
        for field in fields:
            self.size -= self.ITEM_BYTES + len(field) + len(self.items.pop(field))


class SetValue(Collection):
    """A dict of words to None: it keeps their order, so a copy answers as the original does."""

    __slots__ = ()

    kind = 22
    type_name = "set"
    container = dict
    ADD, REMOVE = FIRST, SECOND
    effects = {ADD: "add", REMOVE: "remove"}
    OBJECT_BYTES, ITEM_BYTES = 290, 82

    @property
    def encoding(self):
        small = len(self) <= SMALL_COLLECTION
        integers = small and all(StringValue(word).is_integer() for word in self.items)
        return "intset" if integers else "hashtable"

    def add(self, words):
        for word in words:
            if word not in self.items:
                self.size += self.ITEM_BYTES + len(word)
                self.items[word] = None

    def remove(self, words):
        for word in words:
            del self.items[word]
            self.size -= self.ITEM_BYTES + len(word)


class ListValue(Collection):
    __slots__ = ()

    kind = 21
    type_name = "list"
    encoding = "quicklist"
    container = deque
    APPEND, PREPEND, DROP_FIRST, DROP_LAST = FIRST, SECOND, THIRD, FOURTH
    effects = {APPEND: "append", PREPEND: "prepend", DROP_FIRST: "drop_first",
               DROP_LAST: "drop_last"}
    OBJECT_BYTES, ITEM_BYTES = 880, 53

    def append(self, words):
        self.items.extend(words)
        self.size += sum(map(len, words)) + self.ITEM_BYTES * len(words)

    def prepend(self, words):
        """The last of the words becomes the first of the list."""
        self.items.extendleft(words)
        self.size += sum(map(len, words)) + self.ITEM_BYTES * len(words)

    def drop_first(self, words):
        self.drop(self.items.popleft, words)

    def drop_last(self, words):
        self.drop(self.items.pop, words)

    def drop(self, pop, words):
        """words: how many, as one word."""
        for _ in range(int(words[0])):
            self.size -= self.ITEM_BYTES + len(pop())

    def slice(self, start, end):
        """Items start to end, both included, from 0."""
        return list(islice(self.items, start, end + 1))
