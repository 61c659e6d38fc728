"""SQL of addresses, preferences and pictures, and of GET /me. The customer's own row is in customers/queries.py."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from jklg.customers.rights import Told
from jklg.customers.sessions import Visitor
from jklg.kit.db import Connection


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """An address of a customer."""

    id: UUID
    label: str
    street: str
    city: str
    state: str
    postal_code: str
    country: str
    is_default: bool


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's picture, as it was uploaded."""

    media_type: str
    content: bytes


_ADDRESS = "id, label, street, city, state, postal_code, country, is_default"


async def me(conn: Connection, visitors: Sequence[Visitor]) -> dict[Visitor, Told]:
    """The whole answers of GET /me, sessions and rights included (migrations 0009 and 0014)."""
    rows = await conn.fetch(
        "SELECT customer, session, refused, answer FROM customers_me($1, $2)",
        [who.customer_id for who in visitors],
        [who.session_id for who in visitors],
    )
    return {Visitor(row[0], row[1]): Told(row[2], row[3] or "") for row in rows}


async def today(conn: Connection) -> date:
    """The day that it is already somewhere on earth."""
    found: date = await conn.fetchval("SELECT (house_now() AT TIME ZONE '-14')::date")
    return found


async def list_addresses(conn: Connection, customer_id: UUID) -> list[Address]:
    """The default first, then in the order they were added."""
    rows = await conn.fetch(
        f"SELECT {_ADDRESS} FROM customer_addresses WHERE customer_id = $1 ORDER BY is_default DESC, created_at, id",  # noqa: S608
        customer_id,
    )
    return [Address(**row) for row in rows]


async def insert_address(conn: Connection, customer_id: UUID, address: Address) -> None:
    await conn.execute(
        """
        INSERT INTO customer_addresses (id, customer_id, label, street, city, state, postal_code, country, is_default)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        address.id,
        customer_id,
        address.label,
        address.street,
        address.city,
        address.state,
        address.postal_code,
        address.country,
        address.is_default,
    )


async def update_address(conn: Connection, customer_id: UUID, address: Address) -> bool:
    """False when there is no such address of theirs."""
    done = await conn.fetchval(
        """
        UPDATE customer_addresses SET label = $3, street = $4, city = $5, state = $6, postal_code = $7, country = $8, is_default = $9
        WHERE id = $2 AND customer_id = $1 RETURNING true
        """,
        customer_id,
        address.id,
        address.label,
        address.street,
        address.city,
        address.state,
        address.postal_code,
        address.country,
        address.is_default,
    )
    return bool(done)


async def no_default(conn: Connection, customer_id: UUID) -> None:
    await conn.execute(
        "UPDATE customer_addresses SET is_default = false WHERE customer_id = $1 AND is_default", customer_id
    )


async def oldest_is_default(conn: Connection, customer_id: UUID) -> None:
    """When none is the default, the oldest becomes it."""
    await conn.execute(
        """
        UPDATE customer_addresses SET is_default = true
        WHERE id = (SELECT id FROM customer_addresses WHERE customer_id = $1 ORDER BY created_at, id LIMIT 1)
          AND NOT EXISTS (SELECT FROM customer_addresses WHERE customer_id = $1 AND is_default)
        """,
        customer_id,
    )


async def delete_address(conn: Connection, customer_id: UUID, address_id: UUID) -> bool:
    """False when there is no such address of theirs."""
    done = await conn.fetchval(
        "DELETE FROM customer_addresses WHERE id = $2 AND customer_id = $1 RETURNING true", customer_id, address_id
    )
    return bool(done)


async def list_preferences(conn: Connection, customer_id: UUID) -> dict[str, str]:
    rows = await conn.fetch(
        """
        SELECT preference_key, preference_value FROM customer_preferences WHERE customer_id = $1 ORDER BY preference_key
        """,
        customer_id,
    )
    return {row[0]: row[1] for row in rows}


async def set_preferences(conn: Connection, customer_id: UUID, values: dict[str, str]) -> None:
    """Keep these; others stay."""
    await conn.execute(
        """
        INSERT INTO customer_preferences (customer_id, preference_key, preference_value)
        SELECT $1, key, value FROM unnest($2::text[], $3::text[]) AS given(key, value)
        ON CONFLICT (customer_id, preference_key) DO UPDATE SET preference_value = excluded.preference_value
        """,
        customer_id,
        list(values),
        list(values.values()),
    )


async def delete_preferences(conn: Connection, customer_id: UUID, keys: list[str]) -> None:
    await conn.execute(
        "DELETE FROM customer_preferences WHERE customer_id = $1 AND preference_key = ANY($2)", customer_id, keys
    )


async def get_picture(conn: Connection, customer_id: UUID) -> Picture | None:
    row = await conn.fetchrow("SELECT media_type, content FROM customer_pictures WHERE customer_id = $1", customer_id)
    return Picture(**row) if row else None


async def put_picture(conn: Connection, customer_id: UUID, picture: Picture) -> None:
    await conn.execute(
        """
        INSERT INTO customer_pictures (customer_id, media_type, content) VALUES ($1, $2, $3)
        ON CONFLICT (customer_id) DO UPDATE SET media_type = excluded.media_type, content = excluded.content, created_at = house_now()
        """,
        customer_id,
        picture.media_type,
        picture.content,
    )


async def delete_picture(conn: Connection, customer_id: UUID) -> bool:
    """False when there was none."""
    done = await conn.fetchval("DELETE FROM customer_pictures WHERE customer_id = $1 RETURNING true", customer_id)
    return bool(done)


async def drop(conn: Connection, customer_id: UUID) -> None:
    await conn.execute("DELETE FROM customer_addresses WHERE customer_id = $1", customer_id)
    await conn.execute("DELETE FROM customer_preferences WHERE customer_id = $1", customer_id)
    await conn.execute("DELETE FROM customer_pictures WHERE customer_id = $1", customer_id)
