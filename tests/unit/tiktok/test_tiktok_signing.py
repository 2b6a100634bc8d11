from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from yarl import URL

from bridge.connectors.tiktok.protocol import Call, sign
from bridge.connectors.tiktok.signing import is_signed, sign_message, sign_request

RECORDINGS = Path(__file__).parents[2] / "recordings" / "tiktok"
VECTORS: list[dict[str, Any]] = json.loads((RECORDINGS / "signing_vectors.json").read_text("utf-8"))
MESSAGES: list[dict[str, str]] = json.loads((RECORDINGS / "webhook_vectors.json").read_text("utf-8"))


def test_there_are_vectors() -> None:
    assert len(VECTORS) >= 8
    assert len(MESSAGES) == 4


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_request_signature(vector: dict[str, Any]) -> None:
    body = (vector["body"] or "").encode()
    assert sign_request(vector["app_secret"], vector["path"], vector["query"].items(), body) == vector["sign"]


@pytest.mark.parametrize("vector", [v for v in VECTORS if "app_key" in v["query"]], ids=lambda v: v["name"])
def test_what_is_sent_is_what_was_signed(vector: dict[str, Any]) -> None:
    """The signature over what a server decodes from the exact target is the one in it."""
    query = {k: v for k, v in vector["query"].items() if k not in {"app_key", "timestamp", "sign", "access_token"}}
    request = Call(vector["method"], vector["path"], tuple(query.items()), (vector["body"] or "").encode())
    signed = sign(request, vector["query"]["app_key"], vector["app_secret"], int(vector["query"]["timestamp"]))
    path, _, raw_query = signed.target.partition("?")
    pairs = parse_qsl(raw_query, keep_blank_values=True)
    assert path == vector["path"]
    assert dict(pairs)["sign"] == vector["sign"]
    assert sign_request(vector["app_secret"], path, pairs, signed.body) == vector["sign"]
    assert "access_token" not in dict(pairs)
    assert URL("https://x.example" + signed.target, encoded=True).raw_path_qs == signed.target


def test_ecomphp_unit_test_vector() -> None:
    """EcomPHP/tiktokshop-php tests/ClientTest.php."""
    expected = "d3cb7fe11ecae942802ceeca67e7cf10120cc12f1517d45fbc1c8cfe5413c80f"
    assert sign_request("app_secret", "/test-api", [("foo", "bar")], b"") == expected


@pytest.mark.parametrize("vector", MESSAGES, ids=lambda v: v["name"])
def test_message_signature(vector: dict[str, str]) -> None:
    raw = vector["body"].encode()
    assert sign_message(vector["app_key"], vector["app_secret"], raw) == vector["authorization"]
    right, wrong = (vector["app_key"], vector["app_secret"]), (vector["app_key"], "another")
    assert is_signed(vector["authorization"], raw, [wrong, right])
    assert not is_signed(vector["authorization"], raw, [wrong])
    assert not is_signed(vector["authorization"], raw + b" ", [right])
    assert not is_signed("", raw, [right])
    assert not is_signed("ü" * 64, raw, [right])
