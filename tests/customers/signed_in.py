"""Customers who are there already, with a session and its token, put into the tables without asking any door."""

from __future__ import annotations

import time

from jklg.customers.sessions import rules
from jklg.customers.sessions.rules import Visitor
from jklg.kit.db import Connection
from tests.conftest import SECRET


async def move_in(conn: Connection, who: Visitor, name: str, status: str = "active") -> None:
    await conn.execute(
        """
        INSERT INTO customers (id, email, name, status, is_email_verified, email_verified_at)
        SELECT $1, lower(name) || '@example.com', name, status, status = 'active', CASE WHEN status = 'active' THEN house_now() END
        FROM (SELECT $2::text AS name, $3::text AS status) AS given
        """,
        who.customer_id,
        name,
        status,
    )
    await conn.execute(
        """
        INSERT INTO customer_sessions (id, customer_id, token_hash, expires_at)
        VALUES ($1, $2, sha256($1::uuid::text::bytea), house_now() + interval '7 days')
        """,
        who.session_id,
        who.customer_id,
    )


async def end_session(conn: Connection, who: Visitor) -> None:
    await conn.execute(
        "UPDATE customer_sessions SET is_active = false, revoked_at = house_now() WHERE id = $1", who.session_id
    )


def bearing(who: Visitor) -> dict[str, str]:
    """The header that proves it."""
    now = int(time.time())
    return {"Authorization": f"Bearer {rules.mint(SECRET, who, issued_at=now, expires_at=now + 900)}"}
