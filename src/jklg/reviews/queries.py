"""SQL of reviews."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from jklg.kit.cursors import Place
from jklg.kit.db import Connection
from jklg.reviews.rules import Review, Saying, Shown

_REVIEW = """
SELECT t.id, t.booking_id, b.reference, t.package_id, p.name AS package_name, p.slug AS package_slug, t.made_up, t.name, t.rating,
       t.message, t.status, t.reason, t.reply, t.chosen, t.created_at, t.decided_at
FROM testimonials t LEFT JOIN bookings b ON b.id = t.booking_id LEFT JOIN packages p ON p.id = t.package_id
"""


async def insert(
    conn: Connection,
    id_: UUID,
    said: Saying,
    *,
    booking_id: UUID | None = None,
    package_id: UUID | None = None,
    made_up: bool = False,
) -> bool:
    """False when this booking has one."""
    done = await conn.fetchval(
        """
        INSERT INTO testimonials (id, booking_id, package_id, made_up, name, rating, message) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT ON CONSTRAINT testimonials_one_for_a_booking DO NOTHING RETURNING true
        """,
        id_,
        booking_id,
        package_id,
        made_up,
        said.name,
        said.rating,
        said.message,
    )
    return bool(done)


async def delete_refused(conn: Connection, booking_id: UUID) -> None:
    """Makes room for another one where the first was refused."""
    await conn.execute("DELETE FROM testimonials WHERE booking_id = $1 AND status = 'rejected'", booking_id)


async def of_booking(conn: Connection, booking_id: UUID) -> Review | None:
    """The review of a booking, whatever became of it. For the guest's own rights, too."""
    row = await conn.fetchrow(f"{_REVIEW} WHERE t.booking_id = $1", booking_id)
    return Review(**row) if row else None


async def get(conn: Connection, id_: UUID, *, lock: bool = False) -> Review | None:
    """One review; everybody sees published ones only. With `lock` nobody else changes it until the database transaction ends."""
    row = await conn.fetchrow(f"{_REVIEW} WHERE t.id = $1 {'FOR UPDATE OF t' if lock else ''}", id_)
    return Review(**row) if row else None


async def list_by_status(conn: Connection, status: str, after: Place | None, limit: int) -> list[Review]:
    """Those in a state, newest first. Everybody sees published ones only."""
    rows = await conn.fetch(
        f"""{_REVIEW} WHERE t.status = $1 AND ($2::timestamptz IS NULL OR (t.created_at, t.id) < ($2, $3))
        ORDER BY t.created_at DESC, t.id DESC LIMIT $4
        """,
        status,
        after.at if after else None,
        after.id if after else None,
        limit,
    )
    return [Review(**row) for row in rows]


async def count_pending(conn: Connection) -> int:
    """How many wait for a decision."""
    return int(await conn.fetchval("SELECT count(*) FROM testimonials WHERE status = 'pending'"))


async def list_chosen(conn: Connection, *, made_up_too: bool, limit: int = 60) -> list[Review]:
    """What staff have chosen, newest first."""
    rows = await conn.fetch(
        f"{_REVIEW} WHERE t.chosen AND (NOT t.made_up OR $1) ORDER BY t.decided_at DESC, t.id DESC LIMIT $2",
        made_up_too,
        limit,
    )
    return [Review(**row) for row in rows]


async def list_of_package(
    conn: Connection, package_id: UUID, after: Place | None, limit: int, *, made_up_too: bool
) -> list[Shown]:
    """The published reviews of a package, newest first."""
    rows = await conn.fetch(
        """
        SELECT id, name, rating, message, reply, made_up, decided_at FROM testimonials
        WHERE package_id = $1 AND status = 'published' AND (NOT made_up OR $2)
          AND ($3::timestamptz IS NULL OR (decided_at, id) < ($3, $4))
        ORDER BY decided_at DESC, id DESC LIMIT $5
        """,
        package_id,
        made_up_too,
        after.at if after else None,
        after.id if after else None,
        limit,
    )
    return [Shown(**row) for row in rows]


async def set_decision(conn: Connection, id_: UUID, status: str, reason: str, *, chosen: bool) -> None:
    """The moment is that of the first time it was decided so."""
    await conn.execute(
        """
        UPDATE testimonials SET decided_at = CASE WHEN status = $2 THEN decided_at ELSE house_now() END,
               status = $2, reason = $3, chosen = $4
        WHERE id = $1
        """,
        id_,
        status,
        reason,
        chosen,
    )


async def set_reply(conn: Connection, id_: UUID, reply: str) -> None:
    await conn.execute("UPDATE testimonials SET reply = $2 WHERE id = $1", id_, reply)


async def set_saying(conn: Connection, id_: UUID, said: Saying) -> None:
    """Other words, for one that was told to the agency."""
    await conn.execute(
        "UPDATE testimonials SET name = $2, rating = $3, message = $4 WHERE id = $1",
        id_,
        said.name,
        said.rating,
        said.message,
    )


async def delete(conn: Connection, id_: UUID) -> bool:
    return bool(await conn.fetchval("DELETE FROM testimonials WHERE id = $1 RETURNING true", id_))


async def delete_of_booking(conn: Connection, booking_id: UUID) -> None:
    await conn.execute("DELETE FROM testimonials WHERE booking_id = $1", booking_id)


async def has_made_up(conn: Connection) -> bool:
    return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM testimonials WHERE made_up)"))


async def publish(conn: Connection, ids: Sequence[UUID], chosen: Sequence[UUID]) -> None:
    await conn.execute(
        """
        UPDATE testimonials SET status = 'published', chosen = id = ANY ($2::uuid[]), decided_at = house_now()
        WHERE id = ANY ($1::uuid[])
        """,
        list(ids),
        list(chosen),
    )


async def list_of_customer(conn: Connection, customer_id: UUID) -> list[dict[str, Any]]:
    rows = await conn.fetch(
        """
        SELECT b.reference, t.name, t.rating, t.message, t.status, t.reason, t.reply, t.created_at
        FROM testimonials t JOIN bookings b ON b.id = t.booking_id WHERE b.customer_id = $1 ORDER BY t.created_at
        """,
        customer_id,
    )
    return [dict(row) for row in rows]
