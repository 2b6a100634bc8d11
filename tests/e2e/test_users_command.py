"""`bridge users`, as an operator who lost the password runs it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Run, Served, clean_environment

NEW, TYPED = "a sentence of my own", "typed at a terminal"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    one = Served(tmp_path_factory.mktemp("served"))
    one.answering()
    yield one
    one.stop()


def environment(served: Served) -> dict[str, str]:
    return {"BRIDGE_URL": served.url, "BRIDGE_API_TOKEN": served.token()}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bridge", "users", *arguments]


def piped(served: Served, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        env=clean_environment(**environment(served)),
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def typed(served: Served, lines: list[str], *arguments: str) -> tuple[int, str]:
    """Exit code, and all that a terminal showed; each line is typed when it is asked for."""
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        command(*arguments),
        env=clean_environment(**environment(served)),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown, waiting, end = "", list(lines), time.monotonic() + 60
    while time.monotonic() < end:
        try:
            piece = os.read(mine, 4096).decode()
        except OSError:  # the program has ended, and its side of the terminal with it
            break
        if not piece:
            break
        shown += piece
        if waiting and shown.count(": ") > len(lines) - len(waiting) and shown.endswith(": "):
            os.write(mine, f"{waiting.pop(0)}\n".encode())
    os.close(mine)
    return process.wait(30), shown


def test_a_lost_password_is_set_anew_and_others_are_let_in(served: Served, bridge: Run) -> None:
    done = piped(served, f"{NEW}\n", "password", "Admin", "--stdin")
    assert (done.returncode, done.stdout) == (0, "admin has a new password, and signs in with it from now on.\n")
    code, shown = typed(served, [TYPED, TYPED], "add", "anna")
    assert code == 0, shown
    assert "anna may sign in from now on, to look: usr_" in shown
    assert TYPED not in shown, "what is typed is not shown"
    own = environment(served)
    made = bridge("users", "role", "anna", "manager", "--json", **own)
    assert json.loads(made.stdout)["role"] == "manager"
    listed = bridge("users", "list", **own)
    assert listed.returncode == 0
    assert [line.split()[1:3] for line in listed.stdout.splitlines()[1:]] == [["admin", "change"], ["anna", "change"]]
    assert bridge("users", "remove", "anna", **own).stdout == "anna may sign in no more.\n"
    users = json.loads(bridge("users", "list", "--json", **own).stdout)["users"]
    assert [one["name"] for one in users] == ["admin"]


def test_what_is_wrong_is_said(served: Served, bridge: Run) -> None:
    own = environment(served)
    nobody = bridge("users", "password", "admin", **own)
    assert (nobody.returncode, "--stdin" in nobody.stderr) == (2, True)
    empty = piped(served, "", "password", "admin", "--stdin")
    assert (empty.returncode, "standard input is empty" in empty.stderr) == (2, True)
    short = piped(served, "2short\n", "add", "ben", "--stdin")
    assert (short.returncode, "at least 10 characters" in short.stderr) == (1, True)
    assert "2short" not in short.stdout + short.stderr
    last = bridge("users", "role", "admin", "viewer", **own)
    assert (last.returncode, "make another user a manager first" in last.stderr) == (1, True)
    assert bridge("users", "role", "admin", "owner", **own).returncode == 2
    assert bridge("users", "remove", "nobody", **own).returncode == 1
