"""What a journey's page shows at first, and its dates as a calendar. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

import msgspec

from jklg.departures import Departure

FEW_SEATS = 4
"""From here on down the number of seats is said aloud: it is true, and somebody with four friends wants to know."""
SHOWN = 12
"""Departures that are listed at once."""
CALENDARS = 2
CATEGORIES = ("adult", "child", "infant")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the address says, as far as it makes sense. `party` as it is typed; two adults when nothing is said."""

    month: date | None
    departure: UUID | None
    party: dict[str, int]


class Square(msgspec.Struct, frozen=True, kw_only=True):
    """A day of a calendar; outside the month nothing stands in it."""

    day: date
    inside: bool
    departure: Departure | None


def read(words: Mapping[str, str]) -> Asked:
    """Nothing in an address is a reason to refuse a page."""
    party = {each: int(words[each]) for each in CATEGORIES if re.fullmatch("[0-9]{1,2}", words.get(each, ""))}
    month = words.get("month", "")
    try:
        departure = UUID(words.get("departure", ""))
    except ValueError:
        departure = None
    return Asked(
        month=date.fromisoformat(f"{month}-01") if re.fullmatch(r"2[01][0-9]{2}-(0[1-9]|1[0-2])", month) else None,
        departure=departure,
        party=party if any(party.values()) else {"adult": 2},
    )


def by_month(dates: Sequence[Departure]) -> dict[date, list[Departure]]:
    months: dict[date, list[Departure]] = {}
    for departure in dates:
        months.setdefault(departure.starts_on.replace(day=1), []).append(departure)
    return months


def chosen(dates: Sequence[Departure], departure_id: UUID | None) -> Departure | None:
    """What is ticked at first: what the link names, else the first that has seats."""
    free = [departure for departure in dates if departure.seats_left]
    named = [departure for departure in free if departure.id == departure_id]
    return next(iter(named or free), None)


def calendars(dates: Sequence[Departure]) -> list[tuple[date, list[list[Square]]]]:
    """(first of the month, weeks from Monday to Sunday) for the first months that have departures. Of two on one day the one with seats."""
    found = []
    for first, listed in list(by_month(dates).items())[:CALENDARS]:
        on: dict[date, Departure] = {}
        for departure in listed:
            present = on.get(departure.starts_on)
            if present is None or not present.seats_left:
                on[departure.starts_on] = departure
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
