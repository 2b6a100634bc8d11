"""Whose address counts: what a trusted proxy says, never what anybody else writes into a header."""

from __future__ import annotations

import pytest

from bridge.cli.failing import Failed
from bridge.cli.settled import config
from bridge.proxies import client, networks

NONE = ""
PROXY = "127.0.0.1"
BOTH = "127.0.0.0/8, 10.0.0.0/8, ::1, fd00::/8"


@pytest.mark.parametrize(
    ("trusted", "remote", "forwarded", "expected"),
    [
        # Nobody is trusted: whoever is connected counts, and may write what it likes.
        (NONE, "203.0.113.7", [], "203.0.113.7"),
        (NONE, "203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        (NONE, "10.0.0.1", ["198.51.100.1"], "10.0.0.1"),
        # A proxy on this machine of which nothing was said stands for everybody.
        (NONE, "127.0.0.1", [], None),
        (NONE, "127.0.0.1", ["198.51.100.1"], None),
        (NONE, "::1", [], None),
        (NONE, "::ffff:127.0.0.1", [], None),
        # What is no address: a socket file, nothing.
        (NONE, None, ["198.51.100.1"], None),
        (NONE, "", [], None),
        # The right-most that is not a proxy's own.
        (PROXY, "127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        (PROXY, "::ffff:127.0.0.1", [" 198.51.100.1 "], "198.51.100.1"),
        (PROXY, "127.0.0.1", ["203.0.113.99, 198.51.100.1"], "198.51.100.1"),
        (PROXY, "127.0.0.1", ["203.0.113.99", "198.51.100.1"], "198.51.100.1"),
        (PROXY, "127.0.0.1", ["203.0.113.99, 10.0.0.1"], "10.0.0.1"),
        (BOTH, "127.0.0.1", ["203.0.113.99, 198.51.100.1, 10.0.0.1"], "198.51.100.1"),
        (BOTH, "fd00::1", ["198.51.100.1", "10.0.0.1, 10.0.0.2"], "198.51.100.1"),
        (BOTH, "198.51.100.1", ["203.0.113.99"], "198.51.100.1"),
        # No usable header: unknown, never the proxy's own address.
        (PROXY, "127.0.0.1", [], None),
        (PROXY, "127.0.0.1", [""], None),
        (PROXY, "127.0.0.1", ["127.0.0.1"], None),
        (BOTH, "10.0.0.1", ["10.0.0.2"], None),
        (PROXY, "127.0.0.1", ["unknown"], None),
        (PROXY, "127.0.0.1", ["198.51.100.1, "], None),
        (PROXY, "127.0.0.1", ["198.51.100.1, garbage"], None),
        (PROXY, "127.0.0.1", ["198.51.100.1:4711"], None),
        ("10.0.0.0/8", "10.0.0.1", ["127.0.0.1"], None),
        # Of IPv6, the site.
        (NONE, "2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        (PROXY, "127.0.0.1", ["2001:db8:1:2::1"], "2001:db8:1:2::/64"),
        (PROXY, "127.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        (NONE, "fe80::1%eth0", [], "fe80::/64"),
    ],
)
def test_the_address_of_a_visitor(trusted: str, remote: str | None, forwarded: list[str], expected: str | None) -> None:
    assert client(remote, forwarded, networks(trusted) if trusted else ()) == expected


def test_the_setting_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_TRUSTED_PROXIES", " 127.0.0.1, 10.0.0.0/8 ,::1")
    assert [str(one) for one in config().proxies] == ["127.0.0.1/32", "10.0.0.0/8", "::1/128"]
    monkeypatch.setenv("BRIDGE_TRUSTED_PROXIES", "")
    assert config().proxies == ()


@pytest.mark.parametrize("text", ["localhost", "10.0.0.1/8", "127.0.0.1,", "127.0.0.1 10.0.0.1", "10.0.0.0/33", "*"])
def test_a_setting_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("BRIDGE_TRUSTED_PROXIES", text)
    with pytest.raises(Failed, match=r"BRIDGE_TRUSTED_PROXIES: .*networks separated by commas") as caught:
        config()
    assert caught.value.code == 2
