"""What a platform says it asks for is what its connector takes: field by field, for every platform there is."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from typer.main import get_command

from bridge.bootstrap import ENTRIES, PLATFORMS
from bridge.cli.connecting import group
from bridge.ports import Asks, Assembled, CredentialField, Entry, Parts
from tests.contract.store.test_every_store_ships import Unpaced, WallClock

ROOT = Path(__file__).parents[3]
BEGINS = {"woocommerce": {"consumer_key": "ck_", "consumer_secret": "cs_"}}
"""What a value has to begin with."""
OPTIONS = {"fulfillment_policy": "policy", "marketplace_id": "marketplace", "order_comment": "comment"}
"""Fields whose option has a shorter name."""


@pytest.fixture(params=ENTRIES, ids=[one.platform.kind for one in ENTRIES])
async def entered(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Asks, Assembled, str]]:
    entry: Entry = request.param
    async with aiohttp.ClientSession() as session:
        made = entry.assemble(Parts(session, WallClock(), Unpaced(), allow_private=True))
        yield entry.platform.asks, made, entry.platform.kind


def value_of(one: CredentialField, kind: str) -> str:
    if one.choices:
        return one.choices[-1][0]
    address = "http://127.0.0.1:9" if one.name.endswith("_url") else "a1"
    return BEGINS.get(kind, {}).get(one.name, "") + address


def without(values: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if name not in names}


async def test_required_fields_are_needed_and_enough(entered: tuple[Asks, Assembled, str]) -> None:
    asks, made, kind = entered
    check = made.connector.check
    required = {one.name: value_of(one, kind) for one in asks.fields if one.required}
    assert required.keys() <= check(required).keys()
    for name in required:
        stands_for = [one for one in asks.fields if name in one.instead_of]
        with pytest.raises(ValueError, match=r"missing"):
            check(without(required, name, *(one.name for one in stands_for)))
        if stands_for:
            instead = {one.name: value_of(one, kind) for one in stands_for}
            assert name not in check(without(required, *stands_for[0].instead_of) | instead)


async def test_every_field_is_taken_with_each_of_its_choices(entered: tuple[Asks, Assembled, str]) -> None:
    asks, made, kind = entered
    check = made.connector.check
    required = {one.name: value_of(one, kind) for one in asks.fields if one.required}
    for one in asks.fields:
        base = without(required, *one.instead_of)
        for value in [value for value, _ in one.choices] or [value_of(one, kind)]:
            kept = check({**base, one.name: value})
            # An address may be completed with the path that the platform has there.
            assert kept.get(one.name, "").startswith(value), one.name
            assert value or one.name not in kept
        if one.choices:
            assert one.choices[0][1], "what holds where nothing is chosen is said"


async def test_nothing_that_is_taken_is_left_unasked(entered: tuple[Asks, Assembled, str]) -> None:
    """Every name in the connector's own lists of credentials is a field, or made by the connector itself."""
    asks, _, kind = entered
    ours = {"access_expires_at", "refresh_expires_at", "open_id", "seller_name", "webhook_secret"}
    minted = {"access_token"} if kind == "amazon" else set()
    folder = ROOT / "bridge" / "connectors" / kind
    source = folder / "credentials.py"
    names = _named(source if source.exists() else folder / "signing.py")
    assert names - ours - minted <= {one.name for one in asks.fields}


def _named(source: Path) -> set[str]:
    """Strings in the module's own lists and mappings that look like a field's name."""
    found: set[str] = set()
    for node in ast.parse(source.read_text("utf-8")).body:
        value: Any = getattr(node, "value", None)
        keys = value.keys if isinstance(value, ast.Dict) else value.elts if isinstance(value, ast.Tuple) else ()
        texts = {one.value for one in keys if isinstance(one, ast.Constant) and isinstance(one.value, str)}
        found |= {text for text in texts if text.replace("_", "").isalpha() and text.islower()}
    return found - {"access_token_expire_in", "refresh_token_expire_in"}


async def test_the_address_is_the_one_that_is_asked_for(entered: tuple[Asks, Assembled, str]) -> None:
    asks, made, _ = entered
    if not asks.address.required:
        assert made.connector.normalise(None).startswith("https://")
        return
    assert made.connector.normalise(asks.address.example).startswith("https://")
    with pytest.raises(ValueError, match=r"."):
        made.connector.normalise(None)


async def test_what_is_granted_comes_by_itself(entered: tuple[Asks, Assembled, str]) -> None:
    asks, made, _ = entered
    assert bool(asks.activate) == (made.handshake is not None)
    assert any(one.granted for one in asks.fields) == bool(made.handshake or made.authorization)
    assert asks.again
    assert asks.first


@pytest.mark.parametrize("kind", PLATFORMS)
def test_the_command_says_the_same(kind: str) -> None:
    command: Any = get_command(group)
    helps = {one.name: one.help for one in command.commands[kind].params}
    for one in PLATFORMS[kind].asks.fields:
        option = OPTIONS.get(one.name, one.name)
        if option in helps:
            said = one.where.partition(";")[0]
            assert helps[option].startswith(said), f"{kind} {one.name}: {helps[option]!r}, not {said!r}"
            assert one.secret or "other users of this machine" not in helps[option]
