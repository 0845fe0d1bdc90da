"""Strings, lists, hashes and sets in the encodings that Redis has dumped them in since 2.6."""

import struct

from . import rdb
from .collection import HashValue, ListValue, SetValue
from .rdb import Reader, bad, counted
from .values import StringValue

STRING, LIST, SET, HASH = 0, 1, 2, 4
LIST_ZIPLIST, SET_INTSET, HASH_ZIPLIST, LIST_QUICKLIST = 10, 11, 13, 14
HASH_LISTPACK, LIST_QUICKLIST_2, SET_LISTPACK = 16, 18, 20
PLAIN_NODE, PACKED_NODE = 1, 2


def ziplist(data):
    """The words of a ziplist: a header of 10 bytes, entries, 255."""
    reader, words = Reader(data), []
    if len(data) != reader.unpack("<I"):
        raise bad()
    reader.take(4)
    count = reader.unpack("<H")
    while (first := reader.byte()) != 255:
        if first == 254:
            reader.take(4)  # the length of the entry before
        counted(words).append(ziplist_word(reader, reader.byte()))
    reader.done()
    if count != min(len(words), 0xFFFF):
        raise bad()
    return words


NUMBERS = {0xC0: "<h", 0xD0: "<i", 0xE0: "<q", 0xFE: "<b"}


def ziplist_word(reader, kind):
    if kind >> 6 == 0:
        return reader.take(kind & 63)
    if kind >> 6 == 1:
        return reader.take((kind & 63) << 8 | reader.byte())
    if kind == 0x80:
        return reader.take(reader.unpack(">I"))
    if 0xF1 <= kind <= 0xFD:
        return b"%d" % (kind - 0xF1)
    if kind == 0xF0:
        return b"%d" % int.from_bytes(reader.take(3), "little", signed=True)
    if kind not in NUMBERS:
        raise bad()
    return b"%d" % reader.unpack(NUMBERS[kind])


def listpack(data):
    """The words of a listpack: a header of 6 bytes, entries each with its length behind, 255."""
    reader, words = Reader(data), []
    if len(data) != reader.unpack("<I"):
        raise bad()
    count = reader.unpack("<H")
    while (kind := reader.byte()) != 255:
        start = reader.at - 1
        counted(words).append(listpack_word(reader, kind))
        size = reader.at - start
        reader.take(1 + (size > 127) + (size > 16383) + (size > 2097151) + (size > 268435455))
    reader.done()
    if count not in (len(words), 0xFFFF):
        raise bad()
    return words


PACKED = {0xF1: "<h", 0xF3: "<i", 0xF4: "<q"}


def listpack_word(reader, kind):
    if kind < 0x80:
        return b"%d" % kind
    if kind < 0xC0:
        return reader.take(kind & 63)
    if kind < 0xE0:
        value = (kind & 31) << 8 | reader.byte()
        return b"%d" % (value - (1 << 13) * (value >> 12))
    if kind < 0xF0:
        return reader.take((kind & 15) << 8 | reader.byte())
    if kind == 0xF0:
        return reader.take(reader.unpack("<I"))
    if kind == 0xF2:
        return b"%d" % int.from_bytes(reader.take(3), "little", signed=True)
    if kind not in PACKED:
        raise bad()
    return b"%d" % reader.unpack(PACKED[kind])


def intset(data):
    """The numbers of an intset: their size, how many, then they."""
    reader = Reader(data)
    size, count = reader.unpack("<I"), reader.unpack("<I")
    if size not in (2, 4, 8) or len(data) != 8 + size * count:
        raise bad()
    letter = {2: "h", 4: "i", 8: "q"}[size]
    return [b"%d" % n for n in struct.unpack_from(f"<{count}{letter}", data, 8)]


def quicklist(reader):
    """Nodes that are ziplists."""
    words = []
    for _ in range(reader.count()):
        words += ziplist(reader.string())
        counted(words)
    return words


def quicklist_2(reader):
    """Nodes that are listpacks, or one long word each."""
    words = []
    for _ in range(reader.count(2)):
        kind, data = reader.length(), reader.string()
        if kind not in (PLAIN_NODE, PACKED_NODE):
            raise bad()
        words += [data] if kind == PLAIN_NODE else listpack(data)
        counted(words)
    return words


def plain(pairs=1):
    return lambda reader: reader.words(pairs * reader.count(pairs))


DECODERS = {  # type byte -> (class, words of a Reader)
    LIST: (ListValue, plain()),
    SET: (SetValue, plain()),
    HASH: (HashValue, plain(pairs=2)),
    LIST_ZIPLIST: (ListValue, lambda reader: ziplist(reader.string())),
    SET_INTSET: (SetValue, lambda reader: intset(reader.string())),
    HASH_ZIPLIST: (HashValue, lambda reader: ziplist(reader.string())),
    LIST_QUICKLIST: (ListValue, quicklist),
    HASH_LISTPACK: (HashValue, lambda reader: listpack(reader.string())),
    LIST_QUICKLIST_2: (ListValue, quicklist_2),
    SET_LISTPACK: (SetValue, lambda reader: listpack(reader.string())),
}
WRITTEN = {ListValue: LIST, SetValue: SET, HashValue: HASH}


def load(kind, reader):
    """The value behind a type byte, or CommandError."""
    if kind == STRING:
        return StringValue(reader.string())
    if kind not in DECODERS:
        raise bad()
    cls, words = DECODERS[kind]
    words = words(reader)
    # An empty collection, half a pair and a word twice are no values of Redis.
    if not words or (cls is HashValue and len(words) % 2):
        raise bad()
    value = cls(words)
    if cls is not ListValue and len(value) * (1 + (cls is HashValue)) != len(words):
        raise bad()
    return value


def dump(value):
    """Type byte and value, or None for a value of another kind."""
    if isinstance(value, StringValue):
        return bytes([STRING]) + rdb.text(value.data)
    kind = WRITTEN.get(type(value))
    if kind is None:
        return None
    words = b"".join(map(rdb.text, value.words()))
    return bytes([kind]) + rdb.number(len(value)) + words
