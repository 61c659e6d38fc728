"""SQL of journeys put aside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from jklg.kit.db import Connection


async def insert(conn: Connection, customer_id: UUID, slugs: Sequence[str]) -> None:
    await conn.execute(
        """
        INSERT INTO customer_wishes (customer_id, package_id)
        SELECT $1, p.id FROM packages p WHERE p.slug = ANY ($2::text[]) AND p.status = 'published'
        ON CONFLICT ON CONSTRAINT customer_wishes_once DO NOTHING
        """,
        customer_id,
        list(slugs),
    )


async def drop_beyond(conn: Connection, customer_id: UUID, most: int) -> None:
    """The oldest fall off."""
    await conn.execute(
        """
        DELETE FROM customer_wishes w WHERE w.customer_id = $1 AND w.package_id IN (
            SELECT package_id FROM customer_wishes WHERE customer_id = $1 ORDER BY created_at DESC, package_id OFFSET $2)
        """,
        customer_id,
        most,
    )


async def list_of(conn: Connection, customer_id: UUID) -> list[str]:
    """Slugs, newest first."""
    rows = await conn.fetch(
        """
        SELECT p.slug FROM customer_wishes w JOIN packages p ON p.id = w.package_id
        WHERE w.customer_id = $1 ORDER BY w.created_at DESC, p.id
        """,
        customer_id,
    )
    return [row["slug"] for row in rows]


async def list_with_moments(conn: Connection, customer_id: UUID) -> list[dict[str, Any]]:
    rows = await conn.fetch(
        """
        SELECT p.slug, p.name, w.created_at FROM customer_wishes w JOIN packages p ON p.id = w.package_id
        WHERE w.customer_id = $1 ORDER BY w.created_at
        """,
        customer_id,
    )
    return [dict(row) for row in rows]


async def delete(conn: Connection, customer_id: UUID, slug: str) -> None:
    await conn.execute(
        "DELETE FROM customer_wishes WHERE customer_id = $1 AND package_id = (SELECT id FROM packages WHERE slug = $2)",
        customer_id,
        slug,
    )


async def delete_all(conn: Connection, customer_id: UUID) -> None:
    await conn.execute("DELETE FROM customer_wishes WHERE customer_id = $1", customer_id)
