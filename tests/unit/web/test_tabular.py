"""CSV that a spreadsheet may open, and JSON lines that lose nothing."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.web.tabular import as_csv, as_json_lines


def read(raw: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(raw.decode(), newline="")))


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1 (0)",
        "-cmd|' /C calc'!A0",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "＝1",
        '=HYPERLINK("http://x")',
        "-1-1",
    ],
)
def test_what_a_spreadsheet_could_run_is_a_text(text: str) -> None:
    assert read(as_csv([[text, "after"]])) == [[f"'{text}", "after"]]


@pytest.mark.parametrize("text", ["-2.00", "-5", "0.05", "12"])
def test_plain_numbers_stay_numbers(text: str) -> None:
    assert as_csv([[text]]) == f"{text}\r\n".encode()


def test_rows_follow_rfc_4180() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    raw = as_csv([["id", "because"], ['say "x"', "a, b\r\nc"], [None, at], [{"a": [1]}, "é"]])
    assert raw == (
        b'id,because\r\n"say ""x""","a, b\r\nc"\r\n,2026-01-02T03:04:05+00:00\r\n"{""a"": [1]}",\xc3\xa9\r\n'
    )


@given(st.lists(st.lists(st.text(), min_size=2, max_size=4), max_size=5))
def test_every_text_comes_back_and_none_begins_like_a_formula(rows: list[list[str]]) -> None:
    back = read(as_csv(rows))
    assert len(back) == len(rows)
    for row, found in zip(rows, back, strict=True):
        for text, cell in zip(row, found, strict=True):
            clean = text.replace("\0", "").encode("utf-8", "replace").decode()
            assert cell in {clean, f"'{clean}"}
            if cell == clean:
                number = cell.lstrip("-").replace(".", "", 1).isdigit()
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) or number


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=4), max_size=5))
def test_json_lines_hold_what_was_there(rows: list[dict[str, Any]]) -> None:
    lines = as_json_lines(rows).decode().split("\n")
    assert lines.pop() == ""
    assert [json.loads(line) for line in lines] == json.loads(json.dumps(rows).encode("utf-8", "replace"))
