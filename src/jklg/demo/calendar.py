"""When the demo agency's packages leave. The days hang on the calendar, not on today, so every start finds the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from jklg.demo.tour import Season, Tour
from jklg.departures import NewDeparture

INDIA = ZoneInfo("Asia/Kolkata")
HORIZON = timedelta(days=365)
CUTOFF_TIME = time(18, 0)


def start_days(season: Season, today: date) -> list[date]:
    """The days on which a package starts in the year from today, as far as they can still be booked."""
    first = today + timedelta(days=season.cutoff_days + 1)
    days = [first + timedelta(days=n) for n in range((today + HORIZON - first).days + 1)]
    return [
        day
        for day in days
        if season.first <= (day.month, day.day) <= season.last
        and day.weekday() in (*season.weekdays, *season.busy.get(day.month, ()))
    ]


def departure(
    tour: Tour, package_id: UUID, extras: Mapping[UUID, tuple[int, int | None]], starts_on: date
) -> NewDeparture:
    """One departure of a tour. About one in four is guaranteed to run, whatever is sold."""
    return NewDeparture(
        package_id=package_id,
        starts_on=starts_on,
        ends_on=starts_on + timedelta(days=len(tour.package.days) - 1),
        cutoff_at=datetime.combine(starts_on - timedelta(days=tour.season.cutoff_days), CUTOFF_TIME, tzinfo=INDIA),
        currency=tour.package.currency,
        allotment=tour.allotment,
        prices=tour.prices,
        extras=extras,
        guaranteed=starts_on.isocalendar().week % 4 == 0,
    )
