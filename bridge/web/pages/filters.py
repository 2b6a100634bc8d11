"""How times, numbers and words are shown on the pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from markupsafe import Markup, escape

_NARROW: Final = "\N{NARROW NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Times:
    """Times as this viewer reads them."""

    zone: tzinfo
    zone_name: str
    moment: datetime
    """Now."""

    def when(self, at: datetime | None, missing: str = "never") -> Markup:
        """The viewer's time with UTC beside; one of them where they are the same."""
        if at is None:
            return Markup('<span class="quiet">{}</span>').format(missing)
        there, utc = self._there(at), at.astimezone(UTC)
        said = Markup('<time datetime="{}">{}</time>').format(utc.isoformat(timespec="seconds"), _date_time(there))
        if there.utcoffset() == timedelta(0):
            return said + Markup(' <span class="utc">UTC</span>')
        same_day = there.date() == utc.date()
        beside = f"{utc:%H:%M} UTC" if same_day else f"{utc.day} {utc:%b %H:%M} UTC"
        return said + Markup(' <span class="utc">({})</span>').format(beside)

    def day(self, at: datetime) -> str:
        """The day of the viewer's calendar."""
        there = self._there(at)
        return f"{there.day} {there:%b %Y}"

    def _there(self, at: datetime) -> datetime:
        """In the viewer's zone; in UTC at the calendar's ends, which that zone may be beyond."""
        try:
            return at.astimezone(self.zone)
        except OverflowError:
            return at.astimezone(UTC)

    def ago(self, at: datetime | None, missing: str = "never") -> Markup:
        """How long ago, or in how long; the time itself is in the title and for machines."""
        if at is None:
            return Markup('<span class="quiet">{}</span>').format(missing)
        text = ago(self.moment - at)
        title = f"{_date_time(self._there(at))} {self.zone_name}; {_date_time(at.astimezone(UTC))} UTC"
        iso = at.astimezone(UTC).isoformat(timespec="seconds")
        return Markup('<time datetime="{}" title="{}">{}</time>').format(iso, title, text)

    def left(self, at: datetime) -> str:
        """How long until then: for deadlines."""
        remaining = at - self.moment
        return f"{span(remaining)} left" if remaining > timedelta(0) else f"over since {span(-remaining)}"


def _date_time(at: datetime) -> str:
    return f"{at.day} {at:%b %Y, %H:%M}"


def span(length: timedelta) -> str:
    """A length of time in one or two units, rounded down."""
    seconds = int(length.total_seconds())
    if seconds < 60:
        return f"{seconds}{_NARROW}s"
    if seconds < 3600:
        return f"{seconds // 60}{_NARROW}min"
    if seconds < 86_400:
        return f"{seconds // 3600}{_NARROW}h {seconds % 3600 // 60}{_NARROW}min"
    return f"{seconds // 86_400}{_NARROW}d {seconds % 86_400 // 3600}{_NARROW}h"


def ago(length: timedelta) -> str:
    if abs(length) < timedelta(seconds=5):
        return "just now"
    return f"{span(length)} ago" if length > timedelta(0) else f"in {span(-length)}"


def number(value: float) -> str:
    """1234567 → 1 234 567, with blanks that do not break."""
    return f"{value:,}".replace(",", _NARROW)


def words(key: object) -> str:
    """`not_imported` → `not imported`."""
    return str(key).replace("_", " ").replace("-", " ")


def copyable(text: object, label: str = "") -> Markup:
    """An id: one click selects it; with script, a button copies it."""
    if text is None or text == "":
        return Markup('<span class="quiet">none</span>')
    button = Markup('<button type="button" data-copy="{}" hidden>Copy<span class="sr"> {}</span></button>')
    shown = Markup('<span class="copy"><code>{}</code>{}</span>')
    return shown.format(text, button.format(text, label or text))


def sentences(text: str) -> Markup:
    """A text of several lines as paragraphs."""
    parts = [part.strip() for part in text.split("\n") if part.strip()]
    return Markup("").join(Markup("<p>{}</p>").format(part) for part in parts)


_MARKS: Final = ((re.compile(r"\*([^*\n]+)\*"), r"<em>\1</em>"), (re.compile(r"`([^`\n]+)`"), r"<code>\1</code>"))


def marked(text: str) -> Markup:
    """Our own advice with its *stressed words* and `code`."""
    shown = str(escape(text))
    for mark, tag in _MARKS:
        shown = mark.sub(tag, shown)
    return Markup(shown)  # noqa: S704 -- escaped above; only the two tags are added


def initial(text: str) -> str:
    return text[:1].upper() + text[1:]


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "number": number,
    "words": words,
    "copyable": copyable,
    "span": span,
    "sentences": sentences,
    "initial": initial,
    "marked": marked,
    "escaped": escape,
}
