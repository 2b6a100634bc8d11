"""A server's answers read whole: aiomysql's connection, with a quicker way of reading what a query answers.

aiomysql waits twice for each packet of an answer, and reads the description of each column anew for each answer: for a
row of seventy columns that takes longer than all else. Here an answer is taken from the socket in as few pieces as it
comes in, and what a statement's columns are is remembered by the very bytes that described them. Connecting, sending,
errors, what a description means and how a value is read from its bytes stay aiomysql's.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any, Self

import aiomysql
from aiomysql.connection import MySQLResult
from pymysql.constants import CR
from pymysql.err import InternalError, MySQLError, OperationalError
from pymysql.protocol import MysqlPacket

_PIECE = 256 * 1024
_HEAD = 4
"""Bytes before each packet: its length in three, its number in one."""
_FULL = 0xFFFFFF
"""A packet of this length goes on in the next one."""
_NULL, _EOF, _ERROR = 0xFB, 0xFE, 0xFF
_LENGTHS = {0xFC: 2, 0xFD: 3, 0xFE: 8}
"""A value's first byte → in how many bytes its length follows; a smaller first byte is the length itself."""
_REMEMBERED = 1000
"""Statements whose columns are kept; ours are fewer."""

_SIGNS_OF_LIFE = {
    getattr(socket, name): value
    for name, value in {
        "TCP_KEEPIDLE": 10,
        "TCP_KEEPINTVL": 5,
        "TCP_KEEPCNT": 4,
        "TCP_USER_TIMEOUT": 30_000,
    }.items()
    if hasattr(socket, name)
}
"""A host that is gone without a word is given up after half a minute, where the platform can: idle or asked."""

_Converters = Sequence[tuple[str | None, Callable[[Any], Any] | None]]
_known: dict[tuple[str, bytes], tuple[Any, Any, _Converters]] = {}


