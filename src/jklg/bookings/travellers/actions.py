"""The verbs of travellers: whoever booked names them and hands out private links; whoever has a link fills in their own details.

Everything happens under the booking's lock, so that two people never take one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from jklg import departures, history, limits, pricing
from jklg.bookings import actions as booking_actions
from jklg.bookings import queries as booking_queries
from jklg.bookings import traveller_queries
from jklg.bookings.holds import TravellerRequest
from jklg.bookings.queries import Booking, Traveller
from jklg.bookings.travellers import queries, rules
from jklg.bookings.travellers.rules import Link
from jklg.kit.db import Connection, Database, claims
from jklg.kit.errors import NotFound, TooMany
from jklg.kit.tokens import derived_token, is_derived_token

PURPOSE = "traveller"
BY_LINK = "traveller"
"""The actor of what is filled in with a link."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What is typed for one place. `traveller_id` is somebody named, or a fresh id for a place without a name; `link_id` the link of that place."""

    traveller_id: UUID
    category: str
    name: str
    date_of_birth: date | None
    link_id: UUID | None = None


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """What a link opens: the journey, and whoever it belongs to, if they have a name."""

    booking: Booking
    link: Link
    traveller: Traveller | None


def link_token(secret: str, link_id: UUID) -> str:
    """The private part of a link. Derived, so that it is stored nowhere and can be shown again."""
    return derived_token(secret, PURPOSE, str(link_id))


async def links_of(conn: Connection, booking_id: UUID) -> list[Link]:
    """The links of a booking that are alive, with the rights of the caller's claims."""
    return await queries.list_links(conn, booking_id)


async def save(db: Database, booking_id: UUID, entries: Sequence[Entry], *, actor: str) -> None:
    """Name these people, or correct them; what is as it was stays. All or nothing.

    Locks the booking. Conflict: travellers_fixed; BadInput: what `pricing.rules.check_travellers` refuses, with the position in
    `entries`; Conflict: places_taken.
    """
    async with db.transaction(claims("system", actor=actor)) as conn:
        booking = await _lock(conn, booking_id)
        await _check(conn, booking, entries)
        for entry in entries:
            await _put(conn, booking, entry, actor)


async def make_link(
    db: Database, booking_id: UUID, *, link_id: UUID, category: str, traveller_id: UUID | None, actor: str
) -> None:
    """A private link for a traveller, or for a place without a name. The same `link_id` again, or a traveller who has one, does nothing.

    Locks the booking. Conflict: travellers_fixed, places_taken.
    """
    async with db.transaction(claims("system", actor=actor)) as conn:
        booking = await _lock(conn, booking_id)
        travellers = await booking_queries.list_travellers(conn, booking.id)
        links = await queries.list_links(conn, booking.id)
        if any(each.id == link_id or (traveller_id and each.traveller_id == traveller_id) for each in links):
            return
        if traveller_id is None:
            handed_out = sum(each.category == category and each.traveller_id is None for each in links)
            if handed_out >= rules.missing(booking, travellers).get(category, 0):
                raise rules.no_place()
        elif not any(each.id == traveller_id and each.cancelled_at is None for each in travellers):
            raise rules.no_place()
        else:
            category = next(each.category for each in travellers if each.id == traveller_id)
        await queries.insert_link(conn, link_id, booking.id, category, traveller_id)
        await history.record(conn, actor, "booking.traveller_link_made", "booking", booking.id)


async def renew_link(db: Database, booking_id: UUID, link_id: UUID, *, fresh_id: UUID, actor: str) -> None:
    """Another link in its place; the old one opens nothing any more. Of a link that is not alive: nothing. Conflict: travellers_fixed."""
    async with db.transaction(claims("system", actor=actor)) as conn:
        booking = await _lock(conn, booking_id)
        link = await _ours(conn, booking, link_id)
        if link is not None:
            await queries.revoke_link(conn, link.id)
            await queries.insert_link(conn, fresh_id, booking.id, link.category, link.traveller_id)
            await history.record(conn, actor, "booking.traveller_link_renewed", "booking", booking.id)


async def revoke_link(db: Database, booking_id: UUID, link_id: UUID, *, actor: str) -> None:
    """It opens nothing any more. Boring the second time. Conflict: travellers_fixed."""
    async with db.transaction(claims("system", actor=actor)) as conn:
        booking = await _lock(conn, booking_id)
        link = await _ours(conn, booking, link_id)
        if link is not None:
            await queries.revoke_link(conn, link.id)
            await history.record(conn, actor, "booking.traveller_link_revoked", "booking", booking.id)


