"""Backups as an operator makes them: a copy of the SQLite file while it is in use, `mariadb-dump`."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

from sqlalchemy import make_url


def back_up(database_url: str, to: Path) -> None:
    """The database may be in use."""
    url = make_url(database_url)
    if url.drivername == "sqlite":
        source, target = sqlite3.connect(str(url.database)), sqlite3.connect(to)
        source.backup(target)
        target.close()
        source.close()
        return
    to.write_bytes(_client("mariadb-dump", database_url, "--single-transaction"))


def restore(database_url: str, from_: Path) -> None:
    """The service is stopped."""
    url = make_url(database_url)
    if url.drivername == "sqlite":
        for end in ("-wal", "-shm"):
            Path(f"{url.database}{end}").unlink(missing_ok=True)
        shutil.copy(from_, str(url.database))
        return
    _client("mariadb", database_url, given=from_.read_bytes())


def _client(name: str, database_url: str, *options: str, given: bytes = b"") -> bytes:
    url = make_url(database_url)
    program = shutil.which(name)
    assert program is not None, f"{name} is not installed (Debian, Ubuntu: apt-get install mariadb-client)"
    done = subprocess.run(
        [
            program,
            "--no-defaults",
            f"--host={url.host}",
            f"--port={url.port}",
            f"--user={url.username}",
            *options,
            str(url.database),
        ],
        env={**os.environ, "MYSQL_PWD": str(url.password)},
        input=given,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
