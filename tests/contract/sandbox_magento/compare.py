"""What must be equal between a recorded answer and the sandbox's."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.contract.sandbox_magento.lab import RESULT, Reply

MOMENTS = {"created_at", "updated_at", "protect_code"}
INNER_IDS = {"entity_id", "parent_id", "billing_address_id", "shipping_address_id"}
_RANDOM = re.compile(r"(Report ID: webapi-)[0-9a-f]{13}|(version)\d{10}|(oauth_token(?:_secret)?=)[a-z0-9]{32}")


def kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float)) else type(value).__name__


def differences(recorded: Any, got: Any, at: str = "$") -> list[str]:
    """Key sets, types and values; moments are compared by their form, the ids of inner rows by their type."""
    if kind(recorded) != kind(got):
        return [f"{at}: {recorded!r} is a {kind(recorded)}, got {got!r}"]
    if isinstance(recorded, dict):
        found = [f"{at}.{key}: missing" for key in recorded.keys() - got.keys()]
        found += [f"{at}.{key}: not in the recording ({got[key]!r})" for key in got.keys() - recorded.keys()]
        for key in recorded.keys() & got.keys():
            inner = f"{at}.{key}"
            if key in MOMENTS or key.endswith("_url"):
                same = re.sub(r"[0-9a-z]", "0", str(recorded[key])) == re.sub(r"[0-9a-z]", "0", str(got[key]))
                found += [] if same or key.endswith("_url") else [f"{inner}: {recorded[key]!r} or {got[key]!r}"]
            elif (key in INNER_IDS and at != "$") or key in {"billing_address_id", "shipping_address_id"}:
                found += [] if kind(recorded[key]) == kind(got[key]) else [f"{inner}: {got[key]!r}"]
            else:
                found += differences(recorded[key], got[key], inner)
        return found
    if isinstance(recorded, list):
        if len(recorded) != len(got):
            return [f"{at}: {len(recorded)} elements, got {len(got)}"]
        return [
            line
            for number, (one, other) in enumerate(zip(recorded, got, strict=True))
            for line in differences(one, other, f"{at}[{number}]")
        ]
    if isinstance(recorded, str):
        recorded, got = _masked(recorded), _masked(got)
    return [] if recorded == got else [f"{at}: {recorded!r}, got {got!r}"]


def _masked(text: str) -> str:
    return _RANDOM.sub(lambda found: f"{found[1] or found[2] or found[3]}…", text)


def compare(recorded: dict[str, Any], reply: Reply) -> list[str]:
    """Differences between a recorded response and the reply."""
    wanted = recorded["response"]
    found = [] if reply.status == wanted["status"] else [f"status {wanted['status']}, got {reply.status}: {reply.text}"]
    kind_wanted = wanted["headers"].get("Content-Type", "").casefold().replace(" ", "")
    kind_got = reply.headers.get("Content-Type", "").casefold().replace(" ", "")
    if kind_wanted != kind_got:
        found.append(f"content type {kind_wanted}, got {kind_got}")
    if wanted["headers"].get(RESULT) != reply.headers.get(RESULT):
        found.append(f"{RESULT}: {wanted['headers'].get(RESULT)}, got {reply.headers.get(RESULT)}")
    if "json" in kind_wanted:
        found += differences(json.loads(wanted["body"]), json.loads(reply.text))
    elif "html" in kind_wanted and wanted["body"].startswith("<!doctype"):
        for text in ("<!doctype html>", "503: Service Unavailable", "Service Temporarily Unavailable"):
            found += [] if text in reply.text and text in wanted["body"] else [f"{text!r} is missing"]
    elif _masked(wanted["body"]) != _masked(reply.text):
        found.append(f"body {wanted['body']!r}, got {reply.text!r}")
    return found
