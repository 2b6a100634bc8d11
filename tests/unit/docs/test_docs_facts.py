"""What the pages say is what the code says: settings, states, errors, attention, kill points, dependencies."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from bridge.cli.doctor import doctor
from bridge.config import Config
from bridge.connectors.magento.checks import NEEDED
from bridge.connectors.tiktok.events import SUBSCRIBED, topic_of
from bridge.domain.attention import TEXTS, AttentionKind
from bridge.domain.outcomes import Outcome
from bridge.domain.settings import BuyerRequests, ChannelToStore, RequestRule, ShopSettings, StoreToChannel, Tie
from bridge.killpoints import KillPoint
from bridge.storage.orders import OrderState
from bridge.storage.tables import metadata
from bridge.storage.work import POISON_ATTEMPTS
from bridge.sync import outages, rounds
from bridge.sync.desk import CALL_TIMEOUT, SyncSettings
from bridge.web.api.models import ConnectionChange
from bridge.web.bodies import MAX_BODY
from bridge.web.problems import CATALOGUE
from bridge.web.states import State
from plugin_contract.versions import RECOMMENDED, Can, capabilities
from tests.unit.docs.pages import ROOT, read, rows, section

SETTINGS = read("docs/reference/settings.md")
ERRORS = read("docs/reference/errors.md")
ARCHITECTURE = read("docs/architecture.md")


def _shown(default: Any) -> set[str]:
    """How a page may write a default."""
    if default is PydanticUndefined:
        return {"required"}
    if default is None:
        return {"none", "not set"}
    if isinstance(default, bool):
        return {f"`{str(default).lower()}`"}
    if default == "":
        return {"empty"}
    if default == ():
        return {"none"}
    if isinstance(default, BaseModel):
        return {"all below"}
    return {f"`{default}`"}


def test_every_process_setting_is_documented_with_its_default() -> None:
    found = rows(section(SETTINGS, "## Settings of the process"))
    listed = {word: cells for word, cells in found.items() if len(cells) == 2}
    assert set(listed) == {f"BRIDGE_{field.upper()}" for field in Config.model_fields}
    for field, info in Config.model_fields.items():
        assert listed[f"BRIDGE_{field.upper()}"][0] in _shown(info.default), field


def test_bounds_of_process_settings_are_documented() -> None:
    listed = rows(section(SETTINGS, "## Settings of the process"))
    for field, info in Config.model_fields.items():
        lowest = next((one.ge for one in info.metadata if hasattr(one, "ge")), None)
        highest = next((one.le for one in info.metadata if hasattr(one, "le")), None)
        if highest is not None and field != "port":
            assert f"{lowest:g} to {highest:.0f}" in listed[f"BRIDGE_{field.upper()}"][1], field


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ("## Settings of a TikTok Shop", ShopSettings),
        ("### The tie", Tie),
        ("### Cancellation sync: store → TikTok Shop (`store_to_channel`)", StoreToChannel),
        ("### Cancellation sync: TikTok Shop → store (`channel_to_store`)", ChannelToStore),
        ("### Buyers' requests (`buyer_requests`)", BuyerRequests),
        ("### A rule of `buyer_requests`", RequestRule),
    ],
)
def test_every_shop_setting_is_documented_with_its_default(heading: str, model: type[BaseModel]) -> None:
    text = section(SETTINGS, heading).partition("\n### ")[0]
    listed = rows(text)
    assert set(listed) == set(model.model_fields)
    for field, info in model.model_fields.items():
        assert listed[field][0] in _shown(info.default), field


def test_settings_of_a_connection_are_documented() -> None:
    assert set(rows(section(SETTINGS, "## Settings of a connection"))) == set(ConnectionChange.model_fields)


def test_fixed_values_are_those_of_the_code() -> None:
    text = section(SETTINGS, "## Fixed values")
    assert MAX_BODY == 1024 * 1024
    assert "at most 1 MiB" in text
    settings = SyncSettings()
    assert f"{outages.FIRST_SECONDS:g} s, doubled up to {settings.outage_ceiling.seconds // 60} min" in text
    assert f"| {POISON_ATTEMPTS} |" in text
    assert f"kept {rounds.ARRIVALS_KEPT.days} days" in text
    assert f"{settings.first_pass.days} day back" in text
    assert f"more lease left ({CALL_TIMEOUT.seconds} s)" in ARCHITECTURE


def test_every_kind_of_attention_is_listed_with_its_title_and_has_its_own_answer() -> None:
    listed = rows(section(ERRORS, "## What a person may be asked"))
    assert set(listed) == {kind.value for kind in AttentionKind}
    answers = read("docs/how-to/answer-attention.md")
    for kind in AttentionKind:
        assert listed[kind.value][0] == TEXTS[kind].title
        assert re.search(r"\*\*Do:\*\* [`\w]", section(answers, f"### {kind.value}")), kind
    assert set(re.findall(r"^### (\w+)$", answers, re.MULTILINE)) == {kind.value for kind in AttentionKind}


def test_every_problem_is_listed_with_its_status() -> None:
    listed = rows(section(ERRORS, "## Problems of the HTTP API"))
    assert {word: int(cells[0]) for word, cells in listed.items()} == {
        word: status for word, (status, _) in CATALOGUE.items()
    }


def test_every_outcome_is_listed() -> None:
    listed = rows(section(ERRORS, "## Outcomes of a remote call"))
    assert set(listed) == {one.__name__ for one in get_args(Outcome)}


def test_states_of_orders_and_connections_are_listed() -> None:
    assert set(rows(section(ERRORS, "## States of an order"))) == {state.value for state in OrderState}
    assert set(rows(section(ERRORS, "## States of a connection"))) == {state.value for state in State}


def test_every_event_of_a_changelog_is_listed() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "bridge" / "sync").glob("*.py"))
    written = set(re.findall(r"changelog\.write(?:_once)?\(\s*conn,\s*[\w.]+,\s*\"(\w+)\"", source))
    written |= set(re.findall(r"\bLine\(\s*\"(\w+)\"", source))
    assert len(written) > 8
    assert set(rows(section(ERRORS, "## Events of a changelog"))) == written


def test_every_kill_point_is_listed() -> None:
    assert list(rows(section(ARCHITECTURE, "## Kill points"))) == [point.value for point in KillPoint]


def test_every_table_is_described() -> None:
    assert set(rows(section(ARCHITECTURE, "## The books"))) == set(metadata.tables)


def test_every_runtime_dependency_has_its_reason() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    named = {re.split(r"[\[<>=!;~ ]", entry, maxsplit=1)[0] for entry in project["dependencies"]}
    listed = rows(read("docs/decisions/0004-runtime-dependencies.md"))
    assert set(listed) == named
    assert all(cells[0] for cells in listed.values())


def test_the_permissions_are_those_that_connecting_asks_for() -> None:
    assert set(rows(section(read("docs/how-to/connect-magento.md"), "## The permissions"))) == set(NEEDED)
    quick = section(read("docs/quickstart.md"), "## 4. Connect both sides")
    assert set(re.findall(r"Magento_\w+::\w+", quick)) == set(NEEDED)


def test_the_addresses_tiktok_is_told_are_listed() -> None:
    text = section(read("docs/how-to/connect-tiktok.md"), "## The app in Partner Center")
    assert all(f"`{topic_of(event)}`" in text for event in SUBSCRIBED)


@pytest.mark.parametrize(
    ("row", "reports"),
    [
        ("nothing", [None]),
        ("1.0.17", ["1.0.17"]),
        ("**1.0.19**", ["1.0.19"]),
        ("1.0.21 to 1.0.24", ["1.0.21", "1.0.22", "1.0.23", "1.0.24"]),
        ("**1.0.25**", ["1.0.25"]),
        ("1.0.26", ["1.0.26"]),
    ],
)
def test_the_version_table_says_what_the_code_says(row: str, reports: list[str | None]) -> None:
    page = read("docs/how-to/plugin-versions.md")
    assert RECOMMENDED in page
    line = next(line for line in page.splitlines() if line.startswith(f"| {row} |"))
    _, events, restock, result, refunds = [cell.strip(" *") for cell in line.strip("|").split("|")][1:]
    for reported in reports:
        table = capabilities(reported).capabilities
        for cell, can in (
            (events, table.creditmemo_events),
            (restock, table.restock),
            (result, table.reservation_result),
        ):
            assert cell.split()[0] == {Can.YES: "yes", Can.NO: "no", Can.MAYBE: "only"}[can], (reported, cell)
        assert refunds == ("all fail" if table.refunds is Can.UNSAFE else "work")


def test_the_key_command_of_the_pages_exists() -> None:
    assert "new_key" in doctor.__annotations__


def test_the_changelog_begins_with_the_version_of_the_project() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert re.findall(r"^## (\S+?),? ", read("CHANGELOG.md"), re.MULTILINE)[0] == version


def test_the_readmes_table_of_figures_is_marked_for_the_bench() -> None:
    begin, _, rest = read("README.md").partition("<!-- figures: begin.")
    assert begin
    assert "| memory after 10,000 deliveries |" in rest.partition("<!-- figures: end -->")[0]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_no_place_of_a_developers_machine_is_named(page: Path) -> None:
    assert not re.search(r"(?<![\w.])/(?:work|farm|root|home/\w+)/", page.read_text())


def test_every_page_is_documented_with_what_it_is_for() -> None:
    from bridge.web.pages.table import ROUTES as PAGES

    listed = re.findall(r"^\| `((?:GET|POST) /\S*)` \| (.+?) \|$", read("docs/reference/pages.md"), flags=re.MULTILINE)
    assert listed == [(f"{one.method} {one.path}", one.summary) for one in PAGES]
