"""How amounts and days are said."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from jklg.kit.languages.figures import day, moment, money, money_text, short_day, time_of_day


@pytest.mark.parametrize(
    ("minor", "currency", "said"),
    [
        (4_999_980, "INR", "₹\u202f49,999.80"),
        (2_499_900, "INR", "₹\u202f24,999"),
        (12_345_678_00, "INR", "₹\u202f1,23,45,678"),
        (1_234_567_89, "USD", "$\u202f1,234,567.89"),
        (5000, "JPY", "¥\u202f5,000"),
        (12_340, "KWD", "KWD\u202f12.340"),
        (-7, "KWD", "−KWD\u202f0.007"),
        (0, "INR", "₹\u202f0"),
    ],
)
def test_an_amount_is_grouped_and_cut_as_its_people_do(minor: int, currency: str, said: str) -> None:
    assert money_text(minor, currency) == said


def test_an_amount_to_be_seen_has_a_small_currency_and_never_wraps() -> None:
    assert money(100, "INR") == '<span class="money" dir="ltr"><span class="money-unit">₹</span>\u202f1</span>'


def test_days_and_times_are_those_of_the_place() -> None:
    at = datetime(2027, 5, 12, 20, 2, tzinfo=UTC)
    assert day(date(2027, 5, 12)) == "Wed 12 May 2027"
    assert short_day(date(2027, 5, 2)) == "2 May"
    assert time_of_day(at, "Asia/Kolkata") == "01:32"
    assert "01:32, India Time, on Thu 13 May 2027" in moment(at, "Asia/Kolkata")
