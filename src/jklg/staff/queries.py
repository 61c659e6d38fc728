"""SQL of the staff room."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Account(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    email: str
    role: str
    password_hash: str
    is_active: bool


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff, signed in. The role is today's, not that of the sign-in."""

    id: UUID
    name: str
    email: str
    role: str
    expires_at: datetime


async def insert(conn: Connection, *, staff_id: UUID, name: str, email: str, role: str, password_hash: str) -> None:
    await conn.execute(
        "INSERT INTO staff (id, name, email, role, password_hash) VALUES ($1, $2, $3, $4, $5)",
        staff_id,
        name,
        email,
        role,
        password_hash,
    )


async def find_by_email(conn: Connection, email: str) -> Account | None:
    row = await conn.fetchrow(
        "SELECT id, name, email, role, password_hash, is_active FROM staff WHERE lower(email) = lower($1)", email
    )
    return Account(**row) if row else None


async def set_password_hash(conn: Connection, staff_id: UUID, password_hash: str) -> None:
    await conn.execute("UPDATE staff SET password_hash = $2 WHERE id = $1", staff_id, password_hash)


async def open_session(
    conn: Connection, *, token_hash: bytes, staff_id: UUID, hours: int, ip_address: str | None, user_agent: str
) -> None:
    await conn.execute(
        """
        INSERT INTO staff_sessions (token_hash, staff_id, expires_at, ip_address, user_agent)
        VALUES ($1, $2, house_now() + make_interval(hours => $3), $4::text::inet, $5)
        """,
        token_hash,
        staff_id,
        hours,
        ip_address,
        user_agent,
    )
    await conn.execute("UPDATE staff SET last_login = house_now() WHERE id = $1", staff_id)


async def find_session(conn: Connection, token_hash: bytes) -> Person | None:
    """Whose session this is, if it lives and they still work here."""
    row = await conn.fetchrow(
        """
        SELECT s.id, s.name, s.email, s.role, k.expires_at
        FROM staff_sessions k JOIN staff s ON s.id = k.staff_id
        WHERE k.token_hash = $1 AND k.expires_at > house_now() AND s.is_active
        """,
        token_hash,
    )
    return Person(**row) if row else None


async def close_session(conn: Connection, token_hash: bytes) -> None:
    await conn.execute("DELETE FROM staff_sessions WHERE token_hash = $1", token_hash)


async def note_try(conn: Connection, subjects: list[str]) -> datetime:
    """Count a try for each subject. It is a failure until `forget_try`. Answers when it was."""
    await conn.execute("DELETE FROM staff_sign_in_failures WHERE failed_at < house_now() - interval '1 day'")
    tried_at: datetime = await conn.fetchval(
        """
        WITH present AS MATERIALIZED (SELECT house_now() AS at),
             written AS (INSERT INTO staff_sign_in_failures (subject, failed_at) SELECT unnest($1::text[]), at FROM present)
        SELECT at FROM present
        """,
        subjects,
    )
    return tried_at


async def count_tries(conn: Connection, subjects: list[str]) -> dict[str, int]:
    """Tries of the last 15 minutes that did not succeed, this one included."""
    rows = await conn.fetch(
        """
        SELECT subject, count(f.failed_at) FROM unnest($1::text[]) AS subject
        LEFT JOIN staff_sign_in_failures f USING (subject)
        WHERE f.failed_at IS NULL OR f.failed_at > house_now() - interval '15 minutes' GROUP BY subject
        """,
        subjects,
    )
    return dict.fromkeys(subjects, 0) | {row[0]: row[1] for row in rows}


async def forget_try(conn: Connection, subjects: list[str], tried_at: datetime) -> None:
    await conn.execute(
        "DELETE FROM staff_sign_in_failures WHERE subject = ANY($1) AND failed_at = $2", subjects, tried_at
    )


async def forget_tries(conn: Connection, subject: str) -> None:
    await conn.execute("DELETE FROM staff_sign_in_failures WHERE subject = $1", subject)
