"""Exchanges recorded from a live Magento 2.4.6-p11."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bridge.connectors.magento.answers import Answer

FOLDER = Path(__file__).parents[2] / "recordings" / "magento"


def exchange(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def answer(name: str) -> Answer:
    response = exchange(name)["response"]
    headers = {key.lower(): value for key, value in response["headers"].items()}
    return Answer(response["status"], headers, response["body"] or "")


def every_exchange() -> list[str]:
    return [
        str(path.relative_to(FOLDER).with_suffix(""))
        for path in sorted(FOLDER.rglob("*.json"))
        if "response" in json.loads(path.read_text())
    ]
