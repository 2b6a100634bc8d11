"""Amounts: Decimal and currency, as vendors write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.money import Money, NotMoney, cents, decimal_of

AMOUNTS = st.decimals(min_value=-(10**9), max_value=10**9, allow_nan=False, allow_infinity=False, places=4)


@pytest.mark.parametrize(
    ("given_value", "meant"),
    [("10", "10"), (" 10.50 ", "10.50"), ("-3", "-3"), (7, "7"), (0.1, "0.1"), (29.95, "29.95"), ("1E+2", "100")],
)
def test_a_vendors_number_is_read_by_its_text(given_value: object, meant: str) -> None:
    assert decimal_of(given_value) == Decimal(meant)


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        " ",
        "ten",
        "1,50",
        "1_000",
        "١٢",
        "NaN",
        "Infinity",
        "-inf",
        "1e999999",
        "0x10",
        None,
        True,
        [],
        {},
        float("nan"),
        float("inf"),
        Decimal("sNaN"),
        "1" * 40,
    ],
    ids=repr,
)
def test_what_is_no_amount_is_refused(nonsense: object) -> None:
    with pytest.raises(NotMoney):
        decimal_of(nonsense)


@pytest.mark.parametrize("currency", ["usd", "US", "USDT", "U5D", "", "ÄÖÜ", "US "])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    with pytest.raises(NotMoney):
        Money(Decimal(1), currency)


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("Infinity")])
def test_an_amount_is_finite(amount: Decimal) -> None:
    with pytest.raises(NotMoney):
        Money(amount, "USD")


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [("0.005", "0.01"), ("0.015", "0.02"), ("0.025", "0.03"), ("-0.005", "-0.01"), ("0.0049", "0.00"), ("3", "3.00")],
)
def test_cents_round_half_up_and_people_see_the_same(exact: str, rounded: str) -> None:
    assert str(cents(Decimal(exact))) == rounded or cents(Decimal(exact)) == 0
    assert str(Money.of(exact, "USD")) == f"{cents(Decimal(exact))} USD"
    assert cents(Decimal(exact)) == Decimal(rounded)


def test_currencies_are_never_mixed() -> None:
    with pytest.raises(NotMoney):
        _ = Money.of(1, "USD") + Money.of(1, "EUR")
    with pytest.raises(NotMoney):
        _ = Money.of(1, "USD") - Money.of(1, "EUR")


@given(AMOUNTS, AMOUNTS)
def test_what_was_added_can_be_taken_away(one: Decimal, two: Decimal) -> None:
    assert Money(one, "USD") + Money(two, "USD") - Money(two, "USD") == Money(one, "USD")


@given(AMOUNTS)
def test_rounding_to_cents_twice_changes_nothing_and_moves_less_than_a_cent(amount: Decimal) -> None:
    assert cents(cents(amount)) == cents(amount)
    assert abs(cents(amount) - amount) <= Decimal("0.005")
