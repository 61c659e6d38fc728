"""SQL of a journey's page that reads across rooms: what travellers say and ask of it, in one round trip."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from jklg import questions
from jklg.kit.db import Connection
from jklg.reviews import Shown, Stars

SHOWN = 4
"""Reviews, and questions, on the page of a journey; the others have a page of their own."""


class Voices(msgspec.Struct, frozen=True, kw_only=True):
    """What travellers say. `real`: how many of `stars.count` were written by somebody who travelled; `asked`: how many questions there are."""

    stars: Stars
    real: int
    newest: list[Shown]
    asked: int
    questions: list[questions.Shown]


async def voices(conn: Connection, package_id: UUID, *, made_up_too: bool) -> Voices:
    """Published ones only. `made_up_too`: those of a demonstration as well."""
    row: Any = await conn.fetchrow(
        """
        WITH shown AS NOT MATERIALIZED (
            SELECT id, name, rating, message, reply, made_up, decided_at FROM testimonials
            WHERE package_id = $1 AND status = 'published' AND (NOT made_up OR $2)
        ), answered AS NOT MATERIALIZED (
            SELECT id, name, question, answer, created_at, answered_at FROM package_questions WHERE package_id = $1 AND status = 'published'
        )
        SELECT s.stars, s.real, n.newest, (SELECT count(*) FROM answered) AS asked, q.questions
        FROM (SELECT jsonb_build_object('count', count(*), 'total', coalesce(sum(rating), 0)) AS stars,
                     count(*) FILTER (WHERE NOT made_up) AS real FROM shown) s,
             (SELECT coalesce(jsonb_agg(to_jsonb(f) ORDER BY f.decided_at DESC, f.id DESC), '[]') AS newest
              FROM (SELECT * FROM shown ORDER BY decided_at DESC, id DESC LIMIT $3) f) n,
             (SELECT coalesce(jsonb_agg(to_jsonb(f) ORDER BY f.answered_at DESC, f.id DESC), '[]') AS questions
              FROM (SELECT * FROM answered ORDER BY answered_at DESC, id DESC LIMIT $3) f) q
        """,
        package_id,
        made_up_too,
        SHOWN,
    )
    return msgspec.convert(dict(row), Voices)
