"""What an installed plugin version can do, judged by what it reports about itself.

Two releases report the number before theirs (read in the tags of github.com/AfterShip/tiktok-shop, confirmed by
installing each): 1.0.18 reports 1.0.17 and 1.0.20 reports 1.0.19. So a report stands for one or two versions, and
where those differ the answer is "maybe".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import total_ordering
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field

RECOMMENDED = "1.0.26"
"""The newest release known to work; it is exactly the repair of 1.0.25."""

_NUMBERS = re.compile(r"[vV]?(\d{1,9}(?:\.\d{1,9}){1,5})", re.ASCII)
_SHOWN = 64


class NoVersion(NamedTuple):
    """No version could be read: `missing` (absent or blank) or `unreadable` (`raw` is the text as it came)."""

    state: Literal["missing", "unreadable"]
    raw: str | None


@total_ordering
class PluginVersion:
    """A version compared number by number (1.0.9 < 1.0.20; 1.0 equals 1.0.0). Immutable; `raw` is the text as it
    came.
    """

    __slots__ = ("_key", "numbers", "raw")

    def __init__(self, *numbers: int, raw: str | None = None) -> None:
        if not numbers or min(numbers) < 0:
            raise ValueError("a version is made of whole numbers from 0 up")
        self.numbers = numbers
        self.raw = raw if raw is not None else str(self)
        significant = list(numbers)
        while significant and significant[-1] == 0:
            significant.pop()
        self._key = tuple(significant)

    @classmethod
    def parse(cls, text: str | None) -> Self | NoVersion:
        """Read 2 to 6 numbers joined by dots, a leading v allowed. Never raises: what is no version says so."""
        stripped = (text or "").strip()
        if not stripped:
            return NoVersion("missing", text)
        match = _NUMBERS.fullmatch(stripped)
        if match is None:
            return NoVersion("unreadable", text)
        return cls(*(int(number) for number in match[1].split(".")), raw=text)

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, PluginVersion) else NotImplemented

    def __lt__(self, other: PluginVersion) -> bool:
        return self._key < other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __str__(self) -> str:
        return ".".join(str(number) for number in self.numbers)

    def __repr__(self) -> str:
        return f"PluginVersion({self})"


class Can(StrEnum):
    """Whether a version does something. A closed set: it is ours, not the plugin's."""

    YES = "yes"
    NO = "no"
    MAYBE = "maybe"  # the report fits versions that do and versions that do not
    UNSAFE = "unsafe"  # it is there and fails every time: do not start it


class CapabilityTable(BaseModel):
    """The four things that differ between versions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    creditmemo_events: Can = Field(description="A saved credit memo is announced as creditmemos/update.")
    restock: Can = Field(description="Refunded units may be put back to stock (offered from 1.0.20 up).")
    reservation_result: Can = Field(description="Answers carry X-AS-Inventory-Reservation-Result.")
    refunds: Can = Field(description="Magento can book a credit memo while this plugin is installed.")


class Restock(BaseModel):
    """Whether units may be put back to stock, and why, for the merchant to read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allowed: bool
    because: str


class Capabilities(BaseModel):
    """The answer of a version check. Its JSON is the body of `GET /plugin/version-check`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reported: str | None = Field(description="What the store reports, as it came; null when it reports nothing.")
    may_be: tuple[str, ...] = Field(
        description="The versions that report this; empty when nothing readable was reported."
    )
    recommended: str
    capabilities: CapabilityTable
    restock: Restock
    warnings: tuple[str, ...] = Field(description="Sentences for the merchant; each says what to do.")

    @property
    def reserve_on_create(self) -> Can:
        """Whether `as-inventory-behaviour: decrement` on order creation reserves stock (from 1.0.16)."""
        version = PluginVersion.parse(self.reported)
        if isinstance(version, NoVersion):
            return Can.NO if version.state == "missing" else Can.MAYBE
        return Can.YES if version >= PluginVersion(1, 0, 16) else Can.NO


class _Row(NamedTuple):
    """What a version and all later ones up to the next row do."""

    since: PluginVersion
    creditmemo_events: Can
    restock: Can
    reservation_result: Can
    refunds: Can


_V17, _V18, _V19, _V20 = (PluginVersion(1, 0, patch) for patch in (17, 18, 19, 20))
_V25, _V26 = PluginVersion(1, 0, 25), PluginVersion(1, 0, 26)
_Y, _N = Can.YES, Can.NO
# 1.0.17 to 1.0.21 and 1.0.24 to 1.0.26 were installed and measured; the others are read from the tags' source.
_ROWS = (
    _Row(PluginVersion(0, 0), _N, _N, _N, _Y),
    _Row(_V18, _Y, _N, _N, _Y),
    _Row(_V20, _Y, _Y, _N, _Y),
    _Row(PluginVersion(1, 0, 21), _Y, _Y, _Y, _Y),
    # Its credit memo listener throws inside the save: every refund route answers 500, nothing is booked or announced.
    _Row(_V25, _N, _N, _Y, Can.UNSAFE),
    _Row(_V26, _Y, _Y, _Y, _Y),
)
_REPORTED_BY = {_V17: (_V17, _V18), _V19: (_V19, _V20)}

_UPDATE = f"Update the AfterShip TikTok Shop plugin to {RECOMMENDED}"


def capabilities(reported: str | None, *, override: str | None = None) -> Capabilities:
    """What the plugin that reports `reported` can do; None or blank means that the store reports no plugin.

    `override` is an operator's statement of the version that is really installed. It counts only where the report is
    ambiguous and allows it; elsewhere it is ignored, with a warning. Never raises.
    """
    version = PluginVersion.parse(reported)
    stated = PluginVersion.parse(override)
    warnings: list[str] = []
    if isinstance(version, NoVersion):
        may_be: tuple[PluginVersion, ...] = ()
        table = _merge(_ROWS) if version.state == "unreadable" else _merge(_ROWS[:1])
        judged = None
    else:
        may_be = _REPORTED_BY.get(version, (version,))
        judged = stated if isinstance(stated, PluginVersion) and stated in may_be else None
        table = _merge(_row(candidate) for candidate in ((judged,) if judged else may_be))
    if not (isinstance(stated, NoVersion) and stated.state == "missing"):
        words = str(stated) if isinstance(stated, PluginVersion) else _shown(override)
        warnings += _about_override(version, words, counts=judged is not None, ambiguous=len(may_be) > 1)
    warnings += _about_version(version, table)
    return Capabilities(
        reported=None if isinstance(version, NoVersion) and version.state == "missing" else reported,
        may_be=tuple(str(candidate) for candidate in may_be),
        recommended=RECOMMENDED,
        capabilities=table,
        restock=_restock(version, table, judged if len(may_be) > 1 else None),
        warnings=tuple(warnings),
    )


def _row(version: PluginVersion) -> _Row:
    return next(row for row in reversed(_ROWS) if row.since <= version)


def _merge(rows: Iterable[_Row]) -> CapabilityTable:
    columns = zip(*(row[1:] for row in rows), strict=True)
    values = [column[0] if len(set(column)) == 1 else Can.MAYBE for column in columns]
    return CapabilityTable(**dict(zip(_Row._fields[1:], values, strict=True)))


def _shown(text: str | None) -> str:
    """Somebody else's text inside a sentence: short, and on one line."""
    flat = "".join(character if character.isprintable() else "?" for character in (text or "").strip())
    return flat if len(flat) <= _SHOWN else flat[:_SHOWN] + "…"


