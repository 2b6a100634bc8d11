"""What is known of a buyer does not come back in a remote's words: they are shown, stored and logged. Pure.

A store that refuses an order likes to quote the address that it refuses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from bridge.domain.channel_order import ChannelOrder
from bridge.domain.outcomes import Done, Outcome

INSTEAD: Final = "…"
_SHORTEST: Final = 2
_SHORTEST_WORD: Final = 3
_SHORTEST_PHONE: Final = 6
_SHORTEST_END: Final = 4


def about_buyer(order: ChannelOrder, body: str = "") -> frozenset[str]:
    """What the channel tells of the buyer, and what a create's `body` says below anything called an address.

    A country or a state is nobody; words of a name are taken one by one, too, since stores split names.
    """
    given = order.address
    names = (given.name, given.first_name, given.last_name)
    found = {*names, given.phone, *given.street, ", ".join(given.street), given.city, given.postal_code}
    found |= {order.buyer_email, *_in_body(body)}
    found |= {word for name in names for word in name.split() if len(word) >= _SHORTEST_WORD}
    return frozenset(one.strip() for one in found if len(one.strip()) >= _SHORTEST)


def _in_body(body: str) -> Iterator[str]:
    try:
        sent = json.loads(body) if body else None
    except ValueError:
        return
    yield from _leaves(sent, inside=False)


_NOBODY: Final = re.compile(r"country|province|state|region|type|method", re.IGNORECASE)


def _leaves(value: Any, *, inside: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, below in value.items():
            if not _NOBODY.search(name):
                yield from _leaves(below, inside=inside or "address" in name.lower())
    elif isinstance(value, list):
        for below in value:
            yield from _leaves(below, inside=inside)
    elif inside and isinstance(value, str):
        yield value


def without(text: str, private: Iterable[str]) -> str:
    """The text with a mark in the place of everything private, however it is spelt in capitals."""
    for one in sorted(private, key=len, reverse=True):
        text = _pattern(one).sub(INSTEAD, text)
    return _cut_off(text, private)


def _pattern(one: str) -> re.Pattern[str]:
    digits = re.sub(r"[-+()./\s]", "", one)
    if digits.isdigit() and len(digits) >= _SHORTEST_PHONE:
        # A phone number is written in many ways.
        return re.compile(r"\+?\(?" + r"[-+()./\s]*".join(digits))
    return re.compile(rf"(?<!\w){re.escape(one)}(?!\w)", re.IGNORECASE)


def _cut_off(text: str, private: Iterable[str]) -> str:
    """What was too long was cut, perhaps in the middle of something private."""
    body = text.removesuffix("…").rstrip()
    if body == text:
        return text
    low = body.lower()
    for one in private:
        for length in range(len(one) - 1, _SHORTEST_END - 1, -1):
            if low.endswith(one[:length].lower()):
                return body[:-length] + INSTEAD
    return text


def discreet(outcome: Outcome, private: Iterable[str]) -> Outcome:
    """The same outcome, its words without anything private."""
    if isinstance(outcome, Done):
        return replace(outcome, facts={name: without(value, private) for name, value in outcome.facts.items()})
    return replace(outcome, because=without(outcome.because, private))
