"""`bridge history`: run, show and apply as an operator types them, against a service and both shops."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Run
from tests.integration.connect.parts import MUGS
from tests.integration.full.test_full_history import before_go_live, cancel, went_live
from tests.integration.full.test_full_linking import names, theirs
from tests.support.stage import TOKEN, stage


async def test_an_operator_looks_back_chooses_and_applies(tmp_path: Path, bridge: Run) -> None:
    async with stage(tmp_path, f"sqlite:///{tmp_path / 'bridge.db'}") as play, play.inside():

        async def typed(*arguments: str) -> Any:
            environment = {"BRIDGE_API_TOKEN": TOKEN, "BRIDGE_URL": play.url}
            return await asyncio.to_thread(bridge, *arguments, **environment)

        await play.connect()
        await play.product("MUG")
        await before_go_live(play, dry_run=True)
        never = await typed("history", "show", play.shop_id)
        assert (never.returncode, "never looked at" in never.stdout) == (0, True)
        sale = await play.place(MUGS, announce=False)
        await theirs(play, **names(sale)["number"])
        await cancel(play, sale)
        ran = await typed("history", "run", play.shop_id, "--days", "7")
        assert ran.returncode == 0, ran.stderr
        assert "1 orders changed in the last 7 days. Nothing was done." in ran.stdout
        assert "would have had a refund" in ran.stdout
        shown = await typed("history", "show", play.shop_id)
        assert all(word in shown.stdout for word in (sale, f"TTS-{sale}", "refund", "not restocked"))
        listed = json.loads((await typed("history", "show", play.shop_id, "--effect", "refund", "--json")).stdout)
        assert [row["channel_order_id"] for row in listed["orders"]] == [sale]
        refused = await typed("history", "apply", play.shop_id, sale, "--yes")
        assert (refused.returncode, "dry run" in refused.stdout) == (1, True)
        await went_live(play)
        asked = await typed("history", "apply", play.shop_id, "--all-of", "refund")
        assert asked.returncode == 1, "nobody answered the question"
        assert (await typed("history", "apply", play.shop_id)).returncode == 2
        done = await typed("history", "apply", play.shop_id, "--all-of", "refund", "--yes", "--json")
        assert done.returncode == 0, done.stderr
        assert [one["state"] for one in json.loads(done.stdout)["orders"]] == ["accepted"]
        await play.settled(sale, "both books agree: all")
        shown = await typed("history", "show", play.shop_id)
        assert "applied, settled" in shown.stdout
