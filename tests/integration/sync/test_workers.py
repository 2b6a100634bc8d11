"""What nobody foresaw costs a worker a second, not its life; and a service whose workers are gone does not stay up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from bridge.bootstrap import Service
from bridge.cli import serving
from bridge.cli.failing import Failed
from bridge.storage import work
from bridge.storage.errors import CommitUnknown, StorageDown, StorageProblem
from bridge.storage.fence import LeaseLost
from bridge.sync import taking, workers
from bridge.sync.rounds import Rounds
from bridge.sync.settle import settle
from bridge.sync.workers import Workers
from tests.support.stage import Stage, stage

MUGS = {"seller_sku": "MUG", "quantity": 2, "sale_price": "10.00"}


class Breaks:
    """In place of a function: the first calls end in a mistake."""

    def __init__(self, plain: Callable[..., Any], *mistakes: BaseException) -> None:
        self._plain = plain
        self._mistakes = list(mistakes)
        self.calls = 0

    async def __call__(self, *args: Any, **named: Any) -> Any:
        self.calls += 1
        if self._mistakes:
            raise self._mistakes.pop(0)
        return await self._plain(*args, **named)

    @property
    def is_mended(self) -> bool:
        return not self._mistakes


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "STORAGE_PAUSE", timedelta(milliseconds=20))
    monkeypatch.setattr(workers, "AFTER_FAILURE", timedelta(milliseconds=30))
    monkeypatch.setattr(workers, "IDLE_LOOK", timedelta(milliseconds=50))


def _lines(logged: list[Any], event: str) -> list[Any]:
    return [line for line in logged if line["event"] == event]


async def test_workers_outlive_a_mistake_in_taking_work(play: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    mistakes = [
        RuntimeError("no socket"),
        StorageProblem("something else"),
        CommitUnknown("?"),
        ZeroDivisionError(),
    ] * 3
    broken = Breaks(taking.take, *mistakes)
    monkeypatch.setattr(workers, "take", broken)
    with capture_logs() as logged:
        order_id = await play.place(MUGS)
        await play.imported(order_id)
    assert broken.is_mended
    said = _lines(logged, "worker.broke")
    assert len(said) == len(mistakes)
    assert said[0]["error"] == "RuntimeError: no socket"
    assert said[0]["frames"][-1].endswith("__call__")
    async with play.session.get(f"{play.url}/readyz") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("how", ["put off", "given back", "told that it came back late"])
@pytest.mark.both_databases
async def test_a_claim_in_hand_is_not_lost_where_letting_go_of_it_goes_wrong(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async with stage(tmp_path, database_url) as play, play.inside() as service:
        await play.connect()
        await play.product("MUG", price="10.00")
        await _letting_go_goes_wrong(play, service, monkeypatch, how)


async def _letting_go_goes_wrong(play: Stage, service: Service, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await play.at_rest()
    mistakes = [RuntimeError("no socket"), CommitUnknown("?"), StorageProblem("?")]
    if how == "put off":
        first: BaseException = ArithmeticError("a mistake of ours")
        broken = Breaks(work.put_off, *mistakes)
        monkeypatch.setattr(work, "put_off", broken)
    elif how == "given back":
        first = StorageDown("gone for a moment")
        broken = Breaks(work.give_back, *mistakes)
        monkeypatch.setattr(work, "give_back", broken)
    else:
        first = LeaseLost("another has it")
        broken = Breaks(work.came_back_late, mistakes[0])
        monkeypatch.setattr(work, "came_back_late", broken)
    failing = Breaks(settle, first)
    monkeypatch.setattr(workers, "settle", failing)
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    if how == "told that it came back late":

        async def broke() -> bool:
            return broken.is_mended

        await play.until(broke, "the lost lease was seen")
        # Nobody else has it in this test: it is free when its lease has run out.
        await service.db.write(lambda conn: conn.execute(text("UPDATE work SET lease_until = 1")))
    order = await play.settled(order_id, "both books agree: all")
    assert broken.calls
    assert [entry["event"] for entry in order["changelog"]].count("done") == 3


# --- over -----------------------------------------------------------------------------------------------------------


class _End(BaseException):
    """Nothing that anybody catches."""


@pytest.mark.parametrize("part", ["workers", "rounds"])
async def test_a_service_of_which_a_part_ends_untold_says_so_and_is_over(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    end = asyncio.Event()

    async def ends(*_: object) -> None:
        await end.wait()
        raise _End("of it")

    if part == "workers":
        monkeypatch.setattr(Workers, "_worker", ends)
    else:
        monkeypatch.setattr(Rounds, "_run", ends)
    async with stage(tmp_path, sqlite_url) as play, play.inside() as service:
        with capture_logs() as logged:
            end.set()
            async with asyncio.timeout(5):
                await service.over.wait()
        async with play.session.get(f"{play.url}/readyz") as answer:
            problem = await answer.json()
        assert answer.status == 503
        assert "the log says why. Restart the service." in problem["problems"][0]
    [said] = _lines(logged, "service.broke")
    assert (said["part"], said["error"]) == (part, "_End: of it")


async def test_a_service_that_is_told_to_stop_is_not_over(tmp_path: Path, sqlite_url: str) -> None:
    with capture_logs() as logged:
        async with stage(tmp_path, sqlite_url) as play, play.inside() as service:
            pass
    assert not service.over.is_set()
    assert _lines(logged, "service.broke") == []


async def test_serve_fails_where_its_service_is_over(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ends(_: Workers) -> None:
        raise _End("of it")

    monkeypatch.setattr(Workers, "run", ends)
    async with stage(tmp_path, sqlite_url) as play, asyncio.timeout(10):
        with pytest.raises(Failed, match="ended by itself") as failed:
            await serving._serve(play.config(port=0))
    assert failed.value.code == 1
