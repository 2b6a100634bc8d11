"""The program as an operator runs it: a process of its own, with an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.mariadb import free_port

Run = Callable[..., subprocess.CompletedProcess[str]]


def clean_environment(**more: str) -> dict[str, str]:
    """Nothing of the machine's own settings reaches the program."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("BRIDGE_", "MAGENTO_", "TIKTOK_"))
    }
    return {**kept, **more}


@pytest.fixture
def bridge(tmp_path: Path) -> Run:
    """Run a command to its end, without a terminal."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        own = clean_environment(**{"BRIDGE_DATA_DIR": str(tmp_path / "data"), **environment})
        return subprocess.run(
            [sys.executable, "-m", "bridge", *arguments],
            env=own,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


class Served:
    """`bridge serve` as a process."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        own = {"BRIDGE_DATA_DIR": str(folder / "data"), "BRIDGE_PORT": str(self.port), **environment}
        self.log = folder / f"serve-{self.port}.log"
        self._began = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bridge", "serve"],
                env=clean_environment(**own),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def answering(self, seconds: float = 20) -> float:
        """Wait for the first answer; seconds since the start."""
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                    assert answer.status == 200
                    return time.monotonic() - self._began
            except urllib.error.URLError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() - self._began < seconds, self.log.read_text()
                time.sleep(0.01)

    def token(self) -> str:
        return (self.folder / "data" / "api-token").read_text().strip()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(30)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start services; whatever runs at the end of the test is stopped."""
    started: list[Served] = []

    def start(**environment: str) -> Served:
        started.append(Served(tmp_path, **environment))
        return started[-1]

    yield start
    for one in started:
        one.stop()
