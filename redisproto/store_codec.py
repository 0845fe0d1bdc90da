"""Checksums and the layout of a value in the store: XXH3-64 seeded with where the bytes belong."""

import struct

from xxhash import xxh3_64, xxh3_64_intdigest

FORMAT = 1
CHUNK = 1 << 20  # a part row holds at most this many bytes
HEAD_LIMIT = 64 << 10  # a longer head moves into part rows

_SEED = struct.Struct("<IQqq")
_ROW = struct.Struct("<IqqqIqqqI")


class StoreError(Exception):
    """The store cannot be opened, read or written; the message says where and why."""


def signed(h64):
    """SQLite's integers are signed."""
    return h64 - (1 << 64) if h64 >> 63 else h64


def checksum(payload, *place):
    """XXH3-64 of payload, seeded with the format and up to three integers that say its place."""
    seed = xxh3_64_intdigest(_SEED.pack(FORMAT, *place, *(0,) * (3 - len(place))))
    return signed(xxh3_64_intdigest(payload, seed))


def row_checksum(db, key, id, kind, generation, version, at, expire_ms, layout, head):
    """XXH3-64 over every column of an obj row; -1 stands for "does not expire"."""
    expire = -1 if expire_ms is None else expire_ms
    digest = xxh3_64(_ROW.pack(FORMAT, db, id, kind, generation, version, at, expire, len(key)))
    digest.update(key)
    digest.update(len(layout).to_bytes(4, "little"))
    digest.update(layout)
    digest.update(head)
    return signed(digest.intdigest())


def split(head, parts):
    """(head, parts) as a dump gives them -> (layout, head to keep in the row, chunks).

    layout is b"" for a value without parts, else a flag byte (1: the first part is the head) and
    the length of each part as u64."""
    spilled = len(head) > HEAD_LIMIT
    pieces = [head, *parts] if spilled else parts
    if not pieces:
        return b"", head, ()
    layout = struct.pack(f"<B{len(pieces)}Q", spilled, *map(len, pieces))
    chunks = [p[i : i + CHUNK] for p in pieces for i in range(0, len(p), CHUNK)]
    return layout, b"" if spilled else head, chunks


def chunk_count(layout):
    """Number of part rows of a value with this layout."""
    return sum(-(-size // CHUNK) for size in _sizes(layout))


def base_bytes(layout):
    """Bytes of a stored dump, but for a small head."""
    return sum(_sizes(layout))


def join(layout, head, chunks):
    """The inverse of split: (head, parts)."""
    chunks = iter(chunks)
    pieces = [b"".join(next(chunks) for _ in range(0, n, CHUNK)) for n in _sizes(layout)]
    if layout and layout[0]:
        return pieces[0], pieces[1:]
    return head, pieces


def _sizes(layout):
    return struct.unpack_from(f"<{len(layout) // 8}Q", layout, 1) if layout else ()
