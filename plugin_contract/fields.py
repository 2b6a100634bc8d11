"""The small types that several messages of the plugin share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

MAX_ID_LENGTH = 255


class ContractError(ValueError):
    """Something on the wire is not what the plugin's contract says. The text says what, never a secret."""


class Message(BaseModel):
    """A message of the plugin: immutable, and silent about fields that a later version may add."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def to_id(value: Any) -> str:
    """An id as text. The plugin sends strings since 1.0.15 and numbers before; PHP may turn one into the other.

    Refused: booleans, fractions, blanks, and text that no database would store (control characters, lone surrogates).
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError("an id is text or a whole number")  # noqa: TRY004 - pydantic turns only ValueError into its own
    text = value.strip()
    if not text:
        raise ValueError("an id is not blank")
    if len(text) > MAX_ID_LENGTH or not text.isprintable():
        raise ValueError(f"an id is at most {MAX_ID_LENGTH} printable characters")
    return text


EntityId = Annotated[
    str,
    BeforeValidator(to_id),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": r"\S", "maxLength": MAX_ID_LENGTH}, {"type": "integer"}]}),
]
"""A Magento entity id: text here, text or a whole number on the wire."""

PlainText = Annotated[str, Field(min_length=1, max_length=2048, pattern=r"\S")]


def header(headers: Mapping[str, str], name: str) -> str | None:
    """A header's value, whatever the case of its name (RFC 9110); None when absent or blank."""
    wanted = name.lower()
    for key, value in headers.items():
        if key.lower() == wanted:
            return value.strip() or None
    return None
