"""A platform ships whole: what is entered is what is tested, and has its sandbox, its command and its pages."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.bootstrap import ENTRIES, PLATFORMS
from bridge.cli.connecting import group
from bridge.cli.sandbox import BOXES
from bridge.domain.pacing import Rate, Turn
from bridge.ports import Account, Parts
from tests.contract.channel import channel_benches
from tests.contract.store.benches import BENCHES
from tests.contract.store.store_bench import BoxBench

ROOT = Path(__file__).parents[3]
STORES = sorted(kind for kind, platform in PLATFORMS.items() if platform.side == "store")


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Unpaced:
    async def take(self, name: str, rate: Rate, longest: float) -> Turn:
        del name, rate, longest
        return Turn(is_taken=True, wait=0.0)


class Kept:
    """The token that connecting left behind."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def access_token(self) -> str:
        return self._token

    async def refreshed(self, stale: str) -> str:
        raise AssertionError(f"a token of {len(stale)} letters is fresh")


def test_every_platform_has_its_bench() -> None:
    assert sorted(BENCHES) == STORES
    assert sorted(channel_benches.BENCHES) == sorted(set(PLATFORMS) - set(STORES))


@pytest.mark.parametrize("kind", PLATFORMS)
def test_every_platform_has_its_sandbox_command_and_pages(kind: str) -> None:
    assert kind in {box.name for box in BOXES}
    assert kind in {command.callback.__name__ for command in group.registered_commands if command.callback}
    index, readme = ((ROOT / page).read_text("utf-8") for page in ("docs/index.md", "README.md"))
    for page in (f"how-to/connect-{kind}.md", f"reference/{kind}-connector.md", f"reference/sandbox-{kind}.md"):
        assert (ROOT / "docs" / page).is_file()
        assert page in index
    assert PLATFORMS[kind].name in readme


async def test_what_is_entered_is_what_is_tested(any_box: BoxBench) -> None:
    bench = any_box
    (entry,) = (one for one in ENTRIES if one.platform is bench.platform)
    entered = entry.assemble(Parts(bench.session, WallClock(), Unpaced(), allow_private=True))
    assert type(entered.connector) is type(bench.connector)
    assert type(entered.door) is type(bench.door)
    assert entered.open_store is not None
    kept = Kept(str(bench.credentials.get("access_token"))) if entered.renew is not None else None
    store = entered.open_store(Account("c1", bench.url, bench.credentials, kept))
    assert type(store) is type(bench.store)
    order = await bench.create()
    assert await store.read_order(order.id) == order
