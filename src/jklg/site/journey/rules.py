"""What a journey's page shows at first, and its dates as a calendar. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

import msgspec

from jklg.departures import Departure, Offer, OnDay

FEW_SEATS = 4
"""From here on down the number of seats is said aloud: it is true, and somebody with four friends wants to know."""
SHOWN = 12
"""Departures that are listed at once, and the others of the last one's day."""
CALENDARS = 2
CATEGORIES = ("adult", "child", "infant")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the address says, as far as it makes sense. `party` as it is typed; two adults when nothing is said."""

    first: date | None
    departure: UUID | None
    party: dict[str, int]


class Square(msgspec.Struct, frozen=True, kw_only=True):
    """A day of a calendar; outside the month nothing stands in it."""

    day: date
    inside: bool
    departure: OnDay | None


def read(words: Mapping[str, str]) -> Asked:
    """Nothing in an address is a reason to refuse a page."""
    party = {each: int(words[each]) for each in CATEGORIES if re.fullmatch("[0-9]{1,2}", words.get(each, ""))}
    try:
        departure = UUID(words.get("departure", ""))
    except ValueError:
        departure = None
    return Asked(
        first=_day(words.get("from", "")) or _day(f"{words.get('month', '')}-01"),
        departure=departure,
        party=party if any(party.values()) else {"adult": 2},
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(r"2[01][0-9]{2}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        return None


def by_month(dates: Sequence[Departure]) -> dict[date, list[Departure]]:
    months: dict[date, list[Departure]] = {}
    for departure in dates:
        months.setdefault(departure.starts_on.replace(day=1), []).append(departure)
    return months


def chosen(dates: Sequence[Departure], named: Offer | None) -> Departure | None:
    """What is ticked at first: what the link names, or nothing where that cannot be had; else the first that has seats."""
    free = [departure for departure in dates if departure.seats_left]
    if named is not None:
        free = [departure for departure in free if departure.id == named.id]
    return next(iter(free), None)


def earlier(before: Sequence[date]) -> date | None:
    """The day on which the list before this one begins, so that it leaves nothing out between them. `before` are the days of the departures
    before, from the latest back: one more than are listed at once."""
    whole = [day for day in before if len(before) <= SHOWN or day > before[-1]]
    return min(whole or before, default=None)


def months_of_calendar(dates: Sequence[Departure]) -> tuple[list[date], date]:
    """The months that are shown as calendars, the first of those in the list, and the day after them."""
    months = list(by_month(dates))[:CALENDARS]
    return months, (months[-1] + timedelta(days=31)).replace(day=1)


def calendars(months: Sequence[date], days: Sequence[OnDay]) -> list[tuple[date, list[list[Square]]]]:
    """(first of the month, weeks from Monday to Sunday), with what leaves on each day."""
    on = {each.starts_on: each for each in days}
    found = []
    for first in months:
        day = first - timedelta(days=first.weekday())
        weeks = []
        while day.replace(day=1) <= first:
            week = [
                Square(day=each, inside=each.month == first.month, departure=on.get(each))
                for each in (day + timedelta(days=n) for n in range(7))
            ]
            weeks.append(week)
            day += timedelta(days=7)
        found.append((first, weeks))
    return found
