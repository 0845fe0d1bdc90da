"""The writer thread: takes all waiting groups, commits them in one transaction, wakes the loop."""

import logging
import os
import threading
import time
from queue import Empty, SimpleQueue
from typing import NamedTuple

import apsw

from .store_buffer import cut
from .store_compaction import Compaction, backup_slices
from .store_file import write_meta
from .store_tables import Tables

POLICIES = ("always", "everysec", "no", "off")
ALL = (1 << 64) - 1
SYNC_SECONDS = 1.0
RETRY_SECONDS = 1.0
IDLE_SECONDS = 1.0
CHECKPOINT_SECONDS = 1.0
CHECKPOINT_PAGES = 4096  # 4 MiB of WAL, then at most one checkpoint a second
FORCE_PAGES = 32768  # 32 MiB
CHORE_SECONDS = 0.005  # under load, chores get a step this often
ROW_LIMIT = 64 << 20  # a log row holds at most this many bytes, or one frame
EX_IOERR = 74

log = logging.getLogger("respnet.store")


class Group(NamedTuple):
    """The effects of one loop turn. operations: (name of a Tables method, its arguments)."""

    ticket: int
    position: int
    frames: bytes
    operations: list


class Writer:
    """Owns the connection while the thread runs. submit, call, save, backup and close belong to
    the loop thread; everything else to the writer thread."""

    def __init__(self, effects, policy, wake):
        self.effects, self.wake = effects, wake
        self.failed = None
        self.queue = SimpleQueue()
        self.backlog = []  # groups not yet committed
        self.chores = []  # generators, one step when there is time
        self.pages = 0  # estimate of WAL pages since the last checkpoint
        self.commits = self.durable = 0
        self.unsynced = False
        self.sync_due = self.flush_due = self.chore_due = self.idle_due = 0.0
        self.checkpoint_due = 0.0
        self._use_policy(policy)

    # Loop thread

    def submit(self, group):
        self.queue.put(group)

    def call(self, function):
        """Run function in the writer thread, behind everything submitted before."""
        self.queue.put(function)

    def start(self, connection, log_bytes, logged):
        self.connection = connection
        self.tables = Tables(connection)
        self.tables.reload()
        self.compaction = Compaction(connection, log_bytes, logged)
        write_meta(self.tables.cursor, "clean", b"0")
        self._synchronous()
        self.running = True
        self.thread = threading.Thread(target=self._run, name="respnet-store", daemon=True)
        self.thread.start()

    def save(self, callback):
        self.call(lambda: callback(self._save()))

    def backup(self, path, callback):
        self.call(lambda: self.chores.append(backup_slices(self.connection, path, callback)))

    def close(self, end):
        self.call(lambda: self._close(end))
        self.thread.join()

    def info(self):
        return {
            "commits": self.commits,
            "pending_groups": self.effects.ticket - self.durable,
            "log_bytes": self.compaction.log_bytes,
            "error": self.failed,
        }

    # Writer thread

    def _run(self):
        try:
            while self.running:
                for item in self._take():
                    if type(item) is Group:
                        self.backlog.append(item)
                    else:
                        item()
                self._commit()
                self._housekeep()
        except BaseException as error:
            self._die(error)

    def _take(self):
        """Everything that waits in the queue; sleeps until something comes or is due."""
        try:
            items = [self.queue.get(True, self._patience())]
        except Empty:
            return ()
        while not self.queue.empty():
            items.append(self.queue.get())
        return items

    def _patience(self):
        """Seconds until the next duty; None: sleep until something comes."""
        if self.chores:
            return 0
        duties = []
        if self.unsynced:
            duties.append(self.sync_due)
        if self.backlog or self.failed:
            duties.append(self.flush_due)
        if self.pages:
            duties.append(self.idle_due)
        return max(0.0, min(duties) - time.monotonic()) if duties else None

    def _commit(self, force=False):
        """Commit the backlog in one transaction, unless it has to wait for its second."""
        groups = self.backlog
        if not groups or (not force and time.monotonic() < self.flush_due):
            return
        try:
            frames = self._write(groups)
        except (apsw.FullError, apsw.NoMemError) as error:
            self._fail(error)
            return
        self.backlog = []
        self.compaction.note(frames, self.tables.dumped)
        self.tables.dumped.clear()
        self._done(groups[-1].ticket)

    def _write(self, groups):
        """One transaction: the operations in their order, then the frames as one log row."""
        frames = groups[0].frames if len(groups) == 1 else b"".join([g.frames for g in groups])
        operations = [o for group in groups for o in group.operations]
        if not operations and len(frames) <= ROW_LIMIT:
            self.tables.log(groups[0].position, frames)
        else:
            self._transaction(operations, groups[0].position, frames)
        self.pages += 2 + 3 * len(operations) + (len(frames) >> 10)
        return frames

    def _transaction(self, operations, position, frames):
        tables = self.tables
        tables.cursor.execute("BEGIN IMMEDIATE")
        try:
            for name, arguments in operations:
                getattr(tables, name)(*arguments)
            for piece in cut(frames, ROW_LIMIT):
                tables.log(position, piece)
                position += len(piece)
            tables.cursor.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                tables.cursor.execute("ROLLBACK")
            raise

    def _done(self, ticket):
        """Let the replies of this group and those before it go."""
        now = time.monotonic()
        self.commits += 1
        self.durable = ticket
        self.idle_due = now + IDLE_SECONDS
        if self.policy == "off":
            self.flush_due = now + SYNC_SECONDS
        else:
            self.effects.committed = ticket
        if self.policy == "everysec" and not self.unsynced:
            self.unsynced, self.sync_due = True, now + SYNC_SECONDS
        recovered, self.failed = self.failed, None
        if recovered:
            self.flush_due = 0.0
            log.warning("writing to the store works again")
        if recovered or self.policy != "off":
            self.wake()

    def _fail(self, error):
        """The disk is full: the groups stay, writes are refused, one try a second."""
        self.tables.reload()
        if self.failed is None:
            log.error("cannot write to the store: %s", error)
        self.failed = str(error)
        self.flush_due = time.monotonic() + RETRY_SECONDS
        self.wake()

    def _housekeep(self):
        now = time.monotonic()
        try:
            if self.failed and not self.backlog and now >= self.flush_due:
                self._probe()
            if self.unsynced and now >= self.sync_due:
                self._sync()
            if self._checkpoint_due(now):
                self._checkpoint("PASSIVE")
            if self.compaction.count(self.tables.big):
                self.wake()
            if self.compaction.sweep_due():
                self.chores.append(self.compaction.sweep_slices())
            if self.chores and (self.queue.empty() or now >= self.chore_due):
                self._step_chore()
        except (apsw.FullError, apsw.NoMemError) as error:
            self._fail(error)

    def _sync(self):
        """One commit with synchronous=FULL syncs the whole WAL, everything before it included."""
        self._tick("FULL")
        self.unsynced = False

    def _tick(self, synchronous):
        cursor = self.tables.cursor
        cursor.execute("PRAGMA synchronous=" + synchronous)
        try:
            write_meta(cursor, "tick", b"%d" % time.time_ns())
        finally:
            self._synchronous()
        self.pages += 1

    def _synchronous(self):
        mode = "FULL" if self.policy == "always" else "NORMAL"
        self.tables.cursor.execute("PRAGMA synchronous=" + mode)

    def _probe(self):
        """After a failure outside a commit: can the disk be written again?"""
        self._tick("FULL")
        self._done(self.durable)

    def _checkpoint_due(self, now):
        if self.pages >= CHECKPOINT_PAGES:
            return self.pages >= FORCE_PAGES or now >= self.checkpoint_due
        return self.pages and now >= self.idle_due

    def _checkpoint(self, mode):
        self.checkpoint_due = time.monotonic() + CHECKPOINT_SECONDS
        self.tables.cursor.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        self.pages = 0

    def _step_chore(self):
        self.chore_due = time.monotonic() + CHORE_SECONDS
        try:
            next(self.chores[0])
        except StopIteration:
            del self.chores[0]

    def _save(self):
        self._commit(force=True)
        if self.failed:
            return self.failed
        try:
            self._checkpoint("TRUNCATE")
        except (apsw.FullError, apsw.NoMemError) as error:
            self._fail(error)
        self.unsynced = self.unsynced and self.failed is not None
        return self.failed

    def _use_policy(self, policy):
        if policy not in POLICIES:
            raise ValueError(f"got policy {policy!r}, wanted one of {', '.join(POLICIES)}")
        self.policy = policy
        self.flush_due = 0.0
        self.effects.committed = ALL if policy == "off" else self.durable

    def set_policy(self, policy):
        self._commit(force=True)
        self._use_policy(policy)
        self._synchronous()
        self.wake()

    def _close(self, end):
        self._commit(force=True)
        for chore in self.chores:
            chore.close()
        if self.backlog:
            log.error("%d groups could not be written: %s", len(self.backlog), self.failed)
        else:
            write_meta(self.tables.cursor, "end", b"%d" % end)
            write_meta(self.tables.cursor, "clean", b"1")
            self._checkpoint("TRUNCATE")
        self.running = False

    def _die(self, error):
        """A failed write or fsync is not tried again: the kernel may have dropped the pages."""
        self.failed = f"{type(error).__name__}: {error}"
        log.critical("the store failed, the server ends: %s", self.failed, exc_info=error)
        os._exit(EX_IOERR)
