"""The verbs of reviews: a traveller writes one; staff publish it, refuse it with a reason, answer it, choose it. Nobody edits what a traveller said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from jklg import history
from jklg.bookings import Booking
from jklg.kit.db import Connection, Database, claims, violated
from jklg.kit.errors import Conflict
from jklg.kit.ids import uuid7
from jklg.reviews import queries, rules
from jklg.reviews.rules import Review, Saying


async def write(db: Database, booking: Booking, said: Saying, *, actor: str) -> None:
    """Whoever has travelled says this, as `rules.read` gives it. One for each booking; one that was refused makes room for another.

    Conflict: review_too_early, review_there.
    """
    if not rules.may_write(booking):
        raise rules.too_early()
    review_id = uuid7()
    try:
        async with db.transaction(claims("system", actor=actor)) as conn:
            await queries.delete_refused(conn, booking.id)
            if not await queries.insert(conn, review_id, said, booking_id=booking.id, package_id=booking.package_id):
                raise Conflict("review_there", "You have written about this journey. Thank you.")
            await history.record(conn, actor, "review.written", "review", review_id)
    except asyncpg.IntegrityConstraintViolationError as error:
        if violated(error) != "testimonials_after_the_journey":
            raise
        raise rules.too_early() from error


async def decide(db: Database, review_id: UUID, status: str, *, reason: str = "", actor: str) -> Review:
    """Publish it, or refuse it with a reason that whoever wrote it reads; also later, and the other way. Refused, it is chosen no more.

    Locks the review. BadInput: reason_missing; NotFound: testimonial_not_found.
    """
    assert status in ("published", "rejected"), status
    reason = rules.check_reason(reason) if status == "rejected" else ""
    async with db.transaction(claims("system", actor=actor)) as conn:
        found = await _lock(conn, review_id)
        await queries.set_decision(conn, review_id, status, reason, chosen=found.chosen and status == "published")
        await history.record(conn, actor, f"review.{status}", "review", review_id)
        return await _lock(conn, review_id)


async def praise(db: Database, review_id: UUID, *, chosen: bool, actor: str) -> Review:
    """Let it stand on /testimonials, or no longer. Locks the review. Conflict: review_not_published; NotFound: testimonial_not_found."""
    async with db.transaction(claims("system", actor=actor)) as conn:
        found = await _lock(conn, review_id)
        if chosen and found.status != "published":
            raise Conflict("review_not_published", "Please publish it first.")
        await queries.set_decision(conn, review_id, found.status, found.reason, chosen=chosen)
        await history.record(conn, actor, f"review.{'chosen' if chosen else 'not_chosen'}", "review", review_id)
        return await _lock(conn, review_id)


async def reply(db: Database, review_id: UUID, text: str, *, actor: str) -> None:
    """What the agency says to it, shown below; '' takes it away. Locks the review. BadInput: message_missing; NotFound: testimonial_not_found."""
    said = rules.check_message(text, "reply") if text.strip() else ""
    async with db.transaction(claims("system", actor=actor)) as conn:
        await _lock(conn, review_id)
        await queries.set_reply(conn, review_id, said)
        await history.record(conn, actor, "review.replied", "review", review_id)


async def tell(db: Database, said: Saying, *, review_id: UUID | None = None, actor: str) -> Review:
    """Write down what the agency was told otherwise, in a letter say; or word one of those anew (`review_id`). It is of no package,
    and its stars count nowhere.

    Conflict: words_are_theirs, for what a traveller wrote here; NotFound: testimonial_not_found.
    """
    said = rules.read({"name": said.name, "rating": str(said.rating), "message": said.message})
    async with db.transaction(claims("system", actor=actor)) as conn:
        if review_id is None:
            review_id = uuid7()
            await queries.insert(conn, review_id, said)
        elif (await _lock(conn, review_id)).booking_id is not None:
            raise Conflict("words_are_theirs", "What a traveller has said here cannot be edited. You may answer it.")
        else:
            await queries.set_saying(conn, review_id, said)
        await history.record(conn, actor, "review.told", "review", review_id)
        return await _lock(conn, review_id)


async def remove(db: Database, review_id: UUID, *, actor: str) -> None:
    """NotFound: testimonial_not_found."""
    async with db.transaction(claims("system", actor=actor)) as conn:
        if not await queries.delete(conn, review_id):
            raise rules.no_review()
        await history.record(conn, actor, "review.removed", "review", review_id)


async def _lock(conn: Connection, review_id: UUID) -> Review:
    found = await queries.get(conn, review_id, lock=True)
    if found is None:
        raise rules.no_review()
    return found


async def invent(conn: Connection, sayings: Sequence[tuple[UUID, Saying, bool]]) -> None:
    """For a demonstration, once: (package, what is said, whether it is chosen). They are marked as made up; production neither shows nor counts them."""
    if await queries.has_made_up(conn):
        return
    made = [(uuid7(), package_id, said, chosen) for package_id, said, chosen in sayings]
    for id_, package_id, said, _ in made:
        await queries.insert(conn, id_, said, package_id=package_id, made_up=True)
    await queries.publish(conn, [id_ for id_, *_ in made], [id_ for id_, _, _, chosen in made if chosen])


async def forget_booking(conn: Connection, booking_id: UUID) -> None:
    """The person of a booking is forgotten, and what she said with her. Boring the second time."""
    await queries.delete_of_booking(conn, booking_id)


async def export(conn: Connection, customer_id: UUID) -> list[dict[str, Any]]:
    """What a customer has said, for their copy."""
    return await queries.list_of_customer(conn, customer_id)
