"""Whatever a page points to is there: pages, headings, files, make targets, commands."""

from __future__ import annotations

import re
import shlex
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from bridge.cli import app
from bridge.config import Config
from tests.unit.docs.pages import DOCS, PAGES, ROOT, all_blocks, anchors, blocks, name, prose

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
NOT_SETTINGS = {"BRIDGE_CONFIG", "BRIDGE_URL", "BRIDGE_KILL_POINT", "BRIDGE_DB_PASSWORD"}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_inside_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(prose(page)):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.is_file(), f"{target} is not there"
        assert there.is_relative_to(ROOT)
        if anchor:
            assert anchor in anchors(there), f"{target}: no such heading; there are {sorted(anchors(there))}"


def test_every_page_is_reached_from_the_index() -> None:
    index = DOCS / "index.md"
    linked = {(index.parent / target.partition("#")[0]).resolve() for target in LINK.findall(index.read_text())}
    assert set(DOCS.rglob("*.md")) - linked - {index} == set()


def test_the_readme_leads_to_the_index_and_the_quickstart() -> None:
    linked = LINK.findall((ROOT / "README.md").read_text())
    assert {"docs/index.md", "docs/quickstart.md"} <= set(linked)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_path_of_the_repository_that_is_named_exists(page: Path) -> None:
    roots = (
        r"(?:bridge|plugin_contract|tests|docs|requirements)/[\w./-]+|compose\.yaml|Dockerfile|pyproject\.toml|Makefile"
    )
    for path in re.findall(rf"`({roots})`", page.read_text()):
        # A module is named without its ending where a folder of files is meant.
        found = [ROOT / path, ROOT / f"{path}.py"]
        assert any(one.exists() for one in found), f"{path} is not there"


def test_the_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for page in PAGES for word in re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)\b", _code(page))}
    assert {"run", "test"} <= named
    assert named <= targets


def test_every_variable_that_is_named_is_a_setting() -> None:
    settings = {f"BRIDGE_{field.upper()}" for field in Config.model_fields}
    for page in PAGES:
        named = set(re.findall(r"\bBRIDGE_[A-Z_]*[A-Z]\b", page.read_text()))
        assert named <= settings | NOT_SETTINGS, f"{name(page)}: {sorted(named - settings - NOT_SETTINGS)}"


def _code(page: Path) -> str:
    """All that is set as code on a page, one piece per line."""
    inline = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose(page))
    fenced = [block.text.replace("\\\n", " ") for block in blocks(page) if block.language in {"sh", ""}]
    return "\n".join([*inline, *fenced])


def _commands() -> Iterator[tuple[str, Any]]:
    def below(command: Any, path: str) -> Iterator[tuple[str, Any]]:
        yield path, command
        for word, child in getattr(command, "commands", {}).items():
            yield from below(child, f"{path} {word}".strip())

    yield from below(typer.main.get_command(app), "")


COMMANDS = dict(_commands())


def _used(page: Path) -> Iterator[list[str]]:
    """Each use of the program on a page, as words after `bridge`."""
    for line in _code(page).splitlines():
        match = re.match(r"^(?:[A-Z_]+=\S+ )*(?:[\w/.-]*/)?bridge ([a-z][a-z-]*\b[^#“]*)", line.strip())
        if match and not match[1].startswith(("bridge ", "is ", "in ")):
            yield shlex.split(match[1].partition(" && ")[0])


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_that_is_named_exists_with_its_options(page: Path) -> None:
    for words in _used(page):
        depth = max(size for size in range(len(words) + 1) if " ".join(words[:size]) in COMMANDS)
        command = COMMANDS[" ".join(words[:depth])]
        assert depth, f"bridge {' '.join(words)}: there is no such command"
        following = words[depth : depth + 1]
        is_group = bool(getattr(command, "commands", {}))
        assert not (is_group and following and not following[0].startswith("-")), f"bridge {' '.join(words)}: no such"
        options = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}
        given = {word.partition("=")[0] for word in words[depth:] if word.startswith("-")}
        assert given <= options, f"bridge {' '.join(words)}: {sorted(given - options)} unknown"


def test_the_search_for_commands_finds_some() -> None:
    assert sum(1 for page in PAGES for _ in _used(page)) > 40


@pytest.mark.parametrize("picture", sorted(DOCS.rglob("*.svg")), ids=name)
def test_every_picture_is_whole_described_and_readable_in_the_dark(picture: Path) -> None:
    root = ET.parse(picture).getroot()
    space = "{http://www.w3.org/2000/svg}"
    for tag in ("title", "desc", "style"):
        found = root.find(f"{space}{tag}")
        assert found is not None
        assert found.text
    assert "prefers-color-scheme: dark" in picture.read_text()
    classes = {one for element in root.iter() for one in element.get("class", "").split()}
    light, _, dark = picture.read_text().partition("prefers-color-scheme: dark")
    for one in classes:
        assert f".{one} " in light, f"{one} has no colour"
        assert f".{one} " in dark or one == "act", f"{one} has no colour in the dark"


def test_decisions_are_numbered_without_gaps_and_their_titles_are_in_the_index() -> None:
    index = (DOCS / "index.md").read_text()
    pages = sorted((DOCS / "decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04d}" for number in range(1, len(pages) + 1)]
    for page in pages:
        title = page.read_text().partition("\n")[0].removeprefix("# ")
        assert title.startswith(page.name[:4])
        assert f"| {title[5:]} |" in index


def test_shell_blocks_carry_no_secret_and_no_private_place() -> None:
    for block in all_blocks("sh"):
        assert not re.search(r"(?:token|secret|password)=[\w-]{8,}", block.text, re.IGNORECASE), str(block)
