from __future__ import annotations

import pytest

from bridge.connectors.tiktok.errors import (
    MEANINGS,
    Kind,
    is_expired,
    is_version,
    other_reason_may_do,
    read_failure,
    write_outcome,
)
from bridge.connectors.tiktok.protocol import Answer, read_answer
from bridge.domain.outcomes import AlreadyDone, Done, Reauth, Rejected, Retry, Unknown


def refusal(code: int | None, message: str = "", status: int = 200, retry_after: float | None = None) -> Answer:
    return Answer(status, code, message, "REQ1", {}, retry_after)


WRITES: dict[int, type] = {
    105002: Reauth,
    105005: Reauth,
    101000: Reauth,
    106001: Reauth,
    106013: Reauth,
    36009002: Retry,
    36009003: Unknown,
    36009004: Rejected,
    36009007: Unknown,
    36009009: Rejected,
    36009010: Rejected,
    36009014: Rejected,
    36009022: Rejected,
    36009023: Rejected,
    36009033: Reauth,
    36009037: Retry,
    36009043: Reauth,
    36009044: Reauth,
    98001004: Rejected,
    10002014: Retry,
    10002015: Retry,
    10037002: Retry,
    10037003: Retry,
    10037004: Retry,
    10006402: Reauth,
    21008111: Rejected,
    25007006: Rejected,
    11050001: Rejected,
    25001001: Rejected,
    25001003: Rejected,
    25001011: AlreadyDone,
    25001014: Rejected,
    25001015: Rejected,
    25001016: Rejected,
    25001020: Rejected,
    25001021: Rejected,
    25001028: Retry,
    25001045: Rejected,
    25001046: Rejected,
    25001051: AlreadyDone,
    25001057: Rejected,
    25001058: Unknown,
    25005010: Rejected,
    25005011: AlreadyDone,
    25007002: Unknown,
    25011011: AlreadyDone,
    25011012: AlreadyDone,
    25020003: AlreadyDone,
    25020004: Rejected,
    25020005: Rejected,
    25020009: AlreadyDone,
    25020010: Rejected,
}


def test_every_code_of_the_table_is_checked_here() -> None:
    assert set(MEANINGS) == set(WRITES) - {36009004}


@pytest.mark.parametrize(("code", "kind"), WRITES.items())
@pytest.mark.parametrize("status", [200, 400])
def test_writes(code: int, kind: type, status: int) -> None:
    outcome = write_outcome(refusal(code, "vendor text", status))
    assert isinstance(outcome, kind)
    assert not isinstance(outcome, Done)
    assert str(code) in outcome.because
    assert "REQ1" in outcome.because
    if isinstance(outcome, Rejected):
        assert outcome.code == str(code)


@pytest.mark.parametrize("code", WRITES)
def test_reads_are_never_in_doubt(code: int) -> None:
    outcome = read_failure(refusal(code))
    if MEANINGS.get(code) and MEANINGS[code].kind in {Kind.MAYBE, Kind.RETRY, Kind.THROTTLED}:
        assert isinstance(outcome, Retry)
    else:
        assert isinstance(outcome, (Reauth, Rejected))


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Invalid API version", Rejected),
        ("Invalid page_token", Retry),
        ("Invalid timestamp", Retry),
        ("Invalid access token", Reauth),
        ("Invalid shop_cipher", Reauth),
        ("Invalid app_key", Reauth),
        ("Invalid sign", Reauth),
        ("Unexpected identifier", Rejected),
        ("param body.address is missing", Rejected),
    ],
)
def test_the_overloaded_code_is_read_by_its_message(message: str, kind: type) -> None:
    assert isinstance(write_outcome(refusal(36009004, message, 400)), kind)


def test_versions_and_tokens_are_told_apart() -> None:
    assert is_version(refusal(36009004, "Invalid API version"))
    assert is_version(refusal(36009014))
    assert not is_version(refusal(36009004, "Invalid sign"))
    assert is_expired(refusal(105002))
    assert is_expired(refusal(36009004, "access_token is invalid"))
    assert not is_expired(refusal(36009004, "Invalid page_token"))
    assert not is_expired(refusal(0, "Success"))


@pytest.mark.parametrize(
    ("answer", "after"),
    [
        (refusal(36009002, status=429, retry_after=7.0), 7.0),
        (refusal(36009002, status=429), 1.5),
        (refusal(None, status=429), 1.5),
        (refusal(36009037, status=429), 600.0),
    ],
)
def test_slowing_down(answer: Answer, after: float) -> None:
    for outcome in (read_failure(answer, backoff=1.5), write_outcome(answer, backoff=1.5)):
        assert isinstance(outcome, Retry)
        assert outcome.throttled
        assert outcome.after == after


@pytest.mark.parametrize(
    ("status", "write", "read"),
    [
        (200, Unknown, Retry),
        (401, Reauth, Reauth),
        (403, Reauth, Reauth),
        (404, Rejected, Rejected),
        (500, Unknown, Retry),
        (502, Unknown, Retry),
        (503, Retry, Retry),
        (504, Unknown, Retry),
    ],
)
def test_answers_that_are_not_tiktoks(status: int, write: type, read: type) -> None:
    assert isinstance(write_outcome(refusal(None, status=status)), write)
    assert isinstance(read_failure(refusal(None, status=status)), read)


def test_a_code_nobody_knows() -> None:
    assert isinstance(write_outcome(refusal(25999999, "new rule")), Rejected)
    assert isinstance(write_outcome(refusal(25999999, "new rule", 500)), Unknown)


@pytest.mark.parametrize("answer", [refusal(106001), refusal(36009004, "Invalid timestamp")])
def test_a_wrong_clock_is_named_and_mends_itself(answer: Answer) -> None:
    outcome = write_outcome(answer, skew=600.0)
    assert isinstance(outcome, Retry)
    assert "600 s ahead" in outcome.because
    outcome = write_outcome(answer, skew=-600.0)
    assert isinstance(outcome, Retry)
    assert "600 s behind" in outcome.because


def test_a_wrong_secret_with_a_right_clock_needs_a_person() -> None:
    outcome = write_outcome(refusal(106001), skew=1.0)
    assert isinstance(outcome, Reauth)
    assert "app secret" in outcome.because
    assert "clock" in outcome.because


def test_only_reason_refusals_allow_the_next_reason() -> None:
    assert [code for code in WRITES if other_reason_may_do(str(code))] == [25001014, 25001015, 25001020, 25001021]
    assert not other_reason_may_do("")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"code":0,"data":{"a":1}}', 0),
        (b'{"code":"105002","data":null}', 105002),
        (b'{"code":true}', None),
        (b"[]", None),
        (b"<html>", None),
        (b"", None),
        (b"[" * 100_000, None),
        (b"\xff\xfe\x00", None),
    ],
)
def test_any_answer_can_be_read(raw: bytes, code: int | None) -> None:
    answer = read_answer(200, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT", "Date": "nonsense"}, raw)
    assert answer.code == code
    assert answer.is_success is (code == 0)
    assert answer.retry_after is None
    assert answer.date is None
