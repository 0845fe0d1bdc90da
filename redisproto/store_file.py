"""The store's folder and its SQLite file: lock, modes, pragmas, schema, meta."""

import os
from contextlib import closing, contextmanager
from pathlib import Path

import apsw

from .store_codec import FORMAT, StoreError, checksum

APPLICATION_ID = 0x7265_7370  # "resp"
FILE = "store.db"
LOCK = "store.lock"

SCHEMA = {
    "meta": "CREATE TABLE meta(k TEXT PRIMARY KEY, v BLOB NOT NULL, h64 INTEGER NOT NULL) "
    "STRICT, WITHOUT ROWID",
    "obj": "CREATE TABLE obj(db INTEGER NOT NULL, key BLOB NOT NULL, id INTEGER NOT NULL, "
    "kind INTEGER NOT NULL, gen INTEGER NOT NULL, ver INTEGER NOT NULL, at INTEGER NOT NULL, "
    "expire_ms INTEGER, h64 INTEGER NOT NULL, layout BLOB NOT NULL, head BLOB NOT NULL, "
    "PRIMARY KEY(db, key)) STRICT, WITHOUT ROWID",
    "part": "CREATE TABLE part(id INTEGER NOT NULL, ver INTEGER NOT NULL, n INTEGER NOT NULL, "
    "h64 INTEGER NOT NULL, payload BLOB NOT NULL, PRIMARY KEY(id, ver, n)) STRICT, WITHOUT ROWID",
    "log": "CREATE TABLE log(pos INTEGER PRIMARY KEY, h64 INTEGER NOT NULL, "
    "payload BLOB NOT NULL) STRICT",
}

# EXCLUSIVE: no shared-memory file, no second process. Small pages: a group commit of one effect
# writes one page, so 1 KiB instead of 4 KiB is a third of the WAL traffic (measured).
PRAGMAS = (
    "page_size=1024",
    "locking_mode=EXCLUSIVE",
    "auto_vacuum=INCREMENTAL",
    "journal_mode=WAL",
    "wal_autocheckpoint=0",
    "journal_size_limit=67108864",
    "cache_size=-16384",
    "fullfsync=1",
    "checkpoint_fullfsync=1",
    "cell_size_check=1",
    "temp_store=MEMORY",
)


class FolderLock:
    """A lock file: one process per folder. The kernel drops it with the process."""

    def __init__(self, folder: Path):
        self.file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(self.file)
        except OSError:
            owner = os.pread(self.file, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self.file)
            raise StoreError(f"{folder} is in use by process {owner}") from None
        os.ftruncate(self.file, 0)
        os.pwrite(self.file, b"%d\n" % os.getpid(), 0)

    def release(self):
        os.close(self.file)


def _lock(file):
    try:
        import fcntl
    except ImportError:  # Windows: SQLite's exclusive lock alone keeps others out
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def prepare_folder(folder: Path):
    """Make the folder (0700) and the empty file (0600); refuse a folder that holds other things."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    strangers = [p.name for p in folder.iterdir() if not p.name.startswith("store.")]
    if strangers and not (folder / FILE).exists():
        raise StoreError(
            f"{folder} is not a store: it holds {strangers[0]!r}; name an empty folder"
        )
    folder.chmod(0o700)
    os.close(os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    (folder / FILE).chmod(0o600)


def connect(folder: Path, vfs=None) -> apsw.Connection:
    """Open the file, recover the WAL, make or check the schema."""
    file = folder / FILE
    with reading(file):
        connection = apsw.Connection(str(file), vfs=vfs)
        for pragma in PRAGMAS:
            connection.execute("PRAGMA " + pragma).fetchall()
        if connection.pragma("user_version") == 0 and connection.pragma("application_id") == 0:
            _create(connection)
        _check_schema(connection, file)
    return connection


@contextmanager
def reading(place):
    """What SQLite says about a file it cannot read or write, as a StoreError."""
    try:
        yield
    except (apsw.CorruptError, apsw.NotADBError, UnicodeDecodeError) as error:
        raise StoreError(f"{place} is damaged: {error}; restore a backup") from error
    except apsw.Error as error:
        raise StoreError(f"{place}: {error}") from error


def _create(connection):
    with closing(connection.cursor()) as cursor, connection:
        if cursor.execute("SELECT count(*) FROM sqlite_schema").get:
            return
        for statement in SCHEMA.values():
            cursor.execute(statement)
        cursor.execute(f"PRAGMA application_id={APPLICATION_ID}")
        cursor.execute(f"PRAGMA user_version={FORMAT}")


def _check_schema(connection, file):
    application, version = connection.pragma("application_id"), connection.pragma("user_version")
    if application != APPLICATION_ID:
        raise StoreError(f"{file} is not a respnet store (application id {application})")
    if version != FORMAT:
        raise StoreError(f"{file} has format {version}; this respnet reads format {FORMAT}")
    found = dict(connection.execute("SELECT name, sql FROM sqlite_schema"))
    if found != SCHEMA:
        raise StoreError(f"{file}: the schema is damaged")


def read_meta(connection) -> dict:
    """All of meta, verified."""
    meta = {}
    for k, v, h64 in connection.execute("SELECT k, v, h64 FROM meta"):
        if h64 != checksum(k.encode() + b"=" + v):
            raise StoreError(f"meta entry {k!r} has a bad checksum")
        meta[k] = v
    return meta


def write_meta(cursor, k: str, v: bytes):
    cursor.execute("REPLACE INTO meta VALUES(?,?,?)", (k, v, checksum(k.encode() + b"=" + v)))
