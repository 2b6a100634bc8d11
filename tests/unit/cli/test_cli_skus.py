"""SKU mappings from a CSV file: each line understood or named."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cli.failing import Failed
from bridge.cli.skus import read


@pytest.mark.parametrize(
    "text",
    [
        "A,B\nC D,E\n",
        "seller_sku,store_sku\nA,B\n\nC D,E",
        "\ufeffSeller_SKU;Store_SKU\r\nA;B\r\nC D;E\r\n",
        "A\tB\nC D\tE\nA\tB\n",
        '"A","B"\n"C D",E\n',
    ],
)
def test_any_usual_file_is_read(tmp_path: Path, text: str) -> None:
    file = tmp_path / "skus.csv"
    file.write_bytes(text.encode())
    assert read(file) == {"A": "B", "C D": "E"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("A,B\nC\n", "line 2: two columns"),
        ("A,B\nC,\n", "line 2: two columns"),
        ("A,B,C\n", "line 1: two columns"),
        ("A,B\nA,C\n", "line 2: A is mapped twice"),
        ("seller_sku,store_sku\n", "no mapping"),
        ("", "no mapping"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "skus.csv"
    file.write_text(text)
    with pytest.raises(Failed, match=says):
        read(file)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("Ä,B".encode("latin-1"))
    for name, says in (("none.csv", "No such file"), ("latin.csv", "not UTF-8")):
        with pytest.raises(Failed, match=says):
            read(tmp_path / name)
