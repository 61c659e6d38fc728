"""Circulars, told in order: begin one with a row for every mailbox; a sweep writes their letters into the outbox, some each minute; the outbox sends.

A row and its letter are written in one database transaction, under the lock of the circular: a worker that dies, or a second one, writes none twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from uuid import UUID

from jklg import history, mail
from jklg.bookings import letters
from jklg.bookings import queries as bookings
from jklg.bookings.circulars import queries, rules
from jklg.bookings.circulars.queries import Recipient
from jklg.bookings.circulars.rules import Audience, Message
from jklg.kit import failpoints
from jklg.kit.db import Connection, Database, claims
from jklg.kit.errors import Conflict, NotFound
from jklg.settings import Settings

ROOM = Path(__file__).parent


class Office(Protocol):
    """What writing a mail needs of the house."""

    settings: Settings
    db: Database


async def begin(
    db: Database, circular_id: UUID, wanted: Audience, message: Message, *, expected: int, actor: str
) -> None:
    """Begin to write `message` to everybody of an audience; `expected`: how many mailboxes were shown. Asked twice under one id it is begun once.

    Conflict: audience_changed, nobody_to_write_to, in that order.
    """
    async with db.transaction(claims("system", actor=actor)) as conn:
        if not await queries.insert(conn, circular_id, wanted, message, actor):
            return
        people = [each for each in await queries.audience(conn, wanted) if not each.bounced]
        if len(people) != expected:
            raise Conflict("audience_changed", "Somebody has booked or left meanwhile. Please look again.")
        if not people:
            raise Conflict("nobody_to_write_to", "There is nobody to write to.")
        await queries.insert_recipients(conn, circular_id, [each.booking_id for each in people])
        await history.record(conn, actor, "circular.begun", "circular", circular_id, {"mailboxes": len(people)})


async def turn(db: Database, circular_id: UUID, to: str, *, actor: str) -> None:
    """Let it pause, go on ('sending'), or stop for good; what is in the outbox goes out. Twice is as good as once. Locks it.

    Raises, in the order checked: NotFound (circular_not_found); Conflict (circular_over).
    """
    async with db.transaction(claims("system", actor=actor)) as conn:
        status = await queries.lock(conn, circular_id)
        if status is None:
            raise not_found()
        if status == to:
            return
        rules.check_turn(status, to)
        await queries.set_status(conn, circular_id, to)
        await history.record(conn, actor, f"circular.{to}", "circular", circular_id)


def not_found() -> NotFound:
    return NotFound("circular_not_found", "We cannot find this circular.")


async def send(house: Office, limit: int = 10) -> int:
    """A sweep: the next letters of the circular that was begun first, at the house's pace (JKLG_CIRCULAR_PACE). Answers how many rows it dealt with."""
    async with house.db.transaction() as conn:
        circular_id = await queries.lock_next(conn)
        if circular_id is None:
            return 0
        free = house.settings.circular_pace - await queries.count_written(conn)
        if free <= 0:
            return 0
        circular = await queries.get(conn, circular_id)
        assert circular is not None, "it is locked"
        waiting = await queries.list_waiting(conn, circular_id, min(limit, free))
        for each in waiting:
            await _write(conn, house.settings, each, Message(subject=circular.subject, words=circular.words))
        if not waiting:
            await queries.set_status(conn, circular_id, "done")
            await history.record(conn, "system", "circular.done", "circular", circular_id)
        await failpoints.reach("before_circular_commit")
    return len(waiting) or 1


async def _write(conn: Connection, settings: Settings, recipient: Recipient, message: Message) -> None:
    booking = await bookings.get(conn, recipient.booking_id)
    assert booking is not None, "bookings are never deleted"
    if recipient.bounced:
        await queries.mark(conn, recipient.id, "bounced")
    elif booking.status != "confirmed":
        await queries.mark(conn, recipient.id, "not_travelling")
    elif booking.email.lower() != recipient.mailbox:
        await queries.mark(conn, recipient.id, "gone")
    else:
        await letters.write(conn, settings, ROOM, "circular", recipient.id, booking, {"message": message})
        await queries.mark(conn, recipient.id)


async def forget(conn: Connection, booking_id: UUID) -> None:
    """The person of a booking is forgotten: the mailbox, and the letters. That there was one, and when, stays."""
    await mail.forget(conn, [f"circular:{each}" for each in await queries.forget(conn, booking_id)])
