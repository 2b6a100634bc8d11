from __future__ import annotations

import re
from typing import Any, cast
from urllib.parse import parse_qs, unquote

import pytest

from bridge.connectors.magento.search import criteria, encode, magento_time, read_time
from bridge.connectors.magento.signing import Credentials, Method, authorization, check_credentials
from tests.unit.magento.recorded import exchange

FOUR = {
    "consumer_key": "k" * 32,
    "consumer_secret": "s" * 32,
    "access_token": "t" * 32,
    "access_token_secret": "u" * 32,
}


def oauth(header: str) -> dict[str, str]:
    return {name: unquote(value) for name, value in re.findall(r'(oauth_\w+)="([^"]*)"', header)}


def test_the_published_vector_of_a_query_with_brackets_is_reproduced() -> None:
    header = authorization(
        Credentials("ck", "cs", "tk", "ts"),
        "https://m.example/rest/V1/orders?searchCriteria%5BpageSize%5D=1",
        "GET",
        timestamp=lambda: 1700000000,
        nonce="abc",
    )
    assert oauth(header)["oauth_signature"] == "e5lm6BagMoONCF8jwdsk9TmdLBpU1yI2du7WwpC25yw="
    assert oauth(header)["oauth_signature_method"] == "HMAC-SHA256"
    assert "oauth_body_hash" not in header


@pytest.mark.parametrize(
    ("name", "secret_from", "verifier"),
    [
        ("oauth/oauth_2_request_token", None, False),
        ("oauth/oauth_3_access_token", "oauth/oauth_2_request_token", True),
        ("oauth/oauth_4_first_call", "oauth/oauth_3_access_token", False),
    ],
)
def test_signatures_that_a_live_magento_accepted_are_reproduced(
    name: str, secret_from: str | None, verifier: bool
) -> None:
    posted = parse_qs(exchange("oauth/oauth_1_callback_post")["request"]["body"])
    request: dict[str, Any] = exchange(name)["request"]
    sent = oauth(request["headers"]["Authorization"])
    token = parse_qs(exchange(secret_from)["response"]["body"]) if secret_from else {}
    credentials = Credentials(
        posted["oauth_consumer_key"][0],
        posted["oauth_consumer_secret"][0],
        token.get("oauth_token", [""])[0],
        token.get("oauth_token_secret", [""])[0],
    )
    header = authorization(
        credentials,
        f"http://magento.test{request['path']}",
        cast("Method", request["method"]),
        verifier=posted["oauth_verifier"][0] if verifier else None,
        timestamp=lambda: int(sent["oauth_timestamp"]),
        nonce=sent["oauth_nonce"],
    )
    assert oauth(header) == sent


def test_every_attempt_is_signed_anew() -> None:
    credentials = Credentials("ck", "cs", "tk", "ts")
    first, second = (authorization(credentials, "https://m.example/rest/V1/orders/1", "GET") for _ in range(2))
    assert oauth(first)["oauth_nonce"] != oauth(second)["oauth_nonce"]


def test_secrets_do_not_show_in_a_repr() -> None:
    shown = repr(Credentials.of(FOUR | {"bearer_token": "b" * 32}))
    assert not any(secret * 32 in shown for secret in "stub")


def test_four_values_are_kept_and_trimmed() -> None:
    assert check_credentials({name: f" {value}\n" for name, value in FOUR.items()}) == FOUR


@pytest.mark.parametrize("missing", list(FOUR))
def test_a_missing_value_is_named(missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        check_credentials({name: value for name, value in FOUR.items() if name != missing})


def test_a_bearer_token_is_kept_with_the_consumer_key_that_verifies_deliveries() -> None:
    given = {"bearer_token": "b" * 32, "consumer_key": "k" * 32}
    assert check_credentials(given) == given
    assert Credentials.of(given).is_bearer
    assert check_credentials({"bearer_token": "b" * 32}) == {"bearer_token": "b" * 32}
    assert authorization(Credentials.of(given), "https://m.example/", "GET") == f"Bearer {'b' * 32}"


def test_an_admin_users_token_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match="System › Integrations"):
        check_credentials({"bearer_token": "eyJraWQiOiIxIn0.eyJ1aWQiOjF9.c2lnbmF0dXJl", "consumer_key": "k" * 32})


def test_a_bearer_token_is_given_without_its_scheme() -> None:
    with pytest.raises(ValueError, match="without the word"):
        check_credentials({"bearer_token": "Bearerabc"})


def test_search_criteria_are_sent_as_they_are_signed() -> None:
    query = criteria([("ext_order_id", "eq", "576 461/ü")], sort=("entity_id", "ASC"), page_size=2, fields="items[a,b]")
    assert "[" not in query
    assert "%5Bvalue%5D=576%20461%2F%C3%BC" in query
    assert query.endswith("&fields=items%5Ba%2Cb%5D")
    assert parse_qs(query)["searchCriteria[filter_groups][0][filters][0][condition_type]"] == ["eq"]


def test_more_groups_than_magento_can_verify_are_refused() -> None:
    groups = [[("sku", "eq", str(number))] for number in range(11)]
    assert criteria(*groups[:10])
    with pytest.raises(ValueError, match="at most 10"):
        criteria(*groups)
    with pytest.raises(ValueError, match="at most 10"):
        criteria([group[0] for group in groups])


def test_no_criteria_at_all_still_say_that_a_search_is_meant() -> None:
    assert criteria() == "searchCriteria="


def test_times_are_utc_both_ways() -> None:
    moment = read_time("2026-11-22 01:24:49")
    assert moment is not None
    assert moment.isoformat() == "2026-11-22T01:24:49+00:00"
    assert magento_time(moment) == "2026-11-22 01:24:49"
    assert read_time("0000-00-00 00:00:00") is None
    with pytest.raises(ValueError, match="zone"):
        magento_time(moment.replace(tzinfo=None))


def test_everything_but_unreserved_letters_is_encoded() -> None:
    assert encode("a/b +%~") == "a%2Fb%20%2B%25~"
