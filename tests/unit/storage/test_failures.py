"""What the numbers of MySQL, MariaDB and a proxy before them are taken for."""

from __future__ import annotations

import struct

import pytest
from pymysql import err
from sqlalchemy.exc import DBAPIError

from bridge.storage.failures import Failure, Meaning, classify


def _classified(problem: err.MySQLError) -> Failure:
    wrapped = DBAPIError.instance("SELECT 1", {}, problem, err.MySQLError)
    assert isinstance(wrapped, DBAPIError)
    return classify(wrapped)


def _said(number: int) -> Failure:
    """As the driver raises it."""
    with pytest.raises(err.MySQLError) as raised:
        err.raise_mysql_exception(b"\xff" + struct.pack("<h", number) + b"#HY000what the server says")
    return _classified(raised.value)


@pytest.mark.parametrize("number", [1317, 1969, 3024])
def test_a_statement_that_was_broken_off_is_done_again_and_nobody_knows_of_a_commit(number: int) -> None:
    failure = _said(number)
    assert (failure.meaning, failure.unknown_at_commit) == (Meaning.AGAIN, True)


@pytest.mark.parametrize("number", [1129, 1135, 1142, 1180, 1226, 1227, 3032, 9001])
def test_a_server_that_cannot_serve_is_down_and_says_what_to_do(number: int) -> None:
    failure = _said(number)
    assert failure.meaning is Meaning.DOWN
    assert str(number) in failure.text
    assert "look the number up" not in failure.text


@pytest.mark.parametrize("number", [1028, 1105, 1295, 1815, 4166, 9006, 28000])
def test_a_number_nobody_listed_is_the_servers_trouble(number: int) -> None:
    failure = _said(number)
    assert (failure.meaning, failure.unknown_at_commit) == (Meaning.DOWN, True)
    assert f"{number}, what the server says" in failure.text


@pytest.mark.parametrize(
    "number", [1048, 1054, 1062, 1064, 1146, 1153, 1264, 1292, 1364, 1366, 1406, 1451, 1452, 3819, 4025]
)
def test_constraints_values_and_statements_are_ours(number: int) -> None:
    assert _said(number).meaning is Meaning.OURS


def test_an_answer_that_makes_no_sense_is_a_lost_connection() -> None:
    failure = _classified(err.InternalError("Packet sequence number wrong - got 3 expected 1"))
    assert (failure.meaning, failure.unknown_at_commit) == (Meaning.LOST, True)
