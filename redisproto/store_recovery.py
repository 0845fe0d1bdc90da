"""Reading a store: verify everything, deal the log out to its values, or report what is bad."""

import json
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from . import store_file
from .store_buffer import Frames, deal
from .store_codec import StoreError, checksum, chunk_count, join, row_checksum

_OBJECTS = (
    "SELECT db, key, id, kind, gen, ver, at, expire_ms, h64, layout, head FROM obj ORDER BY db, key"
)
_PLACES = "SELECT id, gen, at, ver FROM obj"


@dataclass
class Damage:
    """One row that does not verify. where: table and primary key, enough to delete it."""

    table: str
    where: tuple
    reason: str


@dataclass
class Report:
    """What check found. structure: SQLite's own complaints; bad: rows that do not verify."""

    objects: int = 0
    parts: int = 0
    log_rows: int = 0
    structure: list[str] = field(default_factory=list)
    bad: list[Damage] = field(default_factory=list)
    dropped: int = 0

    @property
    def ok(self):
        return not self.structure and len(self.bad) == self.dropped


class Reader:
    """Verified reading. damaged(table, where, reason) is called for each bad row; the default
    raises, so nothing is ever skipped silently."""

    def __init__(self, connection: apsw.Connection, damaged=None):
        self.connection = connection
        self.damaged = damaged or _refuse
        self.live: dict[int, tuple[int, int]] = {}  # id -> (generation, position of its dump)
        self.versions: dict[int, int] = {}  # id -> version of its parts
        self.hands: dict[int, bytearray] = {}  # id -> its frames
        self.end = 0  # stream position behind everything
        self.log_bytes = self.log_rows = 0

    def structure(self) -> list[str]:
        """SQLite's structural check: a flipped cell count would hide whole rows."""
        try:
            rows = [row[0] for row in self.connection.execute("PRAGMA quick_check(20)")]
        except apsw.Error as error:
            return [str(error)]
        return [] if rows == ["ok"] else rows

    def places(self):
        """First pass over obj: which values live, and from where their frames count."""
        for id, generation, at, version in self.connection.execute(_PLACES):
            self.live[id] = generation, at
            self.versions[id] = version
            self.end = max(self.end, at)

    def log(self):
        """Verify every log row in order and deal its frames out."""
        for pos, h64, payload in self.connection.execute(
            "SELECT pos, h64, payload FROM log ORDER BY pos"
        ):
            if h64 != checksum(payload, pos):
                self.damaged("log", (pos,), f"log row at position {pos} has a bad checksum")
                continue
            self.end = max(self.end, deal(payload, pos, self.live, self.hands))
            self.log_bytes += len(payload)
            self.log_rows += 1

    def objects(self):
        """Yield (db, key, kind, id, generation, expire_ms, head, parts, frames), verified."""
        for row in self.connection.execute(_OBJECTS):
            db, key, id, kind, generation, version, at, expire_ms, h64, layout, head = row
            if h64 != row_checksum(
                db, key, id, kind, generation, version, at, expire_ms, layout, head
            ):
                self.damaged("obj", (db, key), f"key {key!r} of db {db} has a bad checksum")
                continue
            chunks = self._chunks(db, key, id, version, chunk_count(layout))
            if chunks is None:
                continue
            head, parts = join(layout, head, chunks)
            frames = Frames(self.hands.pop(id, b""))
            yield db, key, kind, id, generation, expire_ms, head, parts, frames

    def _chunks(self, db, key, id, version, count):
        """The chunks of a value, or None if one is bad or missing."""
        chunks, good = [], True
        if not count:
            return chunks
        for n, h64, payload in self.connection.execute(
            "SELECT n, h64, payload FROM part WHERE id=? AND ver=? ORDER BY n", (id, version)
        ):
            chunks.append(payload)
            if h64 != checksum(payload, id, version, n) or n != len(chunks) - 1:
                offset = n << 20
                reason = f"key {key!r} of db {db}: part {n} (offset {offset}) has a bad checksum"
                self.damaged("part", (id, version, n), reason)
                good = False
        if good and len(chunks) != count:
            reason = f"key {key!r} of db {db}: {len(chunks)} parts found, {count} wanted"
            self.damaged("obj", (db, key), reason)
            good = False
        return chunks if good else None


def _refuse(table, where, reason):
    raise StoreError(f"{reason}; see: respnet check")


def drop_orphans(reader: Reader):
    """Delete part rows that belong to no value."""
    execute = reader.connection.execute
    for id, version in execute("SELECT DISTINCT id, ver FROM part").fetchall():
        if reader.versions.get(id) != version:
            execute("DELETE FROM part WHERE id=? AND ver=?", (id, version))


def numbers_back(meta: dict) -> dict[int, int]:
    """disk db -> the number clients use for it."""
    return {disk: int(db) for db, disk in json.loads(meta.get("numbers", b"{}")).items()}


def check(path, drop_bad: bool = False) -> Report:
    """Verify a store that no server has open; with drop_bad, delete just the rows that are bad.

    Needs the lock, so it cannot run beside a server. Structural damage is reported, not repaired:
    such a file is to be replaced by a backup."""
    folder, report = Path(path), Report()
    if not (folder / store_file.FILE).exists():
        raise StoreError(f"{folder} holds no store")
    lock = store_file.FolderLock(folder)
    try:
        with closing(store_file.connect(folder)) as connection, store_file.reading(folder):
            _check(connection, report, drop_bad)
    finally:
        lock.release()
    return report


def _check(connection, report, drop_bad):
    reader = Reader(connection, lambda *damage: report.bad.append(Damage(*damage)))
    report.structure = reader.structure()
    if report.structure:
        return
    try:
        store_file.read_meta(connection)
    except StoreError as error:
        report.structure.append(str(error))
    reader.places()
    reader.log()
    report.log_rows = reader.log_rows
    for value in reader.objects():
        report.objects += 1
        report.parts += len(value[7])
    if drop_bad:
        _drop(connection, report)


_KEYS = {
    "obj": "DELETE FROM obj WHERE db=? AND key=?",
    "log": "DELETE FROM log WHERE pos=?",
    "part": "DELETE FROM obj WHERE id=? AND ver=?",  # a value with a bad part is a bad value
}


def _drop(connection, report):
    with connection:
        for damage in report.bad:
            where = damage.where[:2]
            connection.execute(_KEYS[damage.table], where)
            report.dropped += 1
