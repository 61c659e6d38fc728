"""SQL of questions that many ask."""

from __future__ import annotations

from uuid import UUID

from jklg.catalogue.faq.rules import Question, Wording
from jklg.kit.db import Connection


async def list_questions(conn: Connection, *, unpublished: bool = False) -> list[Question]:
    """In the order staff has put them; only published ones unless staff asks."""
    rows = await conn.fetch(
        """
        SELECT id, question, answer, category, position, published FROM faqs WHERE published OR $1
        ORDER BY position, id LIMIT 300
        """,
        unpublished,
    )
    return [Question(**row) for row in rows]


async def get(conn: Connection, id_: UUID) -> Question | None:
    """One question, published or not."""
    row = await conn.fetchrow("SELECT id, question, answer, category, position, published FROM faqs WHERE id = $1", id_)
    return Question(**row) if row else None


async def insert(conn: Connection, id_: UUID, said: Wording) -> bool:
    """False for one that is there already."""
    done = await conn.fetchval(
        """
        INSERT INTO faqs (id, question, answer, category, position, published) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (id) DO NOTHING RETURNING true
        """,
        id_,
        said.question,
        said.answer,
        said.category,
        said.position,
        said.published,
    )
    return bool(done)


async def update(conn: Connection, id_: UUID, said: Wording) -> bool:
    done = await conn.fetchval(
        """
        UPDATE faqs SET question = $2, answer = $3, category = $4, position = $5, published = $6
        WHERE id = $1 RETURNING true
        """,
        id_,
        said.question,
        said.answer,
        said.category,
        said.position,
        said.published,
    )
    return bool(done)


async def delete(conn: Connection, id_: UUID) -> bool:
    return bool(await conn.fetchval("DELETE FROM faqs WHERE id = $1 RETURNING true", id_))


async def has_questions(conn: Connection) -> bool:
    return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM faqs)"))
