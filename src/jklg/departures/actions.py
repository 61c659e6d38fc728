"""The verbs of the departures room: read an offer, lock a departure, put new ones on sale, move one to other days."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from jklg import history, jobs
from jklg.departures import queries, rules
from jklg.departures.queries import find_departure, get_offers
from jklg.departures.rules import NewDeparture, Offer
from jklg.kit.db import Connection, Database, claims
from jklg.kit.errors import Conflict, NotFound
from jklg.kit.ids import uuid7

__all__ = [
    "create",
    "find_departure",
    "get_offer",
    "get_offers",
    "lock",
    "lock_all",
    "move",
    "offer_or_refuse",
]


async def get_offer(conn: Connection, departure_id: UUID) -> Offer | None:
    """The departure with its prices and extras, in one round trip. None when there is none, or its package is still a draft."""
    return (await queries.get_offers(conn, [departure_id])).get(departure_id)


async def offer_or_refuse(conn: Connection, departure_id: UUID) -> Offer:
    """An offer that can be booked now. Raises NotFound (departure_not_found), then Conflict (departure_closed)."""
    offer = await get_offer(conn, departure_id)
    if offer is None:
        raise _not_found()
    if not offer.bookable:
        raise Conflict("departure_closed", "This departure can no longer be booked.")
    return offer


async def lock(conn: Connection, departure_id: UUID) -> tuple[int, bool]:
    """Lock the departure (FOR NO KEY UPDATE): (seats_left, bookable). First in the lock order. NotFound: departure_not_found.

    `bookable` here is the departure's own: open and before its cut-off. Whether its package is still shown does not
    matter to a booking that exists already.
    """
    found = (await queries.lock(conn, [departure_id])).get(departure_id)
    if found is None:
        raise _not_found()
    return found


async def lock_all(conn: Connection, departure_ids: Collection[UUID]) -> None:
    """Lock departures, in the order of their ids, so that whoever else locks some of them waits and is not waited for."""
    await queries.lock(conn, list(departure_ids))


async def create(conn: Connection, new: Sequence[NewDeparture]) -> list[UUID]:
    """Put departures on sale; takes part in the caller's database transaction. BadInput: departure_invalid."""
    for departure in new:
        rules.check_new(departure)
    made = [(uuid7(), departure) for departure in new]
    if made:
        await queries.insert_departures(conn, made)
    return [id_ for id_, _ in made]


async def move(
    db: Database, departure_id: UUID, *, move_id: UUID, before: tuple[date, date], starts_on: date, ends_on: date, words: str, actor: str
) -> None:  # fmt: skip
    """Move it from the days that were seen (`before`) to others, and its cut-off with it. Everybody with seats on it hears of it: in the
    account in the same database transaction, by mail afterwards (news departure.moved). Asked twice under one `move_id` it is done once.

    Locks the departure. Raises, in the order checked: NotFound (departure_not_found); Conflict (departure_moved_meanwhile, departure_off,
    departure_has_left); BadInput (departure_invalid).
    """
    async with db.transaction(claims("system", actor=actor)) as conn:
        await lock(conn, departure_id)
        if await queries.get_move(conn, move_id) is not None:
            return
        now = await queries.days_of(conn, departure_id)
        assert now is not None, "it is locked"
        if (now.starts_on, now.ends_on) != before:
            raise Conflict(
                "departure_moved_meanwhile", "Somebody has moved this departure meanwhile. Please look again."
            )
        rules.check_move(now, starts_on, ends_on)
        await queries.insert_move(conn, move_id, departure_id, starts_on, ends_on, rules.check_words(words), actor)
        await queries.set_days(conn, departure_id, starts_on, ends_on)
        days = {"from": now.starts_on.isoformat(), "to": starts_on.isoformat()}
        await history.record(
            conn, actor, "departure.moved", "departure", departure_id, {"move_id": str(move_id), **days}
        )
        await jobs.announce(conn, "departure.moved", {"move_id": str(move_id)})


def _not_found() -> NotFound:
    return NotFound("departure_not_found", "We cannot find this departure.")
