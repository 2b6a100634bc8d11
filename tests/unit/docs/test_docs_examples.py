"""The examples of the pages work: JSON parses and fits its model, settings files are taken, programs run."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from bridge.config import Config
from bridge.web.api import models
from tests.unit.docs.pages import Block, all_blocks

MODELS = {block.options["model"] for block in all_blocks("json") if "model" in block.options}


@pytest.mark.parametrize("block", all_blocks("json"), ids=str)
def test_json_parses_and_fits_the_model_it_is_marked_with(block: Block) -> None:
    found = json.loads(block.text)
    if "model" in block.options:
        model: type[BaseModel] = getattr(models, block.options["model"])
        model.model_validate(found)


def test_the_bodies_that_matter_are_shown() -> None:
    assert {"ShopChange", "CancellationSyncChange", "SkuMappings", "ConnectionChange", "NewConnection"} <= MODELS


@pytest.mark.parametrize("block", all_blocks("toml"), ids=str)
def test_settings_files_are_taken(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tomllib.loads(block.text)
    assert set(given) <= set(Config.model_fields)
    file = tmp_path / "bridge.toml"
    file.write_text(block.text)
    for field in Config.model_fields:
        monkeypatch.delenv(f"BRIDGE_{field.upper()}", raising=False)
    monkeypatch.setenv("BRIDGE_CONFIG", str(file))
    read = Config()
    assert {field: str(getattr(read, field)).removesuffix(".0") for field in given} == {
        field: str(value) for field, value in given.items()
    }


@pytest.mark.parametrize("block", [one for one in all_blocks("python") if "run" in one.options], ids=str)
def test_programs_run_in_a_folder_with_a_service_that_writes(block: Block, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    live = sqlite3.connect(tmp_path / "data" / "bridge.sqlite3")
    live.execute("PRAGMA journal_mode = WAL")
    live.execute("CREATE TABLE orders (id TEXT)")
    live.execute("INSERT INTO orders VALUES ('ord_1')")
    live.commit()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block.text], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    copy = sqlite3.connect(tmp_path / "bridge-backup.sqlite3")
    try:
        # The row stands in the file beside the database still: a plain copy of the database alone would miss it.
        assert (tmp_path / "data" / "bridge.sqlite3-wal").stat().st_size > 0
        assert copy.execute("SELECT id FROM orders").fetchall() == [("ord_1",)]
    finally:
        copy.close()
        live.close()
