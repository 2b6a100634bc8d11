"""SQLite: one writing connection, a few readers, and a lock file that keeps a second service away."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, QueuePool, create_engine, event

from bridge.storage.errors import AlreadyServed, StorageDown
from bridge.storage.trips import Trips

BUSY_MILLISECONDS = 10_000
READERS = 4


def path_of(url: URL) -> Path:
    """The database file. A database in memory cannot be shared by a writer and its readers, so it is refused."""
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise ValueError("a SQLite database needs a file: sqlite:////path/to/bridge.db")
    return Path(url.database).absolute()


class FileLock:
    """An advisory lock beside the database, gone with the process that holds it, however that ends."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".lock")
        self._database = database
        self._file: int | None = None

    def take(self) -> None:
        """Raises `AlreadyServed` with the holder's process id, `StorageDown` where no file can be made."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise StorageDown(
                f"cannot use {self._path.parent} for the database: {problem.strerror}. "
                "Make the folder and give it to the service's user, or set BRIDGE_DATA_DIR"
            ) from problem
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            holder = os.read(file, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(file)
            raise AlreadyServed(
                f"{self._database} is already served by process {holder}. One SQLite file takes one service: "
                "stop that process first, or use MySQL or MariaDB for several"
            ) from problem
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file = file
        # The file holds customers' addresses and sealed credentials: nobody else's business.
        os.close(os.open(self._database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))

    def give_back(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def make_trips(path: Path, *, writing: bool) -> Trips:
    """Transactions on one writing connection, or on a few that can only read; a thread for each."""
    connections = 1 if writing else READERS
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        # A connection is used by one thread at a time, but not always by the same.
        connect_args={"timeout": BUSY_MILLISECONDS / 1000, "check_same_thread": False},
    )

    def prepare(connection: Any, _record: Any) -> None:
        # The driver's own transaction control starts transactions late and as readers; ours says BEGIN itself.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        cursor.execute("PRAGMA foreign_keys = ON")
        if writing:
            cursor.execute("PRAGMA journal_mode = WAL")
            # Every commit reaches the disk before it is answered.
            cursor.execute("PRAGMA synchronous = FULL")
        else:
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return Trips(engine, connections)
