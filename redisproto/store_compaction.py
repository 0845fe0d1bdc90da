"""Keeping the log short: when to ask for fresh dumps, sweeping dead frames, backups in slices."""

import os
from contextlib import closing
from pathlib import Path

import apsw

from .store_buffer import sweep, tally
from .store_codec import StoreError, checksum

LOG_FLOOR = 4 << 20  # a value's log may have this many bytes, or as many as its dump
SWEEP_FLOOR = 8 << 20  # the whole log may hold this many bytes, or twice what the last sweep left
TALLY_BYTES = 64 << 10  # frames are counted in lots of this size, off the path of a commit
SLICE_BYTES = 128 << 10
BACKUP_PAGES = 64

_SLICE = "SELECT pos, payload FROM log WHERE pos > ? AND pos <= ? ORDER BY pos"


class Compaction:
    """Counts log bytes per value and decides what is due. Heuristic: losing it costs only space.

    due: ids whose owner should put a fresh dump; read by the loop thread.
    """

    def __init__(self, connection, log_bytes, logged):
        self.connection = connection
        self.log_bytes = log_bytes
        self.counts: dict[int, int] = dict(logged)
        self.due: list[int] = []
        self._asked: set[int] = set()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._dead = 0  # bytes of frames known to be part of a newer dump
        self._sweep_at = max(SWEEP_FLOOR, 2 * sum(logged.values()))
        self._sweeping = False

    def emptied(self):
        """The log was deleted as a whole."""
        self.log_bytes = self._dead = 0
        self.counts.clear()
        self._waiting.clear()
        self._waiting_bytes = 0
        self._asked.clear()

    def note(self, frames, dumped):
        """After a commit: frames were logged, the values in dumped have a new base."""
        self.log_bytes += len(frames)
        self._waiting.append(frames)
        self._waiting_bytes += len(frames)
        for id in dumped:
            self._dead += self.counts.pop(id, 0)
            self._asked.discard(id)

    def count(self, big):
        """Count what was noted, if it is a lot; returns whether something became due.

        big: Tables.big, for the size of the dumps."""
        if self._waiting_bytes < TALLY_BYTES:
            return False
        for frames in self._waiting:
            tally(frames, self.counts)
        self._waiting.clear()
        self._waiting_bytes = 0
        over = [id for id, size in self.counts.items() if size > LOG_FLOOR]
        over = [id for id in over if id not in self._asked]
        bases = {id: size for id, _, size in big.values()} if over else {}
        grown = [id for id in over if self.counts[id] > bases.get(id, 0)]
        self._asked.update(grown)
        self.due.extend(grown)
        return bool(grown)

    def sweep_due(self):
        """Whether half of the log is known to be dead, or may be (frames of deleted values)."""
        known = self._dead > max(SWEEP_FLOOR, self.log_bytes - self._dead)
        return not self._sweeping and (known or self.log_bytes > self._sweep_at)

    def sweep_slices(self):
        """A generator that rewrites the log rows that hold dead frames; one transaction a step.

        Which values live is read once: later dumps and deletions only make more frames dead, and
        values that come later have no frames in the rows swept here."""
        self._sweeping, self._dead = True, 0
        return self._sweep()

    def _sweep(self):
        cursor = self.connection.cursor()
        try:
            live = {id: (gen, at) for id, gen, at in cursor.execute("SELECT id, gen, at FROM obj")}
            self._forget(live)
            last = cursor.execute("SELECT max(pos) FROM log").get
            position = -1
            while last is not None and position is not None and position < last:
                position = self._sweep_slice(cursor, position, last, live)
                yield
        finally:
            self._sweep_at = max(SWEEP_FLOOR, 2 * self.log_bytes)
            self._sweeping = False

    def _forget(self, live):
        for id in [id for id in self.counts if id not in live]:
            del self.counts[id]

    def _sweep_slice(self, cursor, position, last, live):
        """Sweep the next SLICE_BYTES of rows behind position; returns the last one, or None."""
        rows, saved = self._rows(position, last), 0
        with self.connection:
            for pos, payload in rows:
                saved += self._sweep_row(cursor, pos, payload, live)
        self.log_bytes -= saved
        return rows[-1][0] if rows else None

    def _rows(self, position, last):
        rows, size = [], 0
        with closing(self.connection.cursor()) as cursor:  # an open read would block checkpoints
            for row in cursor.execute(_SLICE, (position, last)):
                rows.append(row)
                size += len(row[1])
                if size >= SLICE_BYTES:
                    break
        return rows

    def _sweep_row(self, cursor, pos, payload, live):
        kept = sweep(payload, pos, live)
        if not kept:
            cursor.execute("DELETE FROM log WHERE pos=?", (pos,))
        elif len(kept) < len(payload):
            h64 = checksum(kept, pos)
            cursor.execute("UPDATE log SET h64=?, payload=? WHERE pos=?", (h64, kept, pos))
        else:
            return 0
        return len(payload) - len(kept)


def backup_slices(connection, path: Path, callback):
    """Copy the store to a new file, a few pages a step; commits go on in between."""
    partial = path.with_name(path.name + ".partial")
    try:
        if path.exists():
            raise StoreError(f"backup target {path} exists")
        os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        target = apsw.Connection(str(partial))
        with target.backup("main", connection, "main") as copy:
            while not copy.done:
                copy.step(BACKUP_PAGES)
                yield
        target.close()
        os.rename(partial, path)
        _sync_folder(path.parent)
    except (apsw.Error, OSError, StoreError) as error:
        partial.unlink(missing_ok=True)
        callback(str(error))
    except GeneratorExit:  # the store is closed
        partial.unlink(missing_ok=True)
        callback("the store was closed before the backup was complete")
        raise
    else:
        callback(None)


def _sync_folder(folder):
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