def _about_override(version: PluginVersion | NoVersion, stated: str, *, counts: bool, ambiguous: bool) -> list[str]:
    if counts:
        sentence = (
            f"The store reports {version} and is treated as {stated}, which an operator stated to be installed. "
            "Remove the statement after the next plugin update."
        )
        return [sentence] if ambiguous else []
    reports = f"reports {version}" if isinstance(version, PluginVersion) else "reports no readable version"
    sentence = (
        f"The stated plugin version “{stated}” is ignored: the store {reports}, and that cannot be it. "
        "Correct or remove the statement."
    )
    return [sentence]


def _about_version(version: PluginVersion | NoVersion, table: CapabilityTable) -> list[str]:
    if isinstance(version, NoVersion):
        return [_about_no_version(version)]
    if table.refunds is Can.UNSAFE:
        sentence = (
            f"{_UPDATE} at once: with version {version} every refund in Magento fails with an internal error "
            "(HTTP 500), in the admin pages too, and nothing is booked."
        )
        return [sentence]
    if version > _V26:
        sentence = (
            f"Plugin version {version} is newer than {RECOMMENDED}, the newest one checked, and is treated like it. "
            "Look at the first cancellations after the update."
        )
        return [sentence]
    found: list[str] = []
    if table.creditmemo_events is Can.NO:
        found.append(f"{_UPDATE}: version {version} does not announce refunds made in Magento.")
    elif table.creditmemo_events is Can.MAYBE:
        found.append(
            f"{_UPDATE}: a store that reports {version} may have 1.0.17 or 1.0.18, and only 1.0.18 announces refunds."
        )
    if table.restock is Can.MAYBE:
        found.append(
            f"{_UPDATE}: a store that reports {version} may have 1.0.19 or 1.0.20, and only 1.0.20 may restock. "
            "If you know that 1.0.20 is installed, state it in the connection's settings."
        )
    elif table.creditmemo_events is Can.YES and table.reservation_result is Can.NO:
        found.append(f"{_UPDATE}: before 1.0.21 the plugin does not say whether an order's stock was reserved.")
    return found


def _about_no_version(version: NoVersion) -> str:
    if version.state == "missing":
        return (
            "The store reports no AfterShip TikTok Shop plugin: none is installed, or one older than 1.0.6. "
            f"Install version {RECOMMENDED}; until then refunds made in Magento are not announced."
        )
    return (
        f"The store reports the plugin version “{_shown(version.raw)}”, which is no version number. "
        f"Look up the installed version with `composer show aftership/tiktok-shop` and update it to {RECOMMENDED}."
    )


def _restock(version: PluginVersion | NoVersion, table: CapabilityTable, judged: PluginVersion | None) -> Restock:
    rule = "Restock needs plugin version 1.0.20 or above"
    if isinstance(version, NoVersion):
        if version.state == "missing":
            because = f"{rule}, and this store reports no plugin. Install version {RECOMMENDED} to use it."
        else:
            because = f"{rule}, and this store reports no readable plugin version. {_UPDATE} to use it."
        return Restock(allowed=False, because=because)
    if table.refunds is Can.UNSAFE:
        because = (
            f"With plugin version {version} every refund in Magento fails, so nothing can be restocked. {_UPDATE}; "
            "refunds that wait can go on afterwards."
        )
        return Restock(allowed=False, because=because)
    if table.restock is Can.MAYBE:
        because = (
            f"{rule}, and a store that reports {version} may have 1.0.19 or 1.0.20. {_UPDATE}, or state in the "
            "connection's settings that 1.0.20 is installed."
        )
        return Restock(allowed=False, because=because)
    installed = f"an operator stated that {judged} is installed" if judged else f"this store reports {version}"
    if table.restock is Can.NO:
        return Restock(allowed=False, because=f"{rule}, and {installed}. {_UPDATE} to use it.")
    because = f"{rule}; {installed}. Switch restock on or off in the cancellation settings."
    return Restock(allowed=True, because=because)
