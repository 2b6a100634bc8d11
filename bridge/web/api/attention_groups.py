"""`/api/v1/attention/groups`, and answers to everything of one kind."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.ports import Wanted
from bridge.storage import attention_groups, audit
from bridge.web.api.models import Id, Settle
from bridge.web.bodies import Asked, Moment, read_json, read_query
from bridge.web.desk import DESK, WebDesk
from bridge.web.routes import WHO, Answer, Route, ok

Kind = Annotated[str, StringConstraints(min_length=1, max_length=64)]

UNTIL: Final[Any] = Field(
    default=None, description="Only items that stood open by then: `as_of` of the list that was looked at"
)


class GroupQuery(Asked):
    shop: Id | None = None
    connection: Id | None = None


class GroupOut(BaseModel):
    kind: str
    title: str
    what_to_do: str
    because: str = Field(description="Why the first of the samples is there")
    count: int
    oldest: datetime = Field(description="Since when the oldest of them waits")
    nearest_deadline: datetime | None
    samples: list[str] = Field(description="Ids of a few: what runs out first, then the oldest")


class GroupList(BaseModel):
    groups: list[GroupOut]
    as_of: datetime = Field(description="When this was read, by the database's clock: what `until` takes")


class SettleAll(Settle):
    kind: Kind
    shop: Id | None = None
    connection: Id | None = None
    until: Moment | None = UNTIL


class SettledAll(BaseModel):
    settled: int = Field(description="Orders that are looked at now, spread over a while")
    skipped: int = Field(description="Items that are not about one order")
    left: int = Field(description="Not taken in by this request: ask again")


class DismissAll(Asked):
    kind: Kind
    shop: Id | None = None
    connection: Id | None = None
    note: str = Field(default="", max_length=2000)
    until: Moment | None = UNTIL


class DismissedAll(BaseModel):
    dismissed: int


async def list_attention_groups(request: web.Request) -> web.Response:
    return ok(await find_groups(request.app[DESK], read_query(request, GroupQuery)))


async def find_groups(desk: WebDesk, asked: GroupQuery) -> GroupList:
    async def read(conn: AsyncConnection) -> tuple[datetime, list[attention_groups.Group]]:
        # First: what comes up while the groups are read was not looked at.
        moment = await attention_groups.as_of(conn)
        return moment, await attention_groups.groups(conn, shop_id=asked.shop, connection_id=asked.connection)

    as_of, found = await desk.db.read(read)
    return GroupList(groups=[GroupOut.model_validate(asdict(one)) for one in found], as_of=as_of)


async def settle_attention_kind(request: web.Request) -> web.Response:
    """Look at every order behind them; never a stored command."""
    asked = await read_json(request, SettleAll)
    return ok(await settle_kind(request.app[DESK], asked, request[WHO]), 202)


async def settle_kind(desk: WebDesk, asked: SettleAll, who: str) -> SettledAll:
    wanted = Wanted(asked.kind, asked.shop, asked.connection, asked.until)
    done = await desk.actions.settle_all(wanted, frozenset(asked.allow), who)
    return SettledAll.model_validate(asdict(done))


async def dismiss_attention_kind(request: web.Request) -> web.Response:
    """All of them were seen; each comes back when its own facts change."""
    asked = await read_json(request, DismissAll)
    return ok(await dismiss_kind(request.app[DESK], asked, request[WHO]))


async def dismiss_kind(desk: WebDesk, asked: DismissAll, who: str) -> DismissedAll:
    note = f"{who}: {asked.note}" if asked.note else who

    async def write(conn: AsyncConnection) -> int:
        done = await attention_groups.dismiss_all(
            conn, kind=asked.kind, shop_id=asked.shop, connection_id=asked.connection, note=note, until=asked.until
        )
        if done:
            about = {"items": done, "shop": asked.shop, "connection": asked.connection}
            await audit.write(conn, who, f"attention kind {asked.kind} dismissed", None, about)
        return done

    return DismissedAll(dismissed=await desk.db.write(write))


ROUTES: Final = (
    Route(
        "GET",
        "/api/v1/attention/groups",
        list_attention_groups,
        "What waits for a person, by kind: how many, since when, what runs out",
        {200: Answer(GroupList)},
        query=GroupQuery,
    ),
    Route(
        "POST",
        "/api/v1/attention/settle",
        settle_attention_kind,
        "Settle the orders behind all open items of a kind",
        {202: Answer(SettledAll)},
        problems=(409,),
        body=SettleAll,
        act=True,
    ),
    Route(
        "POST",
        "/api/v1/attention/dismiss",
        dismiss_attention_kind,
        "All open items of a kind were seen",
        {200: Answer(DismissedAll)},
        body=DismissAll,
        act=True,
    ),
)
