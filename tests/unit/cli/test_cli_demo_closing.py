from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cli.demo.stage import Sandbox, Stage
from bridge.cli.demo.teller import Teller
from bridge.web.passwords import SHORTEST


def test_the_demo_ends_by_saying_how_to_open_the_pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage(tmp_path, 20_001, Sandbox("http://127.0.0.1:1"), Sandbox("http://127.0.0.1:2"), "7")
    assert len(stage.password) >= SHORTEST
    teller = Teller()
    teller.closing(stage, "577", is_over=True)
    assert stage.password not in capsys.readouterr().out, "nothing is up any more"
    teller.closing(stage, "577", is_over=False)
    [line] = [one for one in capsys.readouterr().out.splitlines() if "the pages" in one]
    assert "http://127.0.0.1:20001 " in line
    assert line.endswith(f"sign in as admin, password: {stage.password}")
