"""Magento's search criteria as a query string, percent-encoded the way it is signed and sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

MAX_GROUPS = 10
"""With more, PHP's order of the signed parameters differs from OAuth's and the signature is refused."""
PAGE_SIZE = 100

Filter = tuple[str, str, str]
"""Field, condition, value."""


def encode(text: str) -> str:
    """Percent-encoded by RFC 3986, as OAuth signs."""
    return quote(text, safe="-._~")


def criteria(
    *groups: Sequence[Filter],
    sort: tuple[str, str] | None = None,
    page_size: int | None = None,
    fields: str | None = None,
) -> str:
    """A query string. Groups are joined by AND, the filters of one group by OR; `fields` trims the answer.

    Raises ValueError for more groups, or more filters in one group, than Magento's signature check survives.
    """
    pairs: list[tuple[str, str]] = []
    if len(groups) > MAX_GROUPS:
        raise ValueError(f"at most {MAX_GROUPS} filter groups can be signed, not {len(groups)}")
    for number, group in enumerate(groups):
        if len(group) > MAX_GROUPS:
            raise ValueError(f"at most {MAX_GROUPS} filters of a group can be signed, not {len(group)}")
        for position, (name, condition, value) in enumerate(group):
            place = f"searchCriteria[filter_groups][{number}][filters][{position}]"
            pairs += [
                (f"{place}[field]", name),
                (f"{place}[value]", value),
                (f"{place}[condition_type]", condition),
            ]
    if sort:
        pairs += [("searchCriteria[sortOrders][0][field]", sort[0])]
        pairs += [("searchCriteria[sortOrders][0][direction]", sort[1])]
    if page_size:
        pairs += [("searchCriteria[pageSize]", str(page_size))]
    if not pairs:
        pairs = [("searchCriteria", "")]
    if fields:
        pairs += [("fields", fields)]
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in pairs)


def magento_time(moment: datetime) -> str:
    """UTC, to the second, as Magento's database keeps it. Raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be compared with Magento's, which are UTC")
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def read_time(text: object) -> datetime | None:
    """A time of Magento's database, which is UTC; None where it is absent or unreadable."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
