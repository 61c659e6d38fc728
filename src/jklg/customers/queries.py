"""SQL of the customers' table, for all its sub-rooms: one room writes it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from jklg.kit.db import Connection


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What deciding about an account needs. Never shown."""

    id: UUID
    email: str
    name: str
    status: str
    is_email_verified: bool
    password_hash: str | None
    joined_from: str


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as they see themselves: the same as GET /me. Times in UTC."""

    id: UUID
    email: str
    name: str
    phone: str | None
    avatar: str | None
    address: str | None
    verified_at: datetime | None
    status: str
    created_at: datetime
    loyalty_points: int


class Claimants(NamedTuple):
    """Whose an address may be: the account that has proven it, and the newest that only says so."""

    verified: Account | None
    pending: Account | None


_ACCOUNT = "id, email, name, status, is_email_verified, password_hash, joined_from"
_CUSTOMER = """
id, email, name, nullif(phone, '') AS phone, avatar, nullif(address, '') AS address, email_verified_at AS verified_at, status,
created_at, loyalty_points
"""


async def insert(
    conn: Connection, *, customer_id: UUID, email: str, password_hash: str, name: str, phone: str, joined_from: str
) -> None:
    await conn.execute(
        """
        INSERT INTO customers (id, email, password_hash, name, phone, joined_from) VALUES ($1, $2, $3, $4, $5, $6)
        """,
        customer_id,
        email,
        password_hash,
        name,
        phone,
        joined_from,
    )


async def get(conn: Connection, customer_id: UUID) -> Account | None:
    row = await conn.fetchrow(f"SELECT {_ACCOUNT} FROM customers WHERE id = $1", customer_id)  # noqa: S608
    return Account(**row) if row else None


async def get_locked(conn: Connection, customer_id: UUID) -> Account | None:
    """The same, and nobody else changes it until the caller's database transaction ends."""
    row = await conn.fetchrow(f"SELECT {_ACCOUNT} FROM customers WHERE id = $1 FOR UPDATE", customer_id)  # noqa: S608
    return Account(**row) if row else None


async def get_customer(conn: Connection, customer_id: UUID) -> Customer | None:
    row = await conn.fetchrow(f"SELECT {_CUSTOMER} FROM customers WHERE id = $1", customer_id)  # noqa: S608
    return Customer(**row) if row else None


async def claimants(conn: Connection, email: str) -> Claimants:
    """Two probes of one index, whether anybody has the address or not."""
    rows = await conn.fetch(
        f"""
        (SELECT {_ACCOUNT} FROM customers WHERE mailbox = lower($1) AND is_email_verified LIMIT 1)
        UNION ALL
        (SELECT {_ACCOUNT} FROM customers WHERE mailbox = lower($1) AND NOT is_email_verified AND status = 'pending'
         ORDER BY created_at DESC LIMIT 1)
        """,  # noqa: S608
        email,
    )
    found = [Account(**row) for row in rows]
    return Claimants(
        next((each for each in found if each.is_email_verified), None),
        next((each for each in found if not each.is_email_verified), None),
    )


async def count_pending(conn: Connection, email: str) -> int:
    """How many unconfirmed registrations claim an address."""
    value: int = await conn.fetchval(
        "SELECT count(*) FROM customers WHERE mailbox = lower($1) AND status = 'pending'", email
    )
    return value


async def lock_address(conn: Connection, email: str, customer_id: UUID) -> list[Account]:
    """Lock a customer and all who claim an address, always in one order: whoever wants the same address waits here."""
    rows = await conn.fetch(
        f"""
        SELECT {_ACCOUNT} FROM customers WHERE mailbox = lower($1) OR id = $2 ORDER BY id FOR UPDATE
        """,  # noqa: S608
        email,
        customer_id,
    )
    return [Account(**row) for row in rows]


async def verify(conn: Connection, customer_id: UUID) -> Customer | None:
    """A pending account becomes active. None when it is not pending. Breaks customers_email_verified_once when the
    address has an account already."""
    row = await conn.fetchrow(
        f"""
        UPDATE customers SET status = 'active', is_email_verified = true, email_verified_at = house_now(), joined_from = ''
        WHERE id = $1 AND status = 'pending' RETURNING {_CUSTOMER}
        """,  # noqa: S608
        customer_id,
    )
    return Customer(**row) if row else None


