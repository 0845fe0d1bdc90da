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
from .store_upkeep import Upkeep

POLICIES = ("always", "everysec", "no", "off")
ALL = (1 << 64) - 1
OFF_SECONDS = 1.0  # policy off: commits this far apart
RETRY_SECONDS = 1.0
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
        self.commits = self.durable = 0
        self.flush_due = 0.0  # no commit before this time
        self.running = False
        self._use_policy(policy)

    # Loop thread

    def submit(self, group):
        self.queue.put(group)

    def call(self, function):
        """Run function in the writer thread, behind everything submitted before."""
        self.queue.put(function)

    def start(self, connection, log_bytes, logged, wal):
        """wal: path of the WAL, None if it is not a plain file."""
        self.connection = connection
        self.tables = Tables(connection)
        self.tables.reload()
        self.compaction = Compaction(connection, log_bytes, logged)
        write_meta(self.tables.cursor, "clean", b"0")
        self.upkeep = Upkeep(self.tables.cursor, self.policy, wal, self.call)
        self.running = True
        self.thread = threading.Thread(target=self._run, name="respnet-store", daemon=True)
        self.thread.start()

    def save(self, callback):
        self.call(lambda: callback(self._save()))

    def backup(self, path, callback):
        slices = backup_slices(self.connection, path, callback)
        self.call(lambda: self.upkeep.chores.append(slices))

    def close(self, end):
        if self.running:
            self.call(lambda: self._close(end))
            self.thread.join()

    def info(self):
        return {
            "commits": self.commits,
            "pending_groups": self.effects.ticket - self.durable,
            "log_bytes": self.compaction.log_bytes if self.running else 0,
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
        duty = self.upkeep.deadline()
        if self.backlog or self.failed:
            duty = self.flush_due if duty is None else min(duty, self.flush_due)
        return None if duty is None else max(0.0, duty - time.monotonic())

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
        if self.tables.emptied:
            self.compaction.emptied()
        self.compaction.note(frames, self.tables.dumped)
        self.tables.forget()
        self._done(groups[-1].ticket)

    def _write(self, groups):
        """One transaction: the operations in their order, then the frames as one log row."""
        frames = groups[0].frames if len(groups) == 1 else b"".join([g.frames for g in groups])
        operations = [o for group in groups for o in group.operations]
        if not operations and len(frames) <= ROW_LIMIT:
            self.tables.log(groups[0].position, frames)
        else:
            self._transaction(operations, groups[0].position, frames)
        self.upkeep.committed(2 + 3 * len(operations) + (len(frames) >> 10), time.monotonic())
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
        self.commits += 1
        self.durable = ticket
        if self.policy == "off":
            self.flush_due = time.monotonic() + OFF_SECONDS
        else:
            self.effects.committed = ticket
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
            if self.compaction.count(self.tables.big):
                self.wake()
            if self.compaction.sweep_due():
                self.upkeep.chores.append(self.compaction.sweep_slices())
            self.upkeep.run(now, self.queue.empty())
        except (apsw.FullError, apsw.NoMemError) as error:
            self._fail(error)

    def _probe(self):
        """After a failure outside a commit: can the disk be written again?"""
        self.upkeep.tick()
        self._done(self.durable)

    def _save(self):
        self._commit(force=True)
        if self.failed:
            return self.failed
        try:
            self.upkeep.checkpoint("TRUNCATE")
            self.upkeep.unsynced = False
        except (apsw.FullError, apsw.NoMemError) as error:
            self._fail(error)
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
        self.upkeep.use_policy(policy)
        self.wake()

    def _close(self, end):
        self._commit(force=True)
        self.upkeep.close()
        if self.backlog:
            log.error("%d groups could not be written: %s", len(self.backlog), self.failed)
        else:
            write_meta(self.tables.cursor, "end", b"%d" % end)
            write_meta(self.tables.cursor, "clean", b"1")
            self.upkeep.checkpoint("TRUNCATE")
        self.running = False

    def _die(self, error):
        """A failed write or fsync is not tried again: the kernel may have dropped the pages."""
        self.failed = f"{type(error).__name__}: {error}"
        log.critical("the store failed, the server ends: %s", self.failed, exc_info=error)
        os._exit(EX_IOERR)
