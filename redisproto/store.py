"""The durable store, as the server sees it: effects go in on the loop thread, one writer thread
commits them in groups, replies wait for the number of their group. See docs/durability.md."""

import time
from pathlib import Path

from . import store_file
from .store_buffer import EffectBuffer
from .store_codec import StoreError
from .store_recovery import Reader, Report, check, drop_orphans, numbers_back
from .store_writer import POLICIES, Group, Writer

__all__ = ["POLICIES", "Report", "Store", "StoreError", "check"]


class Store:
    """One folder on disk.

    path: the store's own folder, made if missing (0700).
    policy: always | everysec | no | off, when replies may leave and what is synced.
    wake: called from the writer thread whenever `committed` or `failed` changed.
    vfs: name of an SQLite VFS, for fault tests.

    All methods but `wake` belong to the loop thread. `effects` is the buffer the hot path appends
    to; it also holds `ticket`, `committed` and `open` as C fields.
    """

    def __init__(self, path: Path, policy: str = "everysec", wake=lambda: None, vfs=None):
        self.path = Path(path)
        self.effects = EffectBuffer()
        self.registry = None
        self.next_id = 1
        self.clean = False  # whether the last run closed the store
        self.last_save = int(time.time())
        self._saved_changes = 0
        self._vfs = vfs
        self._lock = self._connection = None
        self._operations = []
        self._version = 0
        self._writer = Writer(self.effects, policy, wake)

    # Opening

    def open(self, registry=None):
        """Lock and verify the store; return an iterator over its values that must be exhausted:
        (db, key, kind, id, generation, expire_ms, head, parts, frames), frames iterating as
        (type, payload). The writer starts when the iterator ends.

        registry.compact(id) -> (db, key, value, expire_ms) or None, if given, is asked for a
        fresh dump of a value whose log has outgrown it (see due_compactions)."""
        self.registry = registry
        store_file.prepare_folder(self.path)
        self._lock = store_file.FolderLock(self.path)
        try:
            self._connection = store_file.connect(self.path, self._vfs)
            with store_file.reading(self.path):
                meta, reader = self._verify()
        except BaseException:
            self._release()
            raise
        return self._values(meta, reader)

    def _verify(self):
        reader = Reader(self._connection)
        complaints = reader.structure()
        if complaints:
            raise StoreError(f"{self.path} is damaged: {complaints[0]}; restore a backup")
        meta = store_file.read_meta(self._connection)
        reader.places()
        reader.log()
        return meta, reader

    def _values(self, meta, reader):
        logged = {id: len(frames) for id, frames in reader.hands.items()}
        back = numbers_back(meta)
        try:
            with store_file.reading(self.path):
                for db, *rest in reader.objects():
                    yield back.get(db, db), *rest
                drop_orphans(reader)
                self._start(meta, reader, logged)
        except BaseException:
            self._release()
            raise

    def _start(self, meta, reader, logged):
        self.clean = meta.get("clean") == b"1"
        self.next_id = 1 + max(reader.versions, default=0)
        self._version = 1 + max(reader.versions.values(), default=0)
        self.effects.start(max(reader.end, int(meta.get("end", b"0"))))
        wal = None if self._vfs else self.path / (store_file.FILE + "-wal")
        self._writer.start(self._connection, reader.log_bytes, logged, wal)

    def _release(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    # Effects

    def put(self, db, key, value, expire_ms=None):
        """Store a whole value; it is dumped now and written later."""
        head, parts = value.dump()
        self._version += 1
        at = self.effects.here()
        arguments = (db, key, value.kind, value.id, value.generation, self._version, at)
        self._operate("put", *arguments, expire_ms, head, parts)

    def log(self, value, frame_type, payload):
        """Store a small effect of a value that has been put; types are 1..255."""
        self.effects.add(frame_type, value.id, value.generation, payload)

    def delete(self, db, key):
        self._operate("delete", db, key)

    def rename(self, db, source, target):
        """Move a value to another key of its database, over whatever is there."""
        self._operate("rename", db, source, target)

    def expire(self, db, key, expire_ms):
        """Set the time of death in Unix milliseconds; None: does not expire."""
        self._operate("expire", db, key, expire_ms)

    def flush(self, db=None):
        """Drop one database, or all of them."""
        self._operate("flush", db)

    def swapdb(self, a, b):
        self._operate("swapdb", a, b)

    def _operate(self, name, *arguments):
        self._operations.append((name, arguments))
        self.effects.touch()

    # Groups

    @property
    def ticket(self) -> int:
        """Number of the newest group that has effects."""
        return self.effects.ticket

    @property
    def committed(self) -> int:
        """Replies of groups up to this number may leave."""
        return self.effects.committed

    @property
    def failed(self) -> str | None:
        """Why writes must be refused now; None when all is well."""
        return self._writer.failed

    def end_group(self):
        """Hand the effects of this loop turn over to the writer."""
        if self.effects.open:
            self._writer.submit(self._group())

    def _group(self):
        position, ticket = self.effects.position, self.effects.ticket
        operations, self._operations = self._operations, []
        return Group(ticket, position, self.effects.take(), operations)

    def _fill(self, id):
        """Put a fresh dump of a value; called on the loop thread."""
        found = self.registry.compact(id) if self.registry is not None else None
        if found is not None:
            self.put(*found)

    # Service

    def set_policy(self, policy):
        self.end_group()
        self._writer.call(lambda: self._writer.set_policy(policy))

    @property
    def policy(self) -> str:
        return self._writer.policy

    @property
    def changes(self) -> int:
        """Effects since the last save."""
        return self.effects.changes - self._saved_changes

    def save(self, callback=lambda error: None):
        """Commit, sync and checkpoint everything; callback(error or None) comes from the writer
        thread."""
        self.end_group()
        changes = self.effects.changes

        def done(error):
            if error is None:
                self.last_save, self._saved_changes = int(time.time()), changes
            callback(error)

        self._writer.save(done)

    def backup(self, path, callback=lambda error: None):
        """Copy the store into a new file in slices; callback as in save."""
        self.end_group()
        self._writer.backup(Path(path), callback)

    def due_compactions(self):
        """Ask the owner for fresh dumps where the log has outgrown them: at most one value a
        call. The server calls this on the loop after a wake."""
        due = self._writer.compaction.due
        if due:
            self._fill(due.pop())

    def info(self) -> dict:
        """Figures for INFO persistence."""
        return {
            "changes": self.changes,
            "last_save": self.last_save,
            "policy": self.policy,
            "status": "ok" if self.failed is None else "err",
            **self._writer.info(),
        }

    def close(self):
        """Commit what is pending, mark a clean end, checkpoint, release the folder."""
        self.end_group()
        self._writer.close(self.effects.here())
        self._release()