async def note_sign_in(
    conn: Connection,
    customer_id: UUID,
    *,
    seen_hash: str | None = None,
    better_hash: str | None = None,
    done: bool = True,
) -> Customer | None:
    """Write down a sign-in of an active customer, or, not `done`, that its password was right. With `seen_hash`, only while that is
    still their password's hash; `better_hash` takes its place."""
    row = await conn.fetchrow(
        f"""
        UPDATE customers SET last_login = CASE WHEN $4 THEN house_now() ELSE last_login END, password_hash = coalesce($3, password_hash)
        WHERE id = $1 AND status = 'active' AND ($2::text IS NULL OR password_hash = $2) RETURNING {_CUSTOMER}
        """,  # noqa: S608
        customer_id,
        seen_hash,
        better_hash,
        done,
    )
    return Customer(**row) if row else None


async def set_password(conn: Connection, customer_id: UUID, password_hash: str | None) -> None:
    await conn.execute("UPDATE customers SET password_hash = $2 WHERE id = $1", customer_id, password_hash)


async def set_email(conn: Connection, customer_id: UUID, email: str) -> Customer:
    """Breaks customers_email_verified_once when the address has an account already."""
    row = await conn.fetchrow(
        f"""
        UPDATE customers SET email = $2, email_verified_at = house_now() WHERE id = $1 RETURNING {_CUSTOMER}
        """,  # noqa: S608
        customer_id,
        email,
    )
    assert row is not None
    return Customer(**row)


async def lock_old_pending(conn: Connection, days: int, limit: int) -> list[UUID]:
    """Registrations that nobody has confirmed for so long, locked; those in use are left for another time."""
    rows = await conn.fetch(
        """
        SELECT id FROM customers WHERE status = 'pending' AND created_at < (SELECT house_now() - make_interval(days => $1))
        ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
        """,
        days,
        limit,
    )
    return [row[0] for row in rows]


async def delete_pending(conn: Connection, customer_ids: list[UUID]) -> None:
    await conn.execute("DELETE FROM customers WHERE id = ANY($1) AND status = 'pending'", customer_ids)


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """All that a customer tells of themselves, and what they have with us. Money in minor units of `spent_currency`; times in UTC."""

    id: UUID
    email: str
    name: str
    phone: str
    avatar: str | None
    address: str
    city: str
    state_province: str
    postal_code: str
    country: str
    date_of_birth: date | None
    gender: str
    preferences: dict[str, Any]
    verified_at: datetime | None
    status: str
    created_at: datetime
    last_login: datetime | None
    total_bookings: int
    total_spent: int
    spent_currency: str | None
    loyalty_points: int


async def get_profile(conn: Connection, customer_id: UUID, *, lock: bool = False) -> Profile | None:
    """`lock`: nobody else changes it until the caller's database transaction ends."""
    row = await conn.fetchrow(
        f"""
        SELECT id, email, name, phone, avatar, address, city, state_province, postal_code, country, date_of_birth, gender, preferences,
               email_verified_at AS verified_at, status, created_at, last_login, total_bookings, total_spent, spent_currency, loyalty_points
        FROM customers WHERE id = $1 {"FOR NO KEY UPDATE" if lock else ""}
        """,  # noqa: S608
        customer_id,
    )
    return Profile(**row) if row else None


async def edit(conn: Connection, profile: Profile) -> None:
    """Write what customers tell of themselves. The row is locked by the caller."""
    await conn.execute(
        """
        UPDATE customers SET name = $2, phone = $3, avatar = $4, address = $5, city = $6, state_province = $7, postal_code = $8,
               country = $9, date_of_birth = $10, gender = $11, preferences = $12
        WHERE id = $1
        """,
        profile.id,
        profile.name,
        profile.phone,
        profile.avatar,
        profile.address,
        profile.city,
        profile.state_province,
        profile.postal_code,
        profile.country,
        profile.date_of_birth,
        profile.gender,
        profile.preferences,
    )


async def erase(conn: Connection, customer_id: UUID) -> bool:
    """The row becomes a tombstone: the id, and that there was somebody. False when it is one already."""
    done = await conn.fetchval(
        """
        UPDATE customers SET status = 'deleted', email = '', password_hash = NULL, name = '', phone = '', avatar = NULL, address = '',
               city = '', state_province = '', postal_code = '', country = '', date_of_birth = NULL, gender = '', preferences = '{}',
               joined_from = '', is_email_verified = false, email_verified_at = NULL, last_login = NULL, total_bookings = 0,
               total_spent = 0, spent_currency = NULL, loyalty_points = 0
        WHERE id = $1 AND status <> 'deleted' RETURNING true
        """,
        customer_id,
    )
    return bool(done)


async def recount(conn: Connection, customer_id: UUID) -> None:
    """total_bookings, total_spent and loyalty_points, counted anew (migration 0010)."""
    await conn.execute("SELECT update_customer_stats($1)", customer_id)
