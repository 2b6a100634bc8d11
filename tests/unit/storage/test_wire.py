"""An answer of the server, cut anywhere on its way, is read as what it says."""

from __future__ import annotations

import asyncio
import itertools
import struct
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymysql.constants import FIELD_TYPE
from pymysql.err import InternalError, OperationalError

from bridge.storage.wire import Connection

UTF8, BINARY = 45, 63
FULL = 0xFFFFFF


def _packets(payloads: Sequence[bytes]) -> bytes:
    """Framed as the server frames the answer to a query: numbered from 1, long ones in several parts."""
    framed, number = bytearray(), 1
    for payload in payloads:
        rest = payload
        while True:
            part, rest = rest[:FULL], rest[FULL:]
            framed += len(part).to_bytes(3, "little") + bytes([number % 256]) + part
            number += 1
            if len(part) < FULL:
                break
    return bytes(framed)


def _coded(value: bytes | None) -> bytes:
    if value is None:
        return b"\xfb"
    size = len(value)
    if size < 251:
        return bytes([size]) + value
    if size < 1 << 16:
        return b"\xfc" + size.to_bytes(2, "little") + value
    if size < 1 << 24:
        return b"\xfd" + size.to_bytes(3, "little") + value
    return b"\xfe" + size.to_bytes(8, "little") + value


def _column(name: str, kind: int, charset: int) -> bytes:
    texts = [b"def", b"", b"", b"", name.encode(), name.encode()]
    return b"".join(_coded(text) for text in texts) + struct.pack("<BHIBHBxx", 12, charset, 1024, kind, 0, 0)


_END = b"\xfe" + struct.pack("<HH", 0, 2)
COLUMNS = [
    _column("text", FIELD_TYPE.VAR_STRING, UTF8),
    _column("number", FIELD_TYPE.LONGLONG, BINARY),
    _column("bytes", FIELD_TYPE.BLOB, BINARY),
]
Row = tuple[str | None, int | None, bytes | None]


def _answer(rows: Sequence[Row], ending: bytes = _END) -> bytes:
    told = [
        b"".join(
            [
                _coded(None if text is None else text.encode()),
                _coded(None if number is None else str(number).encode()),
                _coded(blob),
            ]
        )
        for text, number, blob in rows
    ]
    return _packets([bytes([len(COLUMNS)]), *COLUMNS, _END, *told, ending])


async def _read(pieces: Sequence[bytes], *, ends: bool = False) -> tuple[Row, ...]:
    connection = Connection(host="nowhere", charset="utf8mb4")
    connection._reader = asyncio.StreamReader()
    connection._next_seq_id = 1
    reading = asyncio.create_task(connection._read_query_result())
    for piece in pieces:
        connection._reader.feed_data(piece)
        await asyncio.sleep(0)
    if ends:
        connection._reader.feed_eof()
    async with asyncio.timeout(10):
        await reading
    rows: tuple[Row, ...] = connection._result.rows
    assert connection.affected_rows() == len(rows)
    assert [column[0] for column in connection._result.description] == ["text", "number", "bytes"]
    assert not connection._got
    return rows


_ROWS = st.lists(
    st.tuples(
        st.none() | st.text(st.characters(exclude_categories=["Cs"])) | st.just("x" * 251) | st.just("ü" * 40_000),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.binary(max_size=300),
    ),
    max_size=300,
)


@given(rows=_ROWS, cuts=st.lists(st.floats(0, 1), max_size=5))
@settings(max_examples=60, deadline=None)
def test_an_answer_in_any_pieces(rows: list[Row], cuts: list[float]) -> None:
    whole = _answer(rows)
    places = [0, *sorted(int(cut * len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[start:end] for start, end in itertools.pairwise(places)]
    assert asyncio.run(_read(pieces)) == tuple(rows)


@pytest.mark.parametrize("size", [250, 251, 65_535, 65_536, FULL - 20, FULL, FULL + 1, 2 * FULL])
async def test_values_of_every_length(size: int) -> None:
    rows: list[Row] = [("before", 1, b"x" * size), ("after", 2, b"")]
    assert await _read([_answer(rows)]) == tuple(rows)


async def test_an_error_after_some_rows_is_raised() -> None:
    error = b"\xff" + struct.pack("<H", 1205) + b"#HY000Lock wait timeout exceeded"
    with pytest.raises(OperationalError, match="Lock wait timeout"):
        await _read([_answer([("one", 1, b"")], error)])


async def test_a_connection_that_ends_within_an_answer_is_lost() -> None:
    whole = _answer([("one", 1, b"1")])
    for length in (2, 30, len(whole) - 1):
        with pytest.raises(OperationalError, match="Lost connection"):
            await _read([whole[:length]], ends=True)


async def test_a_packet_out_of_its_order_is_refused() -> None:
    wrong = bytearray(_answer([("one", 1, b"1")]))
    wrong[-len(_END) - 1] += 1
    with pytest.raises(InternalError, match="sequence number"):
        await _read([bytes(wrong)])


async def test_the_same_names_with_other_types_are_other_columns() -> None:
    """What is remembered of columns is remembered by all that was said of them."""
    assert await _read([_answer([("1", 1, b"1")])]) == (("1", 1, b"1"),)
    column = _column("number", FIELD_TYPE.VAR_STRING, UTF8)
    told = _packets([b"\x03", COLUMNS[0], column, COLUMNS[2], _END, b"\x011\x011\x011", _END])
    [row] = await _read([told])
    assert list(row) == ["1", "1", b"1"]