class Connection(aiomysql.Connection):  # type: ignore[misc]  # aiomysql has no types
    _next_seq_id: int
    _result: Any
    _affected_rows: Any
    _writer: Any

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._got = bytearray()
        """Received and not yet read."""

    async def opened(self) -> Self:
        """Raises `MySQLError`, whatever was in the way; nothing is left open then."""
        try:
            # The driver's own limit ends where the server has taken the connection; the greeting may never come.
            async with asyncio.timeout(self.connect_timeout):
                await self._connect()
        except asyncio.CancelledError:
            self.close()
            raise
        except MySQLError:
            raise
        except TimeoutError as problem:
            self.close()
            text = f"Can't connect to MySQL server on {self._host!r}: no greeting within {self.connect_timeout} s"
            raise OperationalError(CR.CR_CONN_HOST_ERROR, text) from problem
        except Exception as problem:
            # A connection that is cut right after it was made is no socket any more, and uvloop calls using it a
            # mistake of ours; what is no MySQL server greets in words that cannot be read.
            self.close()
            text = f"Lost connection to MySQL server while connecting ({type(problem).__name__}: {problem})"
            raise OperationalError(CR.CR_SERVER_LOST, text) from problem
        return self

    def _set_keep_alive(self) -> None:
        super()._set_keep_alive()
        raw = self._writer.transport.get_extra_info("socket")
        for option, value in _SIGNS_OF_LIFE.items():
            raw.setsockopt(socket.IPPROTO_TCP, option, value)

    @property
    def _is_cut(self) -> bool:
        """Closed from the other side while nobody looked: uvloop calls writing to it a mistake of ours."""
        return self._writer is not None and self._writer.transport.is_closing()

    def _write_bytes(self, data: bytes) -> None:
        if self._is_cut:
            self.close()
            raise OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server before query")
        self._writer.write(data)

    async def ensure_closed(self) -> None:
        if self._is_cut:
            self.close()
        try:
            await super().ensure_closed()
        except OSError:
            # Cut while we said goodbye: there is nobody to say it to.
            self.close()

    async def _more(self) -> None:
        try:
            piece = await self._reader.read(_PIECE)
        except asyncio.CancelledError:
            # Half an answer may still be on its way.
            self._close_on_cancel()
            raise
        except OSError as problem:
            self.close()
            text = f"Lost connection to MySQL server during query ({problem})"
            raise OperationalError(CR.CR_SERVER_LOST, text) from problem
        if not piece:
            self.close()
            raise OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server during query")
        self._got += piece

    async def _read_bytes(self, num_bytes: int) -> bytes:
        while len(self._got) < num_bytes:
            await self._more()
        taken = bytes(self._got[:num_bytes])
        del self._got[:num_bytes]
        return taken

    async def _read_query_result(self, unbuffered: bool = False) -> None:
        if unbuffered:
            await super()._read_query_result(unbuffered=True)
            return
        self._result = None
        result = _Result(self)
        await result.read()
        self._result = result
        self._affected_rows = result.affected_rows
        if result.server_status is not None:
            self.server_status = result.server_status

    async def up_to_the_end(self) -> tuple[list[bytes], int]:
        """What the packets hold up to the one that ends them, which is the last: "that was all", or an error.

        And where they end in what was received; nothing is taken off yet.
        """
        packets: list[bytes] = []
        at, number, begun = 0, self._next_seq_id, b""
        while True:
            while (size := self._size(at)) is None:
                await self._more()
            if self._got[at + 3] != number:
                got = self._got[at + 3]
                self.close()
                raise InternalError(f"Packet sequence number wrong - got {got} expected {number}")
            number = (number + 1) % 256
            packet = begun + self._got[at + _HEAD : at + _HEAD + size]
            at += _HEAD + size
            if size == _FULL:
                begun = packet
                continue
            begun = b""
            packets.append(packet)
            if packet[0] == _ERROR or (packet[0] == _EOF and len(packet) < 9):
                return packets, at

    def _size(self, at: int) -> int | None:
        """Length of the packet that begins there; None: not all of it is here."""
        if len(self._got) < at + _HEAD:
            return None
        size = int.from_bytes(self._got[at : at + 3], "little")
        return size if len(self._got) >= at + _HEAD + size else None

    def take(self, packets: int, end: int) -> None:
        """So many packets were read, up to there."""
        self._next_seq_id = (self._next_seq_id + packets) % 256
        del self._got[:end]


class _Result(MySQLResult):  # type: ignore[misc]  # aiomysql has no types
    connection: Any
    fields: Any
    description: Any
    converters: _Converters
    affected_rows: int | None

    async def _get_descriptions(self) -> None:
        connection: Connection = self.connection
        packets, end = await connection.up_to_the_end()
        described = connection.encoding, b"".join(packets)
        if described not in _known:
            await super()._get_descriptions()
            if len(_known) < _REMEMBERED:
                _known[described] = self.fields, self.description, self.converters
            return
        connection.take(len(packets), end)
        self.fields, self.description, self.converters = _known[described]

    async def _read_rowdata_packet(self) -> None:
        connection: Connection = self.connection
        (*rows, last), end = await connection.up_to_the_end()
        connection.take(len(rows) + 1, end)
        ending = MysqlPacket(last, connection.encoding)
        ending.check_error()
        self._check_packet_is_eof(ending)
        self.rows = tuple([_row(packet, self.converters) for packet in rows])
        self.affected_rows = len(rows)
        self.connection = None


def _row(packet: bytes, converters: _Converters) -> tuple[Any, ...]:
    row: list[Any] = []
    at = 0
    for encoding, convert in converters:
        size = packet[at]
        at += 1
        if size == _NULL:
            row.append(None)
            continue
        if size in _LENGTHS:
            width = _LENGTHS[size]
            size = int.from_bytes(packet[at : at + width], "little")
            at += width
        value: Any = packet[at : at + size]
        at += size
        if encoding is not None:
            value = value.decode(encoding)
        row.append(value if convert is None else convert(value))
    return tuple(row)


async def connect(*args: Any, **named: Any) -> Connection:
    """For SQLAlchemy, in place of `aiomysql.connect`."""
    return await Connection(*args, **named).opened()
