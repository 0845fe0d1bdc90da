"""The operations on the tables, as the writer runs them inside a transaction."""

import json

import apsw

from .store_codec import base_bytes, checksum, row_checksum, split
from .store_file import write_meta

_ROW = "SELECT id, kind, gen, ver, at, expire_ms, layout, head FROM obj WHERE db=? AND key=?"


class Tables:
    """Runs operations; `db` is the client's number, mapped to the one on disk (SWAPDB is cheap).

    big: (disk db, key) -> (id, version, bytes) of every value with part rows.
    """

    def __init__(self, connection: apsw.Connection):
        self.connection = connection
        self.cursor = connection.cursor()
        self.big: dict[tuple[int, bytes], tuple[int, int, int]] = {}
        self.numbers: dict[int, int] = {}
        self.dumped: list[int] = []  # ids whose frames so far became part of a dump
        self.emptied = False  # the log was deleted

    def reload(self):
        """Read the in-memory maps again, at start and after a rollback."""
        rows = self.cursor.execute("SELECT db, key, id, ver, layout FROM obj WHERE layout <> x''")
        self.big = {(db, key): (id, ver, base_bytes(layout)) for db, key, id, ver, layout in rows}
        found = self.cursor.execute("SELECT v FROM meta WHERE k='numbers'").fetchall()
        self.numbers = {int(k): n for k, n in json.loads(found[0][0]).items()} if found else {}
        self.forget()

    def forget(self):
        """What was noted about the transaction is dealt with, or rolled back."""
        self.dumped.clear()
        self.emptied = False

    def log(self, position, frames):
        self.cursor.execute(
            "INSERT INTO log VALUES(?,?,?)", (position, checksum(frames, position), frames)
        )

    def put(self, db, key, kind, id, generation, version, at, expire_ms, head, parts):
        layout, head, chunks = split(head, parts)
        db = self.numbers.get(db, db)
        self._drop_parts(db, key)
        self._insert(db, key, id, kind, generation, version, at, expire_ms, layout, head)
        for n, chunk in enumerate(chunks):
            h64 = checksum(chunk, id, version, n)
            self.cursor.execute("INSERT INTO part VALUES(?,?,?,?,?)", (id, version, n, h64, chunk))
        if layout:
            self.big[db, key] = id, version, base_bytes(layout)
        self.dumped.append(id)

    def delete(self, db, key):
        db = self.numbers.get(db, db)
        self._drop_parts(db, key)
        self.cursor.execute("DELETE FROM obj WHERE db=? AND key=?", (db, key))

    def rename(self, db, source, target):
        if source == target:
            return
        disk = self.numbers.get(db, db)
        row = self.cursor.execute(_ROW, (disk, source)).get
        if row is None:
            return
        parts = self.big.pop((disk, source), None)
        self.delete(db, source)
        self.delete(db, target)
        self._insert(disk, target, *row)
        if parts:
            self.big[disk, target] = parts

    def expire(self, db, key, expire_ms):
        db = self.numbers.get(db, db)
        row = self.cursor.execute(_ROW, (db, key)).get
        if row is not None:
            self._insert(db, key, *row[:5], expire_ms, *row[6:])

    def flush(self, db):
        if db is None:
            for table in ("obj", "part", "log"):
                self.cursor.execute("DELETE FROM " + table)
            self.big.clear()
            self.emptied = True
            return
        disk = self.numbers.get(db, db)
        for place in [place for place in self.big if place[0] == disk]:
            self._drop_parts(*place)
        self.cursor.execute("DELETE FROM obj WHERE db=?", (disk,))

    def swapdb(self, a, b):
        numbers = self.numbers
        numbers[a], numbers[b] = numbers.get(b, b), numbers.get(a, a)
        write_meta(self.cursor, "numbers", json.dumps(numbers).encode())

    def _insert(self, db, key, id, kind, generation, version, at, expire_ms, layout, head):
        h64 = row_checksum(db, key, id, kind, generation, version, at, expire_ms, layout, head)
        self.cursor.execute(
            "REPLACE INTO obj(db, key, id, kind, gen, ver, at, expire_ms, h64, layout, head) "
            "VALUES(?,?,?,?,?,?,?,?,?,?,?)",
            (db, key, id, kind, generation, version, at, expire_ms, h64, layout, head),
        )

    def _drop_parts(self, db, key):
        old = self.big.pop((db, key), None)
        if old:
            self.cursor.execute("DELETE FROM part WHERE id=? AND ver=?", old[:2])