async def open_link(db: Database, secrets: Sequence[str], link_id: UUID, token: str) -> Opened:
    """What a link shows to whoever has it. NotFound (traveller_link_not_found): one answer for links that never were, that were
    revoked, whose place is gone, and whose journey has begun; without the token nothing is even looked up."""
    if not is_derived_token(token, list(secrets), PURPOSE, str(link_id)):
        raise _no_link()
    async with db.transaction() as conn:
        return await _opened(conn, link_id)


async def fill_in(
    db: Database, secrets: Sequence[str], link_id: UUID, token: str, *, name: str, date_of_birth: date | None
) -> None:
    """Whoever has the link says who they are, or corrects it.

    Locks the booking. NotFound: traveller_link_not_found; TooMany: too_many_requests; BadInput as `save`.
    """
    opened = await open_link(db, secrets, link_id, token)
    async with db.transaction(claims("system", actor=BY_LINK)) as conn:
        await booking_actions.lock_without_seats(conn, [opened.booking.id])
        opened = await _opened(conn, link_id)  # as it is now that nobody else changes it
        wait = await limits.take(conn, [(rules.PACE, f"link:{link_id}")])
        if not wait:
            traveller_id = opened.traveller.id if opened.traveller else link_id
            entry = Entry(
                traveller_id=traveller_id, category=opened.link.category, name=name, date_of_birth=date_of_birth, link_id=link_id
            )  # fmt: skip
            await _check(conn, opened.booking, [entry])
            await _put(conn, opened.booking, entry, BY_LINK)
            await queries.use_link(conn, link_id)
    if wait:
        raise TooMany("too_many_requests", "Too many requests. Please wait a moment.", retry_after=wait)


async def _opened(conn: Connection, link_id: UUID) -> Opened:
    link = await queries.get_link(conn, link_id)
    booking = await booking_queries.get(conn, link.booking_id) if link else None
    if link is None or booking is None or not rules.may_change(booking):
        raise _no_link()
    travellers = await booking_queries.list_travellers(conn, booking.id)
    places = rules.places(booking, travellers, await queries.list_links(conn, booking.id))
    place = next((each for each in places if each.link and each.link.id == link.id), None)
    if place is None:
        raise _no_link()
    return Opened(booking=booking, link=link, traveller=place.traveller)


async def _lock(conn: Connection, booking_id: UUID) -> Booking:
    booking = (await booking_actions.lock_without_seats(conn, [booking_id]))[booking_id]
    if not rules.may_change(booking):
        raise rules.too_late()
    return booking


async def _check(conn: Connection, booking: Booking, entries: Sequence[Entry]) -> None:
    """Whether they can be these people, each on the day of departure."""
    offer = await departures.get_offer(conn, booking.departure_id)
    if offer is None:  # the package was taken back into a draft
        raise rules.too_late()
    people = [
        TravellerRequest(name=each.name, category=each.category, date_of_birth=each.date_of_birth) for each in entries
    ]
    pricing.rules.check_travellers(offer, booking.going, people)


async def _put(conn: Connection, booking: Booking, entry: Entry, actor: str) -> None:
    """One traveller, under the booking's lock."""
    travellers = await booking_queries.list_travellers(conn, booking.id)
    name = " ".join(entry.name.split())
    present = next((each for each in travellers if each.id == entry.traveller_id), None)
    if present is not None:
        if present.cancelled_at is not None or present.category != entry.category:
            raise rules.no_place()
        if (present.name, present.date_of_birth) == (name, entry.date_of_birth):
            return
        await traveller_queries.update(conn, present.id, name, entry.date_of_birth)
        await history.record(conn, actor, "booking.traveller_changed", "booking", booking.id)
        return
    if not rules.missing(booking, travellers).get(entry.category):
        raise rules.no_place()
    born, may_lead = entry.date_of_birth, actor != BY_LINK
    if not await traveller_queries.insert(
        conn, entry.traveller_id, booking.id, name, entry.category, born, may_lead=may_lead
    ):
        raise rules.no_place()
    link = await _ours(conn, booking, entry.link_id) if entry.link_id else None
    if link is not None and link.traveller_id is None:
        await queries.bind_link(conn, link.id, entry.traveller_id)
    await history.record(conn, actor, "booking.traveller_named", "booking", booking.id)


async def _ours(conn: Connection, booking: Booking, link_id: UUID) -> Link | None:
    """A link of this booking that is alive."""
    link = await queries.get_link(conn, link_id)
    return link if link is not None and link.booking_id == booking.id else None


def _no_link() -> NotFound:
    return NotFound("traveller_link_not_found", "This link does not open anything.")
