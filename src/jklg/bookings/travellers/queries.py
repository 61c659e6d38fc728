"""SQL of private links."""

from __future__ import annotations

from uuid import UUID

from jklg.bookings.travellers.rules import Link
from jklg.kit.db import Connection


async def list_links(conn: Connection, booking_id: UUID) -> list[Link]:
    """Those that are alive, the oldest first."""
    rows = await conn.fetch(
        """
        SELECT id, booking_id, category, traveller_id, used_at FROM traveller_links
        WHERE booking_id = $1 AND revoked_at IS NULL ORDER BY created_at, id
        """,
        booking_id,
    )
    return [Link(**row) for row in rows]


async def get_link(conn: Connection, link_id: UUID) -> Link | None:
    """One that is alive."""
    row = await conn.fetchrow(
        "SELECT id, booking_id, category, traveller_id, used_at FROM traveller_links WHERE id = $1 AND revoked_at IS NULL",
        link_id,
    )
    return Link(**row) if row else None


async def insert_link(conn: Connection, id_: UUID, booking_id: UUID, category: str, traveller_id: UUID | None) -> None:
    """Boring the second time."""
    await conn.execute(
        "INSERT INTO traveller_links (id, booking_id, category, traveller_id) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
        id_,
        booking_id,
        category,
        traveller_id,
    )


async def bind_link(conn: Connection, link_id: UUID, traveller_id: UUID) -> None:
    """Whoever has it is this traveller."""
    await conn.execute("UPDATE traveller_links SET traveller_id = $2 WHERE id = $1", link_id, traveller_id)


async def use_link(conn: Connection, link_id: UUID) -> None:
    await conn.execute("UPDATE traveller_links SET used_at = house_now() WHERE id = $1", link_id)


async def revoke_link(conn: Connection, link_id: UUID) -> None:
    await conn.execute(
        "UPDATE traveller_links SET revoked_at = house_now() WHERE id = $1 AND revoked_at IS NULL", link_id
    )
