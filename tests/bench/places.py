"""The databases that are measured: on a disk, with every commit durable."""

from __future__ import annotations

import itertools
from pathlib import Path

from tests.support.mariadb import MariaDB


class Place:
    """`url` answers a fresh database each time it is asked."""

    def __init__(self, name: str, folder: Path, server: MariaDB | None) -> None:
        self.name = name
        self.folder = folder
        self._server = server
        self._numbers = itertools.count(1)

    def url(self, folder: Path) -> str:
        if self._server is not None:
            return self._server.url(self._server.new_database())
        folder.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{folder}/{next(self._numbers)}.db"
