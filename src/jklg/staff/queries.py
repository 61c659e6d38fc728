"""SQL of the staff room."""

from __future__ import annotations

from collections.abc import Sequence
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


async def find_sessions(conn: Connection, token_hashes: Sequence[bytes]) -> dict[bytes, Person]:
    """Whose sessions these are, as far as they live and their people still work here."""
    rows = await conn.fetch(
        """
        SELECT k.token_hash, s.id, s.name, s.email, s.role, k.expires_at
        FROM staff_sessions k JOIN staff s ON s.id = k.staff_id
        WHERE k.token_hash = ANY($1) AND k.expires_at > house_now() AND s.is_active
        """,
        list(token_hashes),
    )
    return {row["token_hash"]: Person(**{name: row[name] for name in Person.__struct_fields__}) for row in rows}


async def end_session(conn: Connection, token_hash: bytes) -> None:
    """The row stays: it says that the account knows this network."""
    await conn.execute(
        "UPDATE staff_sessions SET expires_at = least(expires_at, house_now()) WHERE token_hash = $1", token_hash
    )


async def forget_ended(conn: Connection, days: int, limit: int) -> int:
    """Sessions over for so long are nobody's business any more."""
    rows = await conn.fetch(
        """
        DELETE FROM staff_sessions WHERE token_hash IN (
            SELECT token_hash FROM staff_sessions WHERE expires_at < (SELECT house_now() - make_interval(days => $1))
            LIMIT $2
        ) RETURNING staff_id
        """,
        days,
        limit,
    )
    return len(rows)


async def was_used_from(conn: Connection, staff_id: UUID, network: str) -> bool:
    """Whether a session of this account, ended or not, came from a network ('192.0.2.1/32'; '' is none)."""
    value = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM staff_sessions WHERE staff_id = $1 AND ip_address <<= nullif($2::text, '')::cidr)",
        staff_id,
        network,
    )
    return bool(value)
