"""Money is whole minor units: nothing is lost on the way to decimals and back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jklg.kit import money

amounts = st.integers(-money.MAX_MINOR, money.MAX_MINOR)
currencies = st.sampled_from(sorted(money.CURRENCIES))


@pytest.mark.parametrize(
    ("minor", "currency", "decimal", "written"),
    [
        (4999980, "INR", "49999.80", "49,999.80"),
        (5, "EUR", "0.05", "0.05"),
        (-5, "EUR", "-0.05", "-0.05"),
        (5000, "JPY", "5000", "5,000"),
        (1234567, "KWD", "1234.567", "1,234.567"),
        (0, "USD", "0.00", "0.00"),
    ],
)
def test_minor_units_stand_for_the_decimals_of_their_currency(
    minor: int, currency: str, decimal: str, written: str
) -> None:
    assert money.to_decimal(minor, currency) == Decimal(decimal)
    assert money.grouped(minor, currency) == written
    assert money.plain(minor, currency) == f"{currency} {written}"


@given(amounts, currencies)
def test_no_amount_changes_on_the_way_to_decimals_and_back(minor: int, currency: str) -> None:
    assert money.to_minor(money.to_decimal(minor, currency), currency) == minor
    assert money.grouped(minor, currency) == f"{money.to_decimal(minor, currency):,.{money.decimals(currency)}f}"


@pytest.mark.parametrize(("amount", "currency"), [("1.005", "EUR"), ("0.5", "JPY"), ("0.0001", "KWD")])
def test_a_fraction_of_a_minor_unit_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match=currency):
        money.to_minor(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("typed", "minor"),
    [
        ("1250.50", 125050), (" 1,250.5 ", 125050), ("12,500", 1250000), ("1,250,000.00", 125000000), ("12,50,000.00", 125000000),
        ("1,12,50,000", 1125000000), ("0", 0), ("0.05", 5),
    ],
)  # fmt: skip
def test_a_comma_that_marks_thousands_is_read_as_the_west_and_as_india_write_it(typed: str, minor: int) -> None:
    assert money.read(typed, "INR") == minor


@pytest.mark.parametrize(
    "typed",
    [
        "12,50", "12,5", "1250,50", "1.250,50", "0,500", "1,2,3", "1,25,00", "1234,567", "125,00,000", "1,,250", ",250", "1,", "1.000,000",
        "1.5,000", "12 50", "-5", "", ".", "1.", "1.234", "1e3", "٥٠",
    ],
)  # fmt: skip
def test_what_could_be_meant_otherwise_is_not_read_at_all(typed: str) -> None:
    """12,50 was read as one thousand two hundred and fifty: a hundredfold refund."""
    with pytest.raises(ValueError, match="amount|decimals"):
        money.read(typed, "EUR")


@given(st.integers(0, 10**13), currencies)
def test_what_we_write_we_read(minor: int, currency: str) -> None:
    if money.decimals(currency) <= 3:
        assert money.read(money.grouped(minor, currency), currency) == minor
