"""What a driver's error means: do it again, the connection is gone, the storage is down, or our own mistake."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import Enum

from sqlalchemy.exc import DBAPIError, InternalError, OperationalError


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
_STOPPED = {
    1317: "the statement was broken off (KILL QUERY)",
    1969: "the statement ran into the server's time limit (max_statement_time)",
    3024: "the statement ran into the server's time limit (max_execution_time)",
}
"""The statement did nothing and its transaction can be run again. Where it was COMMIT, that alone is not said."""
_LOST = {0, 1053, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 2014, 2055, 3169, 4031}
_CONNECT = {
    1040: "it has too many connections: raise max_connections or lower the number of processes",
    1044: "the account may not use this database: GRANT it",
    1045: "it refuses the user or the password: check BRIDGE_DATABASE_URL",
    1047: "the cluster node is not ready (no quorum): check the cluster",
    1049: "the database does not exist: CREATE DATABASE it, or correct BRIDGE_DATABASE_URL",
    1129: "it blocks this host after failed connections: find out which failed, then FLUSH HOSTS",
    1130: "it does not let this host in: correct the account's host",
    1142: "the account lacks a right: GRANT it ALL on the database",
    1143: "the account lacks a right: GRANT it ALL on the database",
    1203: "the account has too many connections open",
    1227: "the account lacks a right: GRANT it ALL on the database",
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
    1135: "it cannot make a thread for the connection: give it more memory, or lower the number of processes",
    1180: "a commit failed there: read the server's log",
    1226: "the account has used up what it may do: raise its limits (MAX_QUERIES_PER_HOUR, MAX_USER_CONNECTIONS)",
    1290: "it is read-only: point BRIDGE_DATABASE_URL at the primary, or end read_only",
    1792: "it is read-only: point BRIDGE_DATABASE_URL at the primary, or end read_only",
    1836: "it is read-only: point BRIDGE_DATABASE_URL at the primary, or end read_only",
    3032: "it is in offline mode: end offline_mode",
    9001: "the proxy before it (ProxySQL) finds no server that works: look at the servers behind it",
}
_STATEMENT = frozenset(
    {1050, 1051, 1052, 1054, 1055, 1060, 1061, 1066, 1072, 1091, 1101, 1118, 1136, 1153, 1176, 1222, 1241, 1242}
    | {1267, 1270, 1271, 1292, 1300, 1305, 1364, 1365, 1411, 1690, 3819, 4025}
)
"""About one statement or its values, though the driver calls it operational: no later time makes it right."""

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
    if code in _STOPPED:
        return Failure(Meaning.AGAIN, f"{_STOPPED[code]} {detail}", unknown_at_commit=True)
    if code in _CONNECT:
        return Failure(Meaning.DOWN, f"{_CONNECT[code]} {detail}")
    if code in _BROKEN:
        return Failure(Meaning.DOWN, f"{_BROKEN[code]} {detail}", unknown_at_commit=True)
    if code in _LOST or problem.connection_invalidated:
        return Failure(Meaning.LOST, f"the connection was lost {detail}", unknown_at_commit=True)
    if code in _STATEMENT or not isinstance(problem, OperationalError | InternalError):
        return OURS
    if code is None:
        # The driver's own words for an answer that makes no sense: it has closed the connection.
        return Failure(Meaning.LOST, f"the connection was lost {detail}", unknown_at_commit=True)
    # A server, or a proxy before it, that says something new says it of itself: whoever waits for it loses nothing.
    return Failure(Meaning.DOWN, f"it says {detail}: look the number up, and read its log", unknown_at_commit=True)
