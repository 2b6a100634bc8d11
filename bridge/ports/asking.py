"""What a person is asked for to connect a platform, as data: forms, commands and pages are made from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One value among a connection's credentials, as `Connector.check` takes it."""

    name: str
    label: str
    """As the platform's own pages call it."""
    where: str = ""
    """Where it is found, or what it is for: a sentence's beginning, without a full stop at its end."""
    secret: bool = False
    """Never shown again: not on a page, not in a form that is wrong."""
    required: bool = False
    """`check` refuses what lacks it, unless another field stands for it."""
    granted: bool = False
    """The platform's own handshake or authorization brings it: typed only by who has it already."""
    rare: bool = False
    """Hardly anybody needs it."""
    instead_of: tuple[str, ...] = ()
    """Required fields that are not needed where this one is given."""
    choices: tuple[tuple[str, str], ...] = ()
    """Values, and what people read; the first is what holds where nothing is chosen. Empty: any text."""


@dataclass(frozen=True, slots=True)
class AddressField:
    """What a connection's `url` means for a platform."""

    label: str
    where: str = ""
    """As with credentials."""
    example: str = ""
    required: bool = True
    """Not where every account of the platform is at one address."""


@dataclass(frozen=True, slots=True)
class Asks:
    """All that connecting asks a person for."""

    address: AddressField
    fields: tuple[CredentialField, ...]
    first: tuple[str, ...] = ()
    """What to do on the platform's side before, in sentences; `{public_url}` stands for this service's address."""
    activate: tuple[str, ...] = ()
    """What to do there with the addresses that an announced store shows; empty where stores do not connect
    themselves.
    """
    again: str = ""
    """How it is authorized again where its authorization has ended: sentences."""

    def field(self, name: str) -> CredentialField:
        """Raises KeyError for a name that is not asked for."""
        for one in self.fields:
            if one.name == name:
                return one
        raise KeyError(name)
