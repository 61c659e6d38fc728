"""Amounts, days, times and zones as the people of a language say them. All of them follow the language of this moment."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, get_timezone_name
from babel.numbers import format_decimal, format_percent, get_currency_symbol
from markupsafe import Markup, escape

from jklg.kit.languages import ENGLISH, gettext, spoken
from jklg.kit.money import decimals, to_decimal

THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"


def money(minor: int, currency: str) -> Markup:
    """An amount to be seen: the currency small, the amount large, never wrapped, and the same way round in any script."""
    return _money(minor, currency, spoken().locale)


@lru_cache(4096)
def _money(minor: int, currency: str, locale: str) -> Markup:
    """Kept, because escaping costs more than everything else about it, and lists are full of the same few prices."""
    sign, symbol, number = _amount(minor, currency, locale)
    return Markup('<span class="money" dir="ltr">{}<span class="money-unit">{}</span>{}{}</span>').format(
        sign, symbol, THIN_SPACE, number
    )


def money_text(minor: int, currency: str) -> str:
    """'₹ 49,999.80': an amount inside a sentence, a title or a button."""
    sign, symbol, number = _amount(minor, currency, spoken().locale)
    text = f"{sign}{symbol}{THIN_SPACE}{number}"
    return f"\N{LEFT-TO-RIGHT ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}" if spoken().direction == "rtl" else text


@lru_cache(4096)
def _amount(minor: int, currency: str, locale: str) -> tuple[str, str, str]:
    """(sign, symbol, number). Whole amounts go without decimals; rupees are grouped as in India."""
    amount = to_decimal(abs(minor), currency)
    places = 0 if amount == amount.to_integral_value() else decimals(currency)
    grouping = "#,##,##0" if currency == "INR" else "#,##0"
    pattern = f"{grouping}.{'0' * places}" if places else grouping
    # The symbol is that of English: 'US$' and 'د.إ.' are not what is on the price tag of whoever sells in these currencies.
    symbol = get_currency_symbol(currency, locale="en_IN" if currency == "INR" else "en")
    return MINUS if minor < 0 else "", symbol, format_decimal(Decimal(amount), format=pattern, locale=locale)


def figure(number: int) -> str:
    """'4,225': a number that counts or measures something."""
    return format_decimal(number, locale=spoken().locale)


def percent(share: int) -> str:
    """'25 %'."""
    return format_percent(Decimal(share) / 100, locale=spoken().locale) if spoken().code != ENGLISH else f"{share} %"


def day(on: date) -> str:
    """'Wed 12 May 2027'."""
    return _day(on, "EEE d MMM y", spoken().locale)


def long_day(on: date) -> str:
    """'Wednesday 12 May 2027': in letters and on papers."""
    return _day(on, "EEEE d MMMM y", spoken().locale)


def full_day(on: date) -> str:
    """'12 May 2027': in what somebody agrees to."""
    return _day(on, "d MMMM y", spoken().locale)


def short_day(on: date) -> str:
    """'12 May'."""
    return _day(on, "d MMM", spoken().locale)


def short_days(first: date, last: date) -> str:
    """'12 May to 17 May'."""
    return gettext("{first} to {last}").format(first=short_day(first), last=short_day(last))


def days(first: date, last: date) -> str:
    """'Wed 12 May 2027 to Mon 17 May 2027'."""
    return gettext("{first} to {last}").format(first=day(first), last=day(last))


def month(on: date) -> str:
    """'May 2027'."""
    return _day(on, "MMMM y", spoken().locale)


def short_month(on: date) -> str:
    """'May 27': where many stand beside each other."""
    return _day(on, "MMM yy", spoken().locale)


def weekday(on: date) -> str:
    """'Wednesday'."""
    return _day(on, "EEEE", spoken().locale)


def weekday_letter(on: date) -> str:
    """'W': the head of a calendar."""
    return _day(on, "ccccc", spoken().locale)


@lru_cache(4096)
def _day(on: date, pattern: str, locale: str) -> str:
    return format_date(on, pattern, locale=locale)


def date_at(at: datetime, zone: str) -> date:
    """The day that is on the calendars of `zone` then."""
    return at.astimezone(ZoneInfo(zone)).date()


def time_of_day(at: datetime, zone: str) -> str:
    """'14:32', on the clocks of `zone`."""
    return f"{at.astimezone(ZoneInfo(zone)):%H:%M}"


def moment(at: datetime, zone: str) -> Markup:
    """'14:32, India Time, on Wed 12 May 2027', for machines as well."""
    local = at.astimezone(ZoneInfo(zone))
    words = gettext("{time}, {zone}, on {day}").format(
        time=f"{local:%H:%M}", zone=zone_name(zone), day=day(local.date())
    )
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), escape(words))


def zone_name(zone: str) -> str:
    """'India Time', 'Central European Time'."""
    return _zone_name(zone, spoken().locale)


@lru_cache(256)
def _zone_name(zone: str, locale: str) -> str:
    return get_timezone_name(ZoneInfo(zone), width="long", locale=locale)
