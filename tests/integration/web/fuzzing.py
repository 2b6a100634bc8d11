"""schemathesis against a house: what it may assume of a description, what it checks, and what it found."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

CHECKS: Mapping[str, Any] = {
    # 502 says that a remote gave no answer, and TikTok Shop gives none here.
    "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", 502]},
    # Whether a cursor is of this list, an address can be reached or a rule makes sense is not said by a schema: what
    # is valid by the description may be 422, but never 400, 405, 413 or 415.
    "positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", 401, 403, 404, 409, 422, 429, 502]},
    # Needs two callers who own different things; here tokens differ in scopes only, and those are tested beside.
    "object_level_authorization": {"enabled": False},
}
UNSIGNED = ("hooks", "oauth")
"""Tags whose callers are remotes and browsers: a signature that is no signature, or no longer a link, is 400 by itself,
so nothing drawn at random is ever valid."""


@dataclass
class Found:
    cases: int = 0
    operations: set[str] = field(default_factory=set)
    statuses: dict[int, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def filled_in(document: Mapping[str, Any], ids: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The description with ids of the house: whatever is drawn at random is never there. What deletes gets the last."""
    filled: dict[str, Any] = copy.deepcopy(dict(document))
    for operations in filled["paths"].values():
        for method, operation in operations.items():
            for one in operation["parameters"]:
                known = ids.get(one["name"])
                if one["in"] == "path" and known:
                    known = known[-1:] if method == "delete" else known
                    one["schema"] = {"anyOf": [{"enum": list(known)}, one["schema"]]}
    return filled


def fuzz(
    document: Mapping[str, Any],
    url: str,
    token: str,
    *,
    examples: int,
    seed: int = 1,
    phases: Sequence[str] = ("examples", "coverage", "fuzzing"),
) -> Found:
    """Everything that schemathesis makes up of this description, sent to `url`."""
    config = SchemathesisConfig.from_dict(
        {
            "base-url": url,
            "seed": seed,
            "headers": {"Authorization": f"Bearer {token}"},
            "continue-on-failure": True,
            "request-timeout": 20,
            # Nothing is kept from one run for the next.
            "cache": {"enabled": False},
            "generation": {"deterministic": True, "max-examples": examples, "no-shrink": True},
            "phases": {name: {"enabled": name in phases} for name in ("examples", "coverage", "fuzzing", "stateful")},
            "checks": dict(CHECKS),
            "operations": [
                {"include-tag": tag, "checks": {"positive_data_acceptance": {"enabled": False}}} for tag in UNSIGNED
            ],
        }
    )
    found = Found()
    with warnings.catch_warnings():
        # What the tool itself thinks of the libraries it stands on is no news of ours.
        warnings.simplefilter("ignore")
        for event in from_schema(schemathesis.openapi.from_dict(dict(document), config=config)).execute():
            if isinstance(event, ScenarioFinished):
                _note(found, event)
            elif isinstance(event, NonFatalError):
                found.failures.append(f"{event.label}: {event.value!r}")
            elif isinstance(event, FatalError):
                raise event.exception
    return found


def _note(found: Found, event: ScenarioFinished) -> None:
    recorded = event.recorder
    found.cases += len(recorded.interactions)
    if recorded.interactions:
        found.operations.add(recorded.label)
    for one in recorded.interactions.values():
        if one.response is not None:
            found.statuses[one.response.status_code] = found.statuses.get(one.response.status_code, 0) + 1
    for case, checks in recorded.checks.items():
        for check in checks:
            if check.status is Status.FAILURE and check.failure_info is not None:
                request = recorded.interactions[case].request
                response = recorded.interactions[case].response
                found.failures.append(
                    f"{recorded.label} ({event.phase}): {check.failure_info.failure.title}: "
                    f"{check.failure_info.failure.message[:600]}\n  {request.method} {request.uri[:400]}\n  "
                    f"{(request.body or b'')[:400]!r}\n  {response.status_code if response else None} "
                    f"{response.content[:400] if response else b''!r}"
                )
