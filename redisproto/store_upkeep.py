"""What the writer does besides committing: the sync of each second, checkpoints, chores."""

import os
import threading
import time
from pathlib import Path
from queue import SimpleQueue

from .store_file import write_meta

SYNC_SECONDS = 1.0
IDLE_SECONDS = 1.0
CHECKPOINT_SECONDS = 1.0
CHECKPOINT_PAGES = 4096  # 4 MiB of WAL, then at most one checkpoint a second
FORCE_PAGES = 32768  # 32 MiB
CHORE_SECONDS = 0.005  # under load, chores get a step this often


class Upkeep:
    """Belongs to the writer thread, like the connection.

    The disk is given a head start: a helper thread syncs the WAL while commits go on, then the
    sync or checkpoint that counts finds little left to do. chores: generators, run step by step.
    """

    def __init__(self, cursor, policy, wal: Path | None, call):
        self.cursor, self.call = cursor, call
        self.pages = 0  # estimate of WAL pages since the last checkpoint
        self.unsynced = False
        self.chores = []
        self.sync_due = self.checkpoint_due = self.idle_due = self.chore_due = 0.0
        self.use_policy(policy)
        self._helper = Presync(wal, call) if wal else None
        self._asked = False

    def use_policy(self, policy):
        self.ticking = policy == "everysec"
        self._synchronous = "FULL" if policy == "always" else "NORMAL"
        self.cursor.execute("PRAGMA synchronous=" + self._synchronous)

    def committed(self, pages, now):
        """Take note of a commit of about this many pages."""
        self.pages += pages
        self.idle_due = now + IDLE_SECONDS
        if self.ticking and not self.unsynced:
            self.unsynced, self.sync_due = True, now + SYNC_SECONDS

    def deadline(self):
        """When there is something to do next (time.monotonic), or None."""
        if self.chores:
            return 0.0
        if self._asked:
            return None
        duties = [self.sync_due] if self.unsynced else []
        if self.pages:
            duties.append(self.idle_due)
        if self.pages >= CHECKPOINT_PAGES:
            duties.append(self.checkpoint_due)
        return min(duties, default=None)

    def run(self, now, quiet):
        """Do what is due; quiet: nothing waits to be committed."""
        if self._due(now) and not self._asked:
            if self._helper:
                self._asked = True
                self._helper.ask(self._finish)
            else:
                self._finish()
        if self.chores and (quiet or now >= self.chore_due):
            self._step_chore()

    def _due(self, now):
        return (self.unsynced and now >= self.sync_due) or self._checkpoint_due(now)

    def _checkpoint_due(self, now):
        if self.pages >= CHECKPOINT_PAGES:
            return self.pages >= FORCE_PAGES or now >= self.checkpoint_due
        return self.pages > 0 and now >= self.idle_due

    def _finish(self):
        """The WAL is on disk but for the newest commits: now the sync or checkpoint itself."""
        self._asked = False
        now = time.monotonic()
        if self.unsynced and now >= self.sync_due:
            self.tick()
        if self._checkpoint_due(now):
            self.checkpoint("PASSIVE")

    def tick(self):
        """One commit with synchronous=FULL syncs the whole WAL, everything before it included."""
        self.cursor.execute("PRAGMA synchronous=FULL")
        try:
            write_meta(self.cursor, "tick", b"%d" % time.time_ns())
        finally:
            self.cursor.execute("PRAGMA synchronous=" + self._synchronous)
        self.pages += 1
        self.unsynced = False

    def checkpoint(self, mode):
        """Copy the WAL into the file; SQLite syncs the one before and the other behind."""
        self.checkpoint_due = time.monotonic() + CHECKPOINT_SECONDS
        self.cursor.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        self.cursor.execute("PRAGMA incremental_vacuum(1000)").fetchall()
        self.pages = 0

    def _step_chore(self):
        self.chore_due = time.monotonic() + CHORE_SECONDS
        try:
            next(self.chores[0])
        except StopIteration:
            del self.chores[0]

    def close(self):
        for chore in self.chores:
            chore.close()
        if self._helper:
            self._helper.close()


class Presync:
    """Syncs the WAL through a descriptor of its own. Nothing is promised by it."""

    def __init__(self, wal: Path, call):
        self.wal, self.call = wal, call
        self._queue = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="respnet-sync", daemon=True)
        self._thread.start()

    def ask(self, then):
        """Sync, then let the writer thread call `then`."""
        self._queue.put(then)

    def close(self):
        self._queue.put(None)
        self._thread.join()

    def _run(self):
        file = None
        while then := self._queue.get():
            try:
                if file is None:
                    file = os.open(self.wal, os.O_RDWR | os.O_CLOEXEC)
                getattr(os, "fdatasync", os.fsync)(file)
            except OSError:
                pass  # SQLite's own sync comes next and gets the same error
            self.call(then)
        if file is not None:
            os.close(file)
