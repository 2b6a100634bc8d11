"""The pictures of the pages: each is shown and told in words, is small, and is made by the script."""

from __future__ import annotations

import re

from tests.pictures import FOLDER, LARGEST, PICTURES
from tests.unit.docs.pages import DOCS, PAGES, name, prose

SHOWN = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")


def shown() -> dict[str, list[tuple[str, str]]]:
    """Picture → the pages that show it, with what each says of it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for page in PAGES:
        for words, target in SHOWN.findall(prose(page)):
            there = (page.parent / target).resolve()
            if there.suffix == ".webp":
                assert there.parent == FOLDER, f"{name(page)} shows {target} from elsewhere"
                found.setdefault(there.name, []).append((name(page), words))
    return found


def test_the_script_makes_what_is_there_and_what_is_there_is_shown() -> None:
    made = {f"{one.name}.webp" for one in PICTURES}
    assert made == {one.name for one in FOLDER.iterdir()}, "make pictures; take away what it makes no more"
    assert made == set(shown())
    assert len(made) == len(PICTURES)
    assert DOCS in FOLDER.parents


def test_each_is_told_in_words() -> None:
    for picture, places in shown().items():
        for page, words in places:
            assert len(words.split()) >= 5, f"{page}: {picture} says only {words!r}"


def test_each_is_small_and_a_picture() -> None:
    for one in FOLDER.iterdir():
        held = one.read_bytes()
        assert (held[:4], held[8:12]) == (b"RIFF", b"WEBP"), one.name
        assert len(held) <= LARGEST, f"{one.name} has {len(held)} bytes"
