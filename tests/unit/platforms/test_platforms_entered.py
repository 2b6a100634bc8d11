"""A platform is one folder and one name in `bootstrap`: whatever has an entry is entered, and nothing is half there."""

from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path

from bridge.bootstrap import ENTRIES, PLATFORMS
from bridge.cli.sandbox import BOXES
from bridge.ports import Entry

ROOT = Path(__file__).parents[3]
FOLDERS = sorted(entry.parent.name for entry in (ROOT / "bridge/connectors").glob("*/entry.py"))


def test_every_folder_with_an_entry_is_entered_once() -> None:
    entered = [id(entry) for entry in ENTRIES]
    assert len(set(entered)) == len(PLATFORMS) == len(FOLDERS)
    for folder in FOLDERS:
        entry = import_module(f"bridge.connectors.{folder}.entry").ENTRY
        assert isinstance(entry, Entry)
        assert entry.platform.kind == folder
        assert id(entry) in entered


def test_every_connector_is_kept_apart_from_the_others() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (apart,) = (one for one in settings["tool"]["importlinter"]["contracts"] if one["type"] == "independence")
    there = {folder.parent.name for folder in (ROOT / "bridge/connectors").glob("*/__init__.py")}
    assert {f"bridge.connectors.{folder}" for folder in there} == set(apart["modules"])


def test_every_platform_has_a_sandbox_that_the_command_starts() -> None:
    assert {box.name for box in BOXES} == set(PLATFORMS)
    for box in BOXES:
        assert (ROOT / box.module.replace(".", "/") / "__main__.py").is_file()


def test_a_stores_refund_is_called_what_people_there_call_it() -> None:
    """The core's sentences take the word from the order read: no Shopify merchant looks for a credit memo."""
    words = {kind: platform.refund_word for kind, platform in PLATFORMS.items() if platform.side == "store"}
    assert words == {"magento": "credit memo", "shopify": "refund", "woocommerce": "refund", "amazon": "cancellation"}
