"""SQL that names travellers after the booking was made, or corrects them; `queries.py` reads them."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from jklg.kit.db import Connection


async def insert(
    conn: Connection, id_: UUID, booking_id: UUID, name: str, category: str, born: date | None, *, may_lead: bool
) -> bool:
    """At the end of the list. `may_lead`: the one we call, if there is nobody yet. False when the id is somebody's."""
    done = await conn.fetchval(
        """
        INSERT INTO travellers (id, booking_id, position, name, category, date_of_birth, is_lead)
        SELECT $1, $2, coalesce(max(position), 0) + 1, $3, $4, $5, $6 AND NOT coalesce(bool_or(is_lead), false) FROM travellers WHERE booking_id = $2
        ON CONFLICT (id) DO NOTHING RETURNING true
        """,
        id_,
        booking_id,
        name,
        category,
        born,
        may_lead,
    )
    return bool(done)


async def update(conn: Connection, id_: UUID, name: str, born: date | None) -> None:
    await conn.execute("UPDATE travellers SET name = $2, date_of_birth = $3 WHERE id = $1", id_, name, born)
