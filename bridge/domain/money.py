"""Amounts of money: a Decimal and its currency, never a float."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Self

CENT = Decimal("0.01")
MOST = Decimal(10) ** 18
"""More than any amount or quantity: a number beyond it is a mistake, and would not round to cents exactly."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)


class NotMoney(ValueError):
    """A text that should have been an amount and is not one."""


@dataclass(frozen=True, slots=True)
class Money:
    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not self.amount.is_finite():
            raise NotMoney(f"{self.amount} is not an amount of money")
        if (
            len(self.currency) != 3
            or not self.currency.isalpha()
            or not self.currency.isascii()
            or not self.currency.isupper()
        ):
            raise NotMoney(f"{self.currency!r} is not a currency code such as USD")

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Self:
        """Read an amount as a vendor writes it: a decimal text. Raises `NotMoney`."""
        return cls(decimal_of(amount), currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        return cls(Decimal(0), currency)

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise NotMoney(f"{self} and {other} are of different currencies and cannot be combined")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def __str__(self) -> str:
        return f"{cents(self.amount)} {self.currency}"


def decimal_of(value: object) -> Decimal:
    """A finite Decimal from a vendor's number or text; floats by their shortest text. Raises `NotMoney`."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise NotMoney(f"{value!r} is not an amount")
    text = str(value).strip()
    if not _NUMBER.fullmatch(text) or abs(number := Decimal(text)) >= MOST:
        raise NotMoney(f"{value!r} is not an amount")
    return number


def cents(amount: Decimal) -> Decimal:
    """Rounded to two places, half up: Magento keeps two decimals for every currency
    (PriceCurrencyInterface::DEFAULT_PRECISION in magento/framework).
    """
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def spread(amount: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """An amount in whole cents shared by weight; the shares sum to it exactly, none is negative if it is not.

    What rounding down leaves goes, a cent each, to the largest remainders, the earlier ones first.
    """
    total = sum(weights, Decimal(0))
    if not weights:
        return []
    parts = [amount * weight / total if total else amount / len(weights) for weight in weights]
    shares = [part.quantize(CENT, rounding=ROUND_DOWN) for part in parts]
    left = int(((amount - sum(shares, Decimal(0))) / CENT).to_integral_value())
    step = CENT if left >= 0 else -CENT
    order = sorted(range(len(parts)), key=lambda place: (-abs(parts[place] - shares[place]), place))
    for turn in range(abs(left)):
        shares[order[turn % len(order)]] += step
    return shares
