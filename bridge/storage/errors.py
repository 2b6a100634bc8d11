"""What can be wrong with the storage, in words that say what to do. No message carries a password."""

from __future__ import annotations


class StorageProblem(Exception):
    """Anything wrong with the storage."""


class StorageDown(StorageProblem):
    """Nothing was written: the database cannot be reached, is full, read-only, locked or broken."""


class CommitUnknown(StorageProblem):
    """The connection was lost while COMMIT was under way: it may be written or not. Read before doing it again."""


class AlreadyServed(StorageProblem):
    """Another process serves this SQLite file."""


class DatabaseNewer(StorageProblem):
    """The database was written by a newer version of the program."""


class DatabaseOlder(StorageProblem):
    """The database has not been migrated to what this program needs."""


class WrongSecretKey(StorageProblem):
    """No configured secret key opens what is stored."""


class InUse(StorageProblem):
    """Something still lives on what was to be deleted."""


class AlreadyOpen(StorageProblem):
    """The order has an open claim already."""


class NotFound(StorageProblem, LookupError):
    """There is no such row."""
