from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from plugin_contract.deliveries import Topic, sign
from plugin_contract.registration import webhook_id
from plugin_contract.versions import PluginVersion, capabilities

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "plugin-contract.md").read_text()
ROWS = [
    [cell.strip().strip("*") for cell in line.strip("|").split("|")]
    for line in PAGE.partition("\n| reported | may be |")[2].partition("\n\n")[0].splitlines()[2:]
]
WORDS = {"nothing": None, "not a version": "abc", "newer": "1.0.27"}


def reports(cell: str) -> list[str | None]:
    """Every report a row of the page speaks of."""
    if cell in WORDS:
        return [WORDS[cell]]
    ends = [PluginVersion.parse(text) for text in re.findall(r"\d+\.\d+\.\d+", cell)]
    patches = [end.numbers[-1] for end in ends if isinstance(end, PluginVersion)]
    return [f"1.0.{patch}" for patch in range(patches[0], patches[-1] + 1)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_row_of_the_version_table_is_what_the_code_says(row: list[str]) -> None:
    for reported in reports(row[0]):
        judged = capabilities(reported)
        assert [*judged.capabilities.model_dump(mode="json").values()] == [cell.strip("*") for cell in row[2:6]]
        assert ("yes" if judged.restock.allowed else "no") == row[6].split(",")[0]
        assert judged.reserve_on_create == row[7]
        expected = {"": [], "itself": [reported]}.get(row[1], row[1].split(", "))
        assert list(judged.may_be) == expected


def test_the_table_speaks_of_every_release_from_1_0_6() -> None:
    spoken = {report for row in ROWS for report in reports(row[0])}
    assert spoken >= {f"1.0.{patch}" for patch in range(6, 27)}


def test_the_vectors_of_the_page_hold() -> None:
    key, body, signature = re.findall(r"\| `(\w{32})` \| `(.*?)` \| `(\w{64})` \|", PAGE)[0]
    assert sign(body.encode(), key) == signature
    parts = re.findall(r"`([^`]+)`, `([^`]+)`, `([^`]+)` gives `(\w{64})`", PAGE)[0]
    assert webhook_id(*parts[:3]) == parts[3]


def test_the_json_of_the_page_has_the_shape_and_values_of_the_code() -> None:
    shown = json.loads(PAGE.partition('```json\n{\n  "reported"')[2].partition("```")[0].join(['{"reported"', ""]))
    real = capabilities("1.0.19").model_dump(mode="json")
    assert set(shown) == set(real)
    assert {name: shown[name] for name in ("reported", "may_be", "recommended", "capabilities")} == {
        name: real[name] for name in ("reported", "may_be", "recommended", "capabilities")
    }
    assert real["restock"]["because"].startswith(shown["restock"]["because"].removesuffix("…"))
    assert real["warnings"][0].startswith(shown["warnings"][0].removesuffix("…"))


def test_every_topic_is_on_the_page() -> None:
    for topic in Topic:
        assert f"| `{topic}` |" in PAGE
