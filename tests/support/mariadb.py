"""A MariaDB server of the tests' own: temporary data, loopback and a socket, ended by its process id."""

from __future__ import annotations

import ctypes
import getpass
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pymysql

INSTALL = "no mariadbd found: install MariaDB 10.6 or newer (Debian, Ubuntu: apt-get install mariadb-server)"
_USER, _PASSWORD = "bridge", "loopback-only"


def _die_with_parent() -> None:
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


class NoMariaDB(RuntimeError):
    pass


def _find(*names: str) -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/usr/libexec"])
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return found
    raise NoMariaDB(INSTALL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class MariaDB:
    """Started with `start()`; `stop()` and `start()` again keep the data. `kept`: a folder whose data, where there
    are any, are used again. `flags` go to the server.
    """

    def __init__(self, root: Path | None = None, *, kept: Path | None = None, flags: tuple[str, ...] = ()) -> None:
        self._server = _find("mariadbd", "mysqld")
        self._install = _find("mariadb-install-db", "mysql_install_db")
        # In memory where there is room: tests wait for many commits. Benches name a folder on a disk.
        memory = Path("/dev/shm")
        base = root or (memory if memory.is_dir() and os.access(memory, os.W_OK) else None)
        self.root = kept or Path(tempfile.mkdtemp(prefix="bridge-mariadb-", dir=base))
        self._flags = flags
        self._socket = Path(tempfile.mkdtemp(prefix="bridge-sock-")) / "s"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._names = itertools.count(1)
        # A server that starts clears its temporary folder of what looks like a server's, another one's in use too.
        self._temporary = self.root / "tmp"
        self._temporary.mkdir(parents=True, exist_ok=True)
        if not (self.root / "data").is_dir():
            self._install_data()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _install_data(self) -> None:
        user = getpass.getuser()
        done = subprocess.run(
            [
                self._install,
                "--no-defaults",
                f"--datadir={self.root / 'data'}",
                f"--tmpdir={self._temporary}",
                f"--user={user}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=90,
        )
        if done.returncode:
            raise NoMariaDB(f"mariadb-install-db failed: {done.stdout.decode()[-600:]}{done.stderr.decode()[-600:]}")

    def start(self) -> None:
        log = (self.root / "server.log").open("ab")
        self._process = subprocess.Popen(
            [
                self._server,
                "--no-defaults",
                f"--datadir={self.root / 'data'}",
                f"--tmpdir={self._temporary}",
                f"--user={getpass.getuser()}",
                f"--socket={self._socket}",
                f"--port={self.port}",
                "--bind-address=127.0.0.1",
                f"--pid-file={self.root / 'pid'}",
                "--innodb-flush-log-at-trx-commit=1",
                "--innodb-buffer-pool-size=64M",
                "--innodb-log-file-size=32M",
                "--skip-name-resolve",
                "--character-set-server=utf8mb4",
                # Another zone than UTC: what takes the session's zone for granted shows.
                "--default-time-zone=+05:30",
                "--performance-schema=OFF",
                *self._flags,
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # A run that is killed takes its server with it.
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 -- nothing but a system call
        )
        log.close()
        end = time.monotonic() + 40
        while True:
            if self._process.poll() is not None or time.monotonic() > end:
                tail = (self.root / "server.log").read_text(errors="replace")[-1500:]
                raise NoMariaDB(f"mariadbd did not start: {tail}")
            if self._listens():
                break
            time.sleep(0.05)
        self.execute(
            f"CREATE USER IF NOT EXISTS '{_USER}'@'%' IDENTIFIED BY '{_PASSWORD}'",
            f"GRANT ALL ON *.* TO '{_USER}'@'%'",
        )

    def _listens(self) -> bool:
        # Not through the driver, which leaves its socket open when it is refused.
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._socket)) == 0

    def execute(self, *statements: str, database: str | None = None) -> tuple[tuple[Any, ...], ...]:
        """Run as root through the socket; rows of the last statement."""
        with (
            pymysql.connect(
                unix_socket=str(self._socket), user="root", database=database, autocommit=True
            ) as connection,
            connection.cursor() as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)
            return tuple(cursor.fetchall())

    def new_database(self) -> str:
        name = f"t{next(self._names)}_{os.getpid()}"
        self.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    def copy_database(self, template: str) -> str:
        """A database with the template's tables and its revision, quicker than a migration."""
        name = self.new_database()
        tables = [row[0] for row in self.execute("SHOW TABLES", database=template)]
        self.execute(
            *[f"CREATE TABLE {name}.{table} LIKE {template}.{table}" for table in tables],
            f"INSERT INTO {name}.alembic_version SELECT * FROM {template}.alembic_version",
        )
        return name

    def drop_database(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name}")

    def url(self, database: str) -> str:
        return f"mysql://{_USER}:{_PASSWORD}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process = None

    def remove(self) -> None:
        self.leave()
        shutil.rmtree(self.root, ignore_errors=True)

    def leave(self) -> None:
        """Stop, and leave the data where they are."""
        self.stop()
        shutil.rmtree(self._socket.parent, ignore_errors=True)
