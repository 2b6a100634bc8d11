from __future__ import annotations

import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from bridge.addresses import PublicResolver, is_public, normalise_url


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://Example.com:443/", "https://example.com"),
        ("https://shop.example.com:8443", "https://shop.example.com:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("  https://example.com. ", "https://example.com"),
    ],
)
def test_one_spelling(given: str, kept: str) -> None:
    assert normalise_url(given, allow_private=False) == kept


@pytest.mark.parametrize(
    "given",
    [
        "http://example.com",
        "https://localhost",
        "https://db",
        "https://db.internal",
        "https://127.0.0.1",
        "https://127.1",
        "https://0x7f.1",
        "https://10.1.2.3",
        "https://169.254.169.254",
        "https://[::1]",
        "https://[::ffff:10.0.0.1]",
        "https://[fd00::1]",
    ],
)
def test_private_addresses_need_the_operators_word(given: str) -> None:
    with pytest.raises(ValueError, match=r"private or local|must begin with https"):
        normalise_url(given, allow_private=False)
    assert normalise_url(given, allow_private=True) == given


@pytest.mark.parametrize(
    "given", ["ftp://a.example", "a.example", "https://", "https://u:p@a.example", "https://a.example/?x=1"]
)
def test_not_a_base_address(given: str) -> None:
    with pytest.raises(ValueError, match="address"):
        normalise_url(given, allow_private=True)


def test_a_path_only_where_wanted() -> None:
    with pytest.raises(ValueError, match="after the host"):
        normalise_url("https://a.example/shop", allow_private=False)
    assert normalise_url("https://a.example/shop/", allow_private=False, keep_path=True) == "https://a.example/shop"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
    ],
)
def test_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public


class _Table(AbstractResolver):
    def __init__(self, *hosts: str) -> None:
        self.hosts = hosts

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=h, port=port, family=socket.AF_INET, proto=0, flags=0) for h in self.hosts
        ]

    async def close(self) -> None:
        return None


async def test_a_name_that_leads_inside_is_refused() -> None:
    with pytest.raises(OSError, match="private address"):
        await PublicResolver(_Table("10.0.0.1", "127.0.0.1")).resolve("rebind.example")
    kept = await PublicResolver(_Table("10.0.0.1", "8.8.8.8")).resolve("mixed.example")
    assert [one["host"] for one in kept] == ["8.8.8.8"]
