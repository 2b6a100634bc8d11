"""Column types and the database's own clock, the same in both dialects."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, BindParameter, Dialect, Text, bindparam, literal
from sqlalchemy.dialects.mysql import LONGTEXT
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

# SQLite before 3.42 knows no 'subsec'; a Julian day as a double is exact to 0.05 ms.
SQLITE_NOW = "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)"
# NOW() is in the session's time zone and UNIX_TIMESTAMP() reads it so; the engine sets that zone to UTC, which has no
# hour that comes twice.
MYSQL_NOW = "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)"


def to_millis(moment: datetime) -> int:
    """Epoch milliseconds of an aware time; fractions of a millisecond are cut off."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; times are aware UTC")
    return (moment - _EPOCH) // _MILLISECOND


def from_millis(millis: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=millis)


class Instant(TypeDecorator[datetime]):
    """An aware UTC time, stored as epoch milliseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 -- SQLAlchemy calls it so
        return None if value is None else to_millis(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 -- SQLAlchemy calls it so
        return None if value is None else from_millis(int(value))


class _Seconds(TypeDecorator[float]):
    """Seconds, bound as whole milliseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> int | None:  # noqa: ARG002 -- SQLAlchemy calls it so
        return None if value is None else round(value * 1000)


class Json(TypeDecorator[Any]):
    """A JSON value, stored as text."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(LONGTEXT() if dialect.name in {"mysql", "mariadb"} else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 -- SQLAlchemy calls it so
        # ASCII only: a lone surrogate in a remote's JSON would otherwise be refused by the driver.
        return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=True)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002 -- SQLAlchemy calls it so
        return None if value is None else json.loads(value)


class _DatabaseNow(FunctionElement[datetime]):
    name = "database_now"
    type = Instant()
    inherit_cache = True


@compiles(_DatabaseNow)
def _unknown_now(element: _DatabaseNow, compiler: SQLCompiler, **kw: Any) -> str:
    raise NotImplementedError(f"no clock for {compiler.dialect.name}")


@compiles(_DatabaseNow, "sqlite")
def _sqlite_now(element: _DatabaseNow, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({SQLITE_NOW} + {compiler.process(element.clauses, **kw)})"


@compiles(_DatabaseNow, "mysql", "mariadb")
def _mysql_now(element: _DatabaseNow, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({MYSQL_NOW} + {compiler.process(element.clauses, **kw)})"


def db_now_ms(plus_seconds: float | BindParameter[float] = 0.0) -> FunctionElement[datetime]:
    """The database's clock in epoch milliseconds, so many seconds from now. All leases are measured by it."""
    if isinstance(plus_seconds, BindParameter):
        return _DatabaseNow(plus_seconds)
    return _DatabaseNow(literal(round(plus_seconds * 1000), BigInteger))


def seconds(name: str) -> BindParameter[float]:
    """A parameter of a statement that is built once: so many seconds, for `db_now_ms`."""
    return bindparam(name, type_=_Seconds())
