"""What each release of AfterShip_TikTokShop does, as measured with each one installed.

Releases 1.0.22 and 1.0.23 were not measured; they are given the behaviour of their neighbours 1.0.21 and 1.0.24.
"""

from __future__ import annotations

from dataclasses import dataclass

RELEASES = ("1.0.17", "1.0.18", "1.0.19", "1.0.20", "1.0.21", "1.0.22", "1.0.23", "1.0.24", "1.0.25", "1.0.26")


@dataclass(frozen=True)
class Plugin:
    """One installed release.

    `reported` is what `GET /V1/store/storeConfigs` says, which is not always the release itself.
    """

    version: str
    reported: str
    memo_events: bool
    increment_restocks: bool
    reservation_header: bool
    refunds_work: bool
    change_type: bool
    product_events_per_refund: int


def plugin(version: str | None) -> Plugin | None:
    """The release named, or None where no plugin is installed.

    Raises ValueError for a release that does not exist.
    """
    if version is None:
        return None
    if version not in RELEASES:
        raise ValueError(f"no such release: {version}; there are {', '.join(RELEASES)}, or none")
    patch = int(version.rsplit(".", 1)[1])
    return Plugin(
        version=version,
        reported={"1.0.18": "1.0.17", "1.0.20": "1.0.19"}.get(version, version),
        memo_events=patch >= 18 and patch != 25,
        increment_restocks=patch >= 20,
        reservation_header=patch >= 21,
        refunds_work=patch != 25,
        change_type=patch >= 25,
        product_events_per_refund=1 if patch >= 25 else 2,
    )
