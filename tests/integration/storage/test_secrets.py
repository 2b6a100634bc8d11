from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.connections import Connections
from bridge.storage.engine import Database
from bridge.storage.errors import WrongSecretKey
from bridge.storage.ids import new_id
from bridge.storage.secrets import Vault, generate_key, reseal, verify_key

SECRET = {"access_token": "geheim-ä"}


def test_ids_sort_by_time_and_differ() -> None:
    ids = [new_id("ord") for _ in range(5000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 5000
    assert all(len(one) == 30 and one.startswith("ord_01") for one in ids)


def test_sealed_is_not_readable_and_opens_with_any_key() -> None:
    old, new = generate_key(), generate_key()
    sealed = Vault([old]).seal(SECRET)
    assert "geheim" not in sealed
    assert Vault([new, old]).open(sealed) == SECRET
    with pytest.raises(WrongSecretKey, match="BRIDGE_SECRET_KEY"):
        Vault([new]).open(sealed)


@pytest.mark.parametrize("keys", [[], ["short"], ["é" * 44]])
def test_keys_that_are_none(keys: list[str]) -> None:
    with pytest.raises(WrongSecretKey) as raised:
        Vault(keys)
    assert all(key not in str(raised.value) for key in keys)


async def test_a_wrong_key_is_refused_and_rotation_lets_the_old_one_go(database: Database) -> None:
    old, new = generate_key(), generate_key()
    book = Connections(Vault([old]))

    async def first(conn: AsyncConnection) -> str:
        await verify_key(conn, Vault([old]))
        await verify_key(conn, Vault([old]))
        made = await book.upsert(
            conn,
            kind="magento",
            name="Shop",
            url="https://shop.example",
            identity="https://shop.example",
            credentials=SECRET,
            facts={},
            state="active",
            because="",
        )
        assert "geheim" not in repr(made)
        return made.id

    connection_id = await database.write(first)

    async def raw(conn: AsyncConnection) -> str:
        return str(await conn.scalar(text("SELECT credentials FROM connections")))

    assert "geheim" not in await database.read(raw)

    async def check(keys: list[str]) -> None:
        await database.write(lambda conn: verify_key(conn, Vault(keys)))

    with pytest.raises(WrongSecretKey):
        await check([new])
    await check([new, old])
    assert await database.write(lambda conn: reseal(conn, Vault([new, old]))) == 1
    await check([new])
    with pytest.raises(WrongSecretKey):
        await check([old])
    opened = await database.read(lambda conn: Connections(Vault([new])).get(conn, connection_id))
    assert opened is not None
    assert opened.credentials == SECRET
