"""Rows as CSV that a spreadsheet may open, and as JSON lines."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A cell that begins with one of these may be taken for a formula (OWASP, "CSV Injection"); the last four are the
same signs in full width."""


def as_csv(rows: Iterable[Sequence[Any]]) -> bytes:
    """RFC 4180, UTF-8. A text that could be taken for a formula gets an apostrophe before it; plain numbers do not."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> str:
    text = _text(value)
    return f"'{text}" if text.startswith(_RISKY) and not _NUMBER.fullmatch(text) else text


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return value.replace("\0", "")
    return json.dumps(value, ensure_ascii=False, default=_plain)


def as_json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """One object a line, values as they are."""
    lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":"), default=_plain) + "\n" for row in rows)
    return "".join(lines).encode("utf-8", "replace")


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
