"""How to be told: the plugin's webhook registrations under `/rest/V1/aftership/webhooks`, and what to do about their
traps.

All registrations of a store live in one JSON text that the plugin reads and writes without a lock (core_config_data,
path `aftership/webhooks/webhooks`). Hence: one write at a time (of 8 parallel ones 5 were stored), read back after
each, and expect the next call to take seconds, because each write cleans the configuration cache. The plugin checks
neither topic nor address.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from plugin_contract.fields import ContractError, EntityId, Message, PlainText

PATH = "/rest/V1/aftership/webhooks"


class UnreadableRegistration(ContractError):
    """The answer is neither a registration nor the plugin's `[]` for "no such id"."""


class Wanted(BaseModel):
    """A registration to ask for. No other field may be sent: the plugin answers an unknown one with 500."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: PlainText
    app_key: PlainText = Field(description="Free text; comes back in X-App-Key of each delivery.")
    address: PlainText = Field(description="Where deliveries are posted.")
    id: PlainText | None = Field(default=None, description="Leave out to let the plugin compute its own.")

    @property
    def stored_id(self) -> str:
        """The id under which the plugin stores it."""
        return self.id or webhook_id(self.app_key, self.topic, self.address)


class RegisterRequest(BaseModel):
    """The body of `POST /rest/V1/aftership/webhooks`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    webhook: Wanted

    @classmethod
    def of(cls, wanted: Wanted) -> Self:
        """Wrap a wanted registration."""
        return cls(webhook=wanted)

    def body(self) -> bytes:
        """The JSON to send; an id that was not chosen is left out."""
        return self.model_dump_json(exclude_none=True).encode()


class Registration(Message):
    """A stored registration, as POST, GET and DELETE answer it."""

    id: EntityId
    topic: str
    app_key: str
    address: str
    integration_id: EntityId | None = Field(
        default=None,
        description="The integration that registered (for an admin token: the admin's user id); its key signs.",
    )


class Reason(StrEnum):
    """Why a registration is not ours."""

    OTHER_INTEGRATION = "other_integration"
    OTHER_ADDRESS = "other_address"


class Foreign(BaseModel):
    """A registration that is not ours. `may_silence` are ours of the same topic stored after it: when its integration
    no longer exists the plugin stops there, and those get nothing (measured; the store logs only "webhook send
    failed. error: ").
    """

    model_config = ConfigDict(frozen=True)

    registration: Registration
    reason: Reason
    may_silence: tuple[Registration, ...]


class Plan(BaseModel):
    """Steps in this order, one call at a time: delete, register, then read the list again."""

    model_config = ConfigDict(frozen=True)

    to_delete: tuple[Registration, ...]
    to_register: tuple[Wanted, ...]


def webhook_id(app_key: str, topic: str, address: str) -> str:
    """The id the plugin gives a registration that brings none (`Model/Api/WebhookRequest.php`), lower-case hex."""
    return hmac.new(b"id", f"{app_key}-{topic}-{address}".encode(), hashlib.sha256).hexdigest()


def read_registration(body: Any) -> Registration | None:
    """The answer to POST, GET by id or DELETE; None for the plugin's `[]` (or null): no such id.

    Raises UnreadableRegistration.
    """
    if body is None or body == []:
        return None
    try:
        return Registration.model_validate(body)
    except ValidationError as error:
        raise UnreadableRegistration(f"not a webhook registration: {error.errors()[0]['msg']}") from error


def read_registrations(body: Any) -> tuple[Registration, ...]:
    """The answer to GET of the list, in stored order, which is the order of delivery. Raises UnreadableRegistration."""
    if not isinstance(body, list):
        raise UnreadableRegistration("the list of webhook registrations is not a list")
    found = [read_registration(element) for element in body]
    if None in found:
        raise UnreadableRegistration("the list of webhook registrations has an empty element")
    return tuple(one for one in found if one is not None)


def missing(
    registrations: Iterable[Registration], wanted: Iterable[Wanted], *, own_integration_id: str | None = None
) -> tuple[Wanted, ...]:
    """What is wanted and not stored under the same topic, app key and address. With `own_integration_id`, one stored
    by another integration does not count: it would be signed with that one's key.
    """
    stored = {
        (one.topic, one.app_key, one.address)
        for one in registrations
        if own_integration_id is None or one.integration_id == own_integration_id
    }
    return tuple(one for one in wanted if (one.topic, one.app_key, one.address) not in stored)


def plan(
    registrations: Sequence[Registration], wanted: Iterable[Wanted], *, own_integration_id: str | None = None
) -> Plan:
    """How to reach `wanted`. A POST under a stored id answers 200 and changes nothing, even with a new address, so
    whatever holds an id that is needed is deleted first.
    """
    wanting = missing(registrations, wanted, own_integration_id=own_integration_id)
    needed = {one.stored_id for one in wanting}
    return Plan(to_delete=tuple(one for one in registrations if one.id in needed), to_register=wanting)


def foreign(
    registrations: Sequence[Registration], *, own_addresses: Collection[str], own_integration_id: str | None = None
) -> tuple[Foreign, ...]:
    """Registrations of other, perhaps deleted, integrations, and of ours that go elsewhere, in stored order.

    The plugin cannot tell which integrations still exist; its answer to POST tells ours. Without `own_integration_id`
    the address decides.
    """

    def reason(one: Registration) -> Reason | None:
        if own_integration_id is not None and one.integration_id != own_integration_id:
            return Reason.OTHER_INTEGRATION
        if one.address in own_addresses:
            return None
        return Reason.OTHER_ADDRESS

    reasons = [reason(one) for one in registrations]
    found: list[Foreign] = []
    for position, (one, why) in enumerate(zip(registrations, reasons, strict=True)):
        if why is None:
            continue
        alive = own_integration_id is not None and why is Reason.OTHER_ADDRESS  # our own integration exists
        later = zip(registrations[position + 1 :], reasons[position + 1 :], strict=True)
        silenced = () if alive else tuple(two for two, not_ours in later if not_ours is None and two.topic == one.topic)
        found.append(Foreign(registration=one, reason=why, may_silence=silenced))
    return tuple(found)
