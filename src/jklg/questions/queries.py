"""SQL of questions."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from jklg.kit.cursors import Place
from jklg.kit.db import Connection
from jklg.questions.rules import Question


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A question as everybody sees it; `name` is '' where nobody is named."""

    id: UUID
    name: str
    question: str
    answer: str
    created_at: datetime
    answered_at: datetime


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question as staff see it: `words` are the asker's own, `question` what is shown. `moved_at`: since when it is in this state."""

    id: UUID
    package_id: UUID
    package_name: str
    package_slug: str
    name: str
    email: str
    words: str
    locale: str
    question: str
    answer: str
    status: str
    created_at: datetime
    answered_at: datetime | None
    moved_at: datetime


_ASKED = """
    SELECT q.id, q.package_id, p.name AS package_name, p.slug AS package_slug, a.name, a.email, a.words, a.locale, q.question, q.answer,
           q.status, q.created_at, q.answered_at, q.moved_at
    FROM package_questions q JOIN question_askers a ON a.question_id = q.id JOIN packages p ON p.id = q.package_id
"""


async def keep(
    conn: Connection, id_: UUID, package_id: UUID, said: Question, name_shown: str, locale: str, digest: bytes
) -> None:
    """Keep a question; one in the same words is there already and stays as it is."""
    await conn.execute(
        """
        WITH fresh AS (
            INSERT INTO package_questions (id, package_id, name, question)
            SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM question_askers WHERE digest = $8)
            RETURNING id
        )
        INSERT INTO question_askers (question_id, name, email, words, locale, digest) SELECT id, $5, $6, $4, $7, $8 FROM fresh
        """,
        id_, package_id, name_shown, said.question, said.name, said.email, locale, digest,
    )  # fmt: skip


async def get(conn: Connection, question_id: UUID, *, lock: bool = False) -> Asked | None:
    """One question; with `lock` nobody else changes it until the database transaction ends."""
    row = await conn.fetchrow(f"{_ASKED} WHERE q.id = $1 {'FOR UPDATE OF q' if lock else ''}", question_id)
    return Asked(**row) if row else None


async def list_by_status(conn: Connection, status: str, after: Place | None, limit: int) -> list[Asked]:
    """Those in a state. Open ones: who has waited longest first; others: the newest first."""
    way, order = (">", "ASC") if status == "open" else ("<", "DESC")
    rows = await conn.fetch(
        f"""{_ASKED}
        WHERE q.status = $1 AND ($2::timestamptz IS NULL OR (q.moved_at, q.id) {way} ($2, $3))
        ORDER BY q.moved_at {order}, q.id {order} LIMIT $4
        """,
        status,
        after.at if after else None,
        after.id if after else None,
        limit,
    )
    return [Asked(**row) for row in rows]


async def count_open(conn: Connection) -> int:
    """How many wait for an answer."""
    return int(await conn.fetchval("SELECT count(*) FROM package_questions WHERE status = 'open'"))


async def list_of_package(conn: Connection, package_id: UUID, after: Place | None, limit: int) -> list[Shown]:
    """What is published of a package, the newest answer first."""
    rows = await conn.fetch(
        """
        SELECT id, name, question, answer, created_at, answered_at FROM package_questions
        WHERE package_id = $1 AND status = 'published' AND ($2::timestamptz IS NULL OR (answered_at, id) < ($2, $3))
        ORDER BY answered_at DESC, id DESC LIMIT $4
        """,
        package_id,
        after.at if after else None,
        after.id if after else None,
        limit,
    )
    return [Shown(**row) for row in rows]


async def set_answer(conn: Connection, question_id: UUID, name: str, question: str, answer: str, status: str) -> None:
    """What is shown, and whether it is. The first answer's moment stays."""
    await conn.execute(
        """
        UPDATE package_questions SET name = $2, question = $3, answer = $4, status = $5, answered_at = coalesce(answered_at, house_now()),
               moved_at = CASE WHEN status = $5 THEN moved_at ELSE house_now() END
        WHERE id = $1
        """,
        question_id, name, question, answer, status,
    )  # fmt: skip


async def set_status(conn: Connection, question_id: UUID, status: str) -> None:
    await conn.execute(
        "UPDATE package_questions SET status = $2, moved_at = house_now() WHERE id = $1 AND status <> $2",
        question_id,
        status,
    )


async def delete(conn: Connection, question_id: UUID) -> None:
    await conn.execute("DELETE FROM package_questions WHERE id = $1", question_id)


async def delete_of_address(conn: Connection, email: str) -> None:
    await conn.execute(
        "DELETE FROM package_questions WHERE id IN (SELECT question_id FROM question_askers WHERE lower(email) = lower($1))",
        email,
    )


async def list_of_address(conn: Connection, email: str) -> list[dict[str, Any]]:
    """Everything asked under an address, oldest first."""
    rows = await conn.fetch(
        """
        SELECT p.name AS package, a.name, a.email, a.words AS question, q.answer, q.status, q.created_at, q.answered_at
        FROM question_askers a JOIN package_questions q ON q.id = a.question_id JOIN packages p ON p.id = q.package_id
        WHERE lower(a.email) = lower($1) ORDER BY q.created_at, q.id
        """,
        email,
    )
    return [dict(row) for row in rows]
