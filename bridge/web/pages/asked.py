"""The form of a platform's credentials, made from what the platform asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.ports import Asks, CredentialField
from bridge.web.pages.forms import Form, wrong_fields
from bridge.web.problems import Problem

PREFIX: Final = "credentials/"
"""A field's name in the form is its place in the API's body."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A field as the form shows it."""

    field: CredentialField
    name: str
    value: str
    """Empty for a secret, whatever is stored or was typed."""
    hint: str
    must: bool
    """The browser may ask for it: nothing stands for it, and nothing of it is stored."""
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    """Empty: always shown; else folded away under it."""
    fields: tuple[Shown, ...]
    is_open: bool


def typed(asks: Asks, form: Form) -> dict[str, str]:
    """What the form holds of the credentials; fields left empty are left out."""
    found = {one.name: form.text(PREFIX + one.name) for one in asks.fields}
    return {name: value for name, value in found.items() if value}


def groups(
    asks: Asks, values: Mapping[str, str], errors: Mapping[str, str], stored: Mapping[str, object] | None = None
) -> list[Group]:
    """`values`: what was typed, or what is stored; `stored`: credentials that stay where a secret is left empty."""
    kept = stored or {}
    stands_for = {name for one in asks.fields for name in one.instead_of}

    def shown(one: CredentialField) -> Shown:
        hint = f"{one.where}." if one.where else ""
        if one.secret and kept.get(one.name):
            hint = f"{hint} One is stored: leave this empty to keep it.".strip()
        value = "" if one.secret else values.get(one.name, "")
        choices = one.choices
        if choices and value and value not in {each for each, _ in choices}:
            choices = (*choices, (value, value))
        must = one.required and not one.granted and one.name not in stands_for and not kept.get(one.name)
        return Shown(one, PREFIX + one.name, value, hint, must, choices)

    def group(title: str, fields: list[CredentialField]) -> Group:
        chosen = {one.choices[0][0] for one in fields if one.choices} | {""}
        is_open = any(errors.get(PREFIX + one.name) or values.get(one.name, "") not in chosen for one in fields)
        return Group(title, tuple(shown(one) for one in fields), is_open)

    plain = [one for one in asks.fields if not one.granted and not one.rare]
    granted = [one for one in asks.fields if one.granted]
    rare = [one for one in asks.fields if one.rare and not one.granted]
    found = [group("", plain), group("I have tokens already", granted), group("Rarely needed", rare)]
    return [one for one in found if one.fields]


def placed(problem: Problem, asks: Asks, given: Mapping[str, str]) -> dict[str, str]:
    """What is wrong, by field. `check` alone judges; what it says about a field, or of what is missing, goes there."""
    found = wrong_fields(problem)
    whole = found.pop("credentials", None)
    if whole is None:
        return found
    missing = [one for one in asks.fields if _lacks(asks, one, given)]
    if missing:
        return found | {PREFIX + one.name: f"{one.label} is missing. {one.where}." for one in missing}
    named = next((one for one in asks.fields if re.search(rf"\b{one.name}\b", whole)), None)
    return found | {PREFIX + named.name if named else "": whole}


def _lacks(asks: Asks, one: CredentialField, given: Mapping[str, str]) -> bool:
    if not one.required or given.get(one.name):
        return False
    if one.granted and not any(given.get(each.name) for each in asks.fields if each.granted):
        return False
    return not any(given.get(each.name) for each in asks.fields if one.name in each.instead_of)
