from __future__ import annotations

from urllib.parse import parse_qsl

import aiohttp
import pytest

from bridge.connectors.magento.answers import Answer
from bridge.connectors.magento.handshake import MagentoHandshake, read_token, same_store
from bridge.domain.outcomes import Reauth, RemoteProblem, Retry
from tests.unit.magento.recorded import answer, exchange


async def test_the_recorded_callback_is_read() -> None:
    form = dict(parse_qsl(exchange("oauth/oauth_1_callback_post")["request"]["body"]))
    async with aiohttp.ClientSession() as session:
        announced = MagentoHandshake(session, allow_private=True).read_callback(form)
        assert announced.store_base_url == "http://magento.test"
        assert announced.consumer_key == form["oauth_consumer_key"]
        assert announced.verifier == form["oauth_verifier"]
        for name in form:
            with pytest.raises(ValueError, match=name):
                MagentoHandshake(session, allow_private=True).read_callback(form | {name: " "})
        with pytest.raises(ValueError, match="https"):
            MagentoHandshake(session).read_callback(form)
    assert same_store(announced, "http://magento.test")
    assert not same_store(announced, "http://other.test")
    assert not same_store(announced, "http://magento.test/shop")


@pytest.mark.parametrize("name", ["oauth_2_request_token", "oauth_3_access_token"])
def test_tokens_come_as_urlencoded_html(name: str) -> None:
    found = read_token(answer(f"oauth/{name}"))
    assert len(found["oauth_token"]) == len(found["oauth_token_secret"]) == 32


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("oauth_2_request_token_expired", "300 seconds"),
        ("oauth_2_request_token_again", "used before"),
        ("oauth_2_request_token_bad_signature", "offloader"),
        ("oauth_2_request_token_unknown_consumer", "does not know"),
        ("oauth_3_access_token_bad_verifier", "do not match"),
        ("oauth_3_access_token_no_verifier", "oauth_verifier"),
        ("oauth_3_access_token_reused", "used before"),
    ],
)
def test_a_refused_exchange_says_what_to_do(name: str, says: str) -> None:
    with pytest.raises(RemoteProblem, match=says) as problem:
        read_token(answer(f"oauth/{name}"))
    assert isinstance(problem.value.outcome, Reauth)


def test_a_page_instead_of_a_token_may_be_tried_again() -> None:
    with pytest.raises(RemoteProblem) as problem:
        read_token(Answer(503, {}, "<html>maintenance</html>"))
    assert isinstance(problem.value.outcome, Retry)
