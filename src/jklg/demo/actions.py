"""Loading the demo agency, at every start: what is there stays as it is, what is missing is added."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from jklg import catalogue, departures, enquiries, reviews
from jklg.catalogue import agency, faq, gallery
from jklg.demo import calendar, queries
from jklg.demo.agency import AGENCY, ANSWERS, DESTINATIONS, ENQUIRIES, GALLERY, TOURS, VOICES
from jklg.kit.db import Connection, Database


async def load(db_or_conn: Database | Connection, today: date | None = None) -> None:
    """Add places, packages and the departures of the next year that are missing. Safe at each start, also concurrently.

    A package that staff has changed is left alone, one that is no longer published gets no departures. `today` is the
    date in India; the house clock says it unless a test does.
    """
    if isinstance(db_or_conn, Database):
        async with db_or_conn.transaction() as conn:
            await _load(conn, today)
    else:
        await _load(db_or_conn, today)


async def _load(conn: Connection, today: date | None) -> None:
    await queries.take_turns(conn)
    today = today or await queries.today_in_india(conn)
    for destination in DESTINATIONS:
        await catalogue.add_destination(conn, destination)
    await gallery.hang_drawings(conn, GALLERY)
    await faq.fill(conn, ANSWERS)
    await agency.introduce(conn, AGENCY)
    await enquiries.fill(conn, ENQUIRIES)
    for tour in TOURS:
        await catalogue.add_package(conn, tour.package)
    await _let_travellers_speak(conn)
    for tour in TOURS:
        found = await catalogue.get_package(conn, tour.package.slug)
        if found is None:
            continue
        offered: dict[UUID, tuple[int, int | None]] = {
            extra.id: tour.extras[extra.name] for extra in found.extras if extra.name in tour.extras
        }
        there = await departures.dates_of_package(conn, found.id)
        missing = [day for day in calendar.start_days(tour.season, today) if day not in there]
        await departures.create(conn, [calendar.departure(tour, found.id, offered, day) for day in missing])


async def _let_travellers_speak(conn: Connection) -> None:
    said = []
    for slug, sayings in VOICES.items():
        package = await catalogue.get_package(conn, slug)
        if package is not None:
            said += [(package.id, saying, chosen) for saying, chosen in sayings]
    await reviews.invent(conn, said)
