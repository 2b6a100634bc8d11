"""`bridge export`: a file is whole or not there."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.conftest import Run, Served


def test_a_book_is_written_to_a_file_and_to_the_standard_output(
    bridge: Run, serve: Callable[..., Served], tmp_path: Path
) -> None:
    service = serve()
    service.answering()
    done = bridge("export", "audit", "-o", "audit.csv", "--url", service.url)
    assert (done.returncode, done.stdout) == (0, "")
    head, first, rest = (tmp_path / "audit.csv").read_bytes().split(b"\r\n")
    assert head == b"id,at,who,what,before,after"
    assert re.search(rb",bridge,user usr_\w+ added,", first), "what the first start did"
    assert rest == b""
    assert not list(tmp_path.glob(".audit.csv*"))
    shown = bridge("export", "drifts", "--url", service.url)
    assert shown.stdout.startswith("id,at,order,store_order,shop,side,")
    wrong = bridge("export", "changelog", "--since", "yesterday", "--url", service.url)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "since" in wrong.stderr
    nowhere = bridge("export", "audit", "-o", "no/such/folder/audit.csv", "--url", service.url)
    assert nowhere.returncode == 1
    assert "cannot write no/such/folder/audit.csv" in nowhere.stderr


@contextmanager
def broken_service() -> Iterator[str]:
    """Answers with the first chunk of an export, and cuts the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                head = (
                    "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nBridge-Rows: 9\r\nTransfer-Encoding: chunked\r\n\r\n"
                )
                connection.sendall(f"{head}9\r\nid,order\r\n".encode())

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_what_breaks_off_leaves_the_file_as_it_was(bridge: Run, tmp_path: Path) -> None:
    file = tmp_path / "changelog.csv"
    file.write_text("of yesterday")
    with broken_service() as url:
        done = bridge("export", "changelog", "-o", "changelog.csv", "--url", url)
    assert done.returncode == 1
    assert "broke off in the middle" in done.stderr
    assert file.read_text() == "of yesterday"
    assert not list(tmp_path.glob(".changelog.csv*"))
