"""What a driver's error means: do it again, the connection is gone, the storage is down, or our own mistake."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import Enum

from sqlalchemy.exc import DBAPIError


class Meaning(Enum):
    AGAIN = "again"
    """The server rolled the transaction back and says so: run it again, also when COMMIT said it."""
    LOST = "lost"
    """The connection is gone: what was not committed is not there; what was being committed may be."""
    DOWN = "down"
    """Nothing was written and trying at once will not help."""
    OURS = "ours"
    """A constraint or a mistake of the caller."""


@dataclass(frozen=True, slots=True)
class Failure:
    meaning: Meaning
    text: str = ""
    unknown_at_commit: bool = False
    """Where it strikes during COMMIT, nobody knows whether the commit holds."""


OURS = Failure(Meaning.OURS)

# Error numbers: MariaDB Knowledge Base "MariaDB Error Codes", MySQL 8 Error Message Reference.
_AGAIN = {
    1213: "deadlock",
    1205: "lock wait timeout",
    1020: "record changed since last read (innodb_snapshot_isolation, or Galera)",
}
_LOST = {0, 1053, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 2014, 2055, 3169, 4031}
_CONNECT = {
    1040: "it has too many connections: raise max_connections or lower the number of processes",
    1044: "the account may not use this database: GRANT it",
    1045: "it refuses the user or the password: check BRIDGE_DATABASE_URL",
    1047: "the cluster node is not ready (no quorum): check the cluster",
    1049: "the database does not exist: CREATE DATABASE it, or correct BRIDGE_DATABASE_URL",
    1130: "it does not let this host in: correct the account's host",
    1203: "the account has too many connections open",
    2002: "nobody listens there: start the server, or correct host, port or socket in BRIDGE_DATABASE_URL",
    2003: "nobody listens there: start the server, or correct host and port in BRIDGE_DATABASE_URL",
    2005: "its host name is not known: correct BRIDGE_DATABASE_URL",
}
_BROKEN = {
    3: "it cannot write a file, most often because its disk is full: make room",
    1021: "its disk is full: make room",
    1026: "it cannot write a file, most often because its disk is full: make room",
    1030: "its storage engine reports an error: read the server's log",
    1114: "a table is full, most often because its disk is full: make room",
    1290: "it is read-only: point BRIDGE_DATABASE_URL at the primary, or end read_only",
    1792: "it is read-only: point BRIDGE_DATABASE_URL at the primary, or end read_only",
    1836: "it is read-only: point BRIDGE_DATABASE_URL at the primary, or end read_only",
}

# Primary result codes: sqlite.org/rescode.html
_SQLITE = {
    sqlite3.SQLITE_FULL: "the disk is full: make room",
    sqlite3.SQLITE_IOERR: "reading or writing the file failed: look at the disk and the system's log",
    sqlite3.SQLITE_READONLY: "the file or its folder is read-only: give the service's user the right to write",
    sqlite3.SQLITE_BUSY: "another program holds a lock on the file: end it (a database browser, a backup tool)",
    sqlite3.SQLITE_LOCKED: "another program holds a lock on the file: end it (a database browser, a backup tool)",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened: give its folder to the service's user",
    sqlite3.SQLITE_PERM: "the file may not be used: give the service's user the right to read and write",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: stop the service and restore a backup",
    sqlite3.SQLITE_NOTADB: "the file is not a SQLite database: correct BRIDGE_DATABASE_URL",
}


def classify(problem: DBAPIError) -> Failure:
    """Read a driver's error as SQLAlchemy wrapped it."""
    cause = problem.orig
    if isinstance(cause, sqlite3.Error):
        primary = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        text = _SQLITE.get(primary)
        if text is None:
            return OURS
        return Failure(Meaning.DOWN, f"{text} ({cause})", unknown_at_commit=primary == sqlite3.SQLITE_IOERR)
    arguments = cause.args if cause is not None else ()
    code = arguments[0] if arguments and isinstance(arguments[0], int) else None
    detail = f"({', '.join(str(argument) for argument in arguments)})"
    if code in _AGAIN:
        return Failure(Meaning.AGAIN, f"{_AGAIN[code]} {detail}")
    if code in _CONNECT:
        return Failure(Meaning.DOWN, f"{_CONNECT[code]} {detail}")
    if code in _BROKEN:
        return Failure(Meaning.DOWN, f"{_BROKEN[code]} {detail}", unknown_at_commit=True)
    if code in _LOST or problem.connection_invalidated:
        return Failure(Meaning.LOST, f"the connection was lost {detail}", unknown_at_commit=True)
    return OURS
