"""What each connector claims of itself: its `quality.toml`, read against the rules that every connector answers to.

A rule is `done` (with what proves it), `todo` or `exempt` (with the reason). `python -m bridge.quality` prints the page
`docs/reference/connector-quality.md`.
"""

from __future__ import annotations

import functools
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "connectors"
STATUSES: Final = ("done", "todo", "exempt")

EVERY: Final[Mapping[str, str]] = {
    "contract-suite": "It passes the suite of its side, as every other does.",
    "signing": "What it sends carries the signature or token the vendor asks for; vectors hold.",
    "signature": "What is delivered is verified over the raw bytes, in constant time, against every key.",
    "error-map": "Every answer, error and silence becomes one outcome; nothing sent and unanswered is called undone.",
    "unknown-values": "A status or word never seen is kept, is shown, and causes nothing.",
    "secrets-unseen": "No outcome, exception, repr, log or address carries a secret.",
    "private-address-guard": "An address inside the operator's network is not called unless that is allowed.",
    "echo": "Our own effect is known again when it comes back.",
    "sweep": "What changed is read page by page, and nothing is left out while rows move.",
    "registrations": "What the platform sends us is registered, confirmed by listing, and mended.",
    "rate-limit": "The vendor's limit is kept, and a wish to slow down is handed on.",
    "permissions-check": "Connecting names each missing permission and what it is for.",
    "reauth": "Credentials that are taken no more say what a person must do.",
    "doctor": "Each thing that can be wrong there has its own finding; one failed check stops no other.",
    "test-delivery": "Doctor's own signed delivery passes the door, and leads to no order.",
    "vendor-shapes": "What is sent and read is held against the vendor's schemas, or recordings of its answers.",
    "live": "It was measured against a live account.",
}
"""Rules of every connector."""
OF_STORES: Final[Mapping[str, str]] = {
    "idempotent-create": "A repeated create finds the first order; the stored bytes are sent.",
    "idempotent-refund": "A repeated refund or cancellation books nothing twice.",
    "amounts-to-the-cent": "Rows, taxes, discounts and shipping sum to what was paid, or the order is held.",
    "restock": "Units go back to stock as the request says, or the platform's own way is said.",
    "never-forced": "What left, returns or is being packed is not refunded or cancelled by force.",
    "partial-refunds": "Some units of an order can be refunded by themselves, or are held with the reason.",
}
OF_CHANNELS: Final[Mapping[str, str]] = {
    "idempotent-cancel": "A repeated cancellation or approval does nothing twice.",
    "single-lines": "Just some lines are cancelled only where the channel allows it.",
}
SIDES: Final[Mapping[str, Mapping[str, str]]] = {
    "store": {**EVERY, **OF_STORES},
    "channel": {**EVERY, **OF_CHANNELS},
}


@dataclass(frozen=True, slots=True)
class Claim:
    rule: str
    status: str
    """`done`, `todo` or `exempt`."""
    comment: str
    """A sentence: how it is kept, or why it is not."""
    proof: tuple[str, ...] = ()
    """Test modules, or tests as `module::name`, that prove it."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Of one connector, in the order of its file."""

    kind: str
    name: str
    """As people read it."""
    side: str
    of: tuple[Claim, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Rules of its side that it says nothing of."""
        said = {one.rule for one in self.of}
        return tuple(rule for rule in SIDES[self.side] if rule not in said)

    def by(self, status: str) -> tuple[Claim, ...]:
        return tuple(one for one in self.of if one.status == status)


def kinds() -> tuple[str, ...]:
    return tuple(sorted(path.parent.name for path in FOLDER.glob("*/quality.toml")))


@functools.cache
def claims(kind: str) -> Claims:
    """Raises KeyError for a kind that claims nothing, ValueError saying what is wrong in its file."""
    path = FOLDER / kind / "quality.toml"
    if not path.is_file():
        raise KeyError(kind)
    read = tomllib.loads(path.read_text("utf-8"))
    found = []
    for rule, told in read.get("rules", {}).items():
        claim = Claim(rule, str(told.get("status")), str(told.get("comment", "")), tuple(told.get("proof", ())))
        where = f"quality.toml of {kind}, rule {rule}"
        if set(told) - {"status", "comment", "proof"} or claim.status not in STATUSES:
            raise ValueError(f"{where}: needs a status of {', '.join(STATUSES)}, a comment, and proof where it is done")
        if not claim.comment.endswith("."):
            raise ValueError(f"{where}: the comment must be a sentence")
        if bool(claim.proof) is not (claim.status == "done"):
            raise ValueError(f"{where}: what is done, and only that, has its proof")
        found.append(claim)
    if read.get("side") not in SIDES or not read.get("name"):
        raise ValueError(f"quality.toml of {kind}: needs its name, and its side: {' or '.join(SIDES)}")
    return Claims(kind, str(read["name"]), str(read["side"]), tuple(found))


def told(kind: str) -> str:
    """The same in a few sentences for people."""
    found = claims(kind)
    text = f"The {found.name} connector keeps {len(found.by('done'))} rules, each with tests that prove it."
    if exempt := found.by("exempt"):
        text += f" Not meant for it: {', '.join(one.rule for one in exempt)}."
    if todo := found.by("todo"):
        text += " Not done yet: " + " ".join(f"{one.rule}: {one.comment}" for one in todo)
    return text


_ABOUT: Final = (
    "Made from each connector's `quality.toml` by `python -m bridge.quality`, and held to it by a test. "
    "`bridge doctor` says the same of each connection (`claims`). A rule is done, with the tests that prove it; "
    "todo; or exempt, with the reason. Further rules are a connector's own."
)


def page() -> str:
    """`docs/reference/connector-quality.md`."""
    lines = [
        "# What each connector claims",
        "",
        _ABOUT,
        "",
        "| rule | of | means |",
        "|---|---|---|",
    ]
    for side, rules in (("every connector", EVERY), ("stores", OF_STORES), ("channels", OF_CHANNELS)):
        lines += [f"| `{rule}` | {side} | {text} |" for rule, text in rules.items()]
    for kind in kinds():
        found = claims(kind)
        lines += ["", f"## {found.name}", "", "| rule | | how, or why not | proof |", "|---|---|---|---|"]
        for one in found.of:
            proof = ", ".join(f"`{where}`" for where in one.proof)
            lines.append(f"| `{one.rule}` | {one.status} | {one.comment} | {proof} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
