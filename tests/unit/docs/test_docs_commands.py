"""Every command explains itself, and the reference page lists exactly what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from tests.support.commands import COMMANDS

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "commands.md"


def test_all_names_others_rely_on_are_there() -> None:
    first = {name.split()[1] for name in COMMANDS}
    assert first >= {
        *("serve", "demo", "migrate", "connect", "settings", "doctor", "orders", "attention", "settle", "sweep"),
        *("sandbox", "version-check"),
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_help_explains(name: str) -> None:
    done = CliRunner().invoke(app, [*name.split()[1:], "--help"])
    assert done.exit_code == 0, done.output
    command = COMMANDS[name]
    assert command.help.split("\n")[0].rstrip(".").split()[0] in done.output
    for parameter in command.params:
        if parameter.name != "help":
            assert parameter.help, f"{name}: {parameter.name} is not explained"


@pytest.mark.parametrize(
    "name", [name for name in COMMANDS if " show" in name or name.endswith(("orders", "attention"))]
)
def test_what_prints_data_prints_json_too(name: str) -> None:
    assert "--json" in {option for parameter in COMMANDS[name].params for option in parameter.opts}


def test_the_page_lists_every_command_and_every_option() -> None:
    sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    listed = {section.split("\n", 1)[0]: section for section in sections}
    assert set(listed) == set(COMMANDS)
    for name, command in COMMANDS.items():
        rows = re.findall(r"^\| (`.+?`) \| (.+?) \|$", listed[name], re.MULTILINE)
        documented = {option for names, _ in rows for option in re.findall(r"`(.+?)`", names)}
        there: set[str] = set()
        for parameter in command.params:
            if parameter.name == "help":
                continue
            is_option = parameter.param_type_name == "option"
            names = {*parameter.opts, *parameter.secondary_opts} if is_option else {_argument(parameter)}
            there |= names
        assert documented == there, name
        first = " ".join(command.help.split("\n\n")[0].split())
        assert first in " ".join(listed[name].split()), f"{name}: the page says something else than --help"


def _argument(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name).upper()
