"""How much of a long list fits a page: a page stays below 100 kB whatever remotes wrote into its order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar

from markupsafe import escape

from bridge.storage.changelog import Entry
from bridge.web.pages.in_words import in_words

T = TypeVar("T")

UNITS = 26_000
STORY = 26_000
ATTEMPTS = 12_000
MONEY = 8_000
QUESTIONS = 8_000
"""Bytes for each part of an order's page; with the frame, the forms and the facts they stay below 100,000."""
_FACTS = 10_000
"""Bytes of one entry's details."""
TEXT = 600
"""Characters of one text."""


def weight(*texts: object, around: int = 0) -> int:
    """Bytes of these texts in a page, each cut to `TEXT` characters; `around`: of the markup about them."""
    return around + sum(len(escape(str(text)[:TEXT]).encode()) for text in texts)


def fitting(rows: Iterable[T], room: int, size: Callable[[T], int]) -> list[T]:
    """The first of them that fit into so many bytes; always one, where there is one."""
    found: list[T] = []
    for row in rows:
        room -= size(row)
        if found and room < 0:
            break
        found.append(row)
    return found


Told = tuple[Entry, list[tuple[str, str]], int]
"""An entry, those of its facts that are shown, and how many are not."""


def _told(entry: Entry) -> Told:
    facts = in_words(entry.facts)
    shown = fitting(facts, _FACTS, lambda fact: weight(*fact, around=25))
    return entry, shown, len(facts) - len(shown)


def story(entries: list[Entry]) -> list[Told]:
    """As many as fit, the newest first."""

    def size(told: Told) -> int:
        entry, facts, _ = told
        return weight(entry.event, entry.because, around=300) + sum(weight(*fact, around=25) for fact in facts)

    return fitting(map(_told, entries), STORY, size)


def page_of(units: list[dict[str, object]], first: int) -> list[dict[str, object]]:
    """Of an order's units, from this place on."""
    texts = ("unit_id", "seller_sku", "price", "channel", "store", "because")

    def size(unit: dict[str, object]) -> int:
        return weight(*[unit.get(name, "") for name in texts], str(unit.get("name", ""))[:80], around=260)

    return fitting(islice(units, first, None), UNITS, size)
