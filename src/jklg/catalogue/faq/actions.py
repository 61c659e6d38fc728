"""The verbs of questions that many ask: add, change, remove. Each leaves its line in the history."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from jklg import history
from jklg.catalogue.faq import queries, rules
from jklg.catalogue.faq.rules import Wording
from jklg.kit.db import Connection, Database, claims
from jklg.kit.ids import uuid7


async def add(db: Database, said: Wording, *, id_: UUID, actor: str) -> None:
    """Keep one more; the same id again does nothing. BadInput: category_missing, question_missing, answer_missing, position_invalid."""
    said = rules.check(said)
    async with db.transaction(claims("system", actor=actor)) as conn:
        if await queries.insert(conn, id_, said):
            await history.record(conn, actor, "faq.added", "faq", id_)


async def change(db: Database, id_: UUID, said: Wording, *, actor: str) -> None:
    """Its words, its place, whether it is shown. BadInput as in `add`; NotFound: faq_not_found."""
    said = rules.check(said)
    async with db.transaction(claims("system", actor=actor)) as conn:
        if not await queries.update(conn, id_, said):
            raise rules.no_question()
        await history.record(conn, actor, "faq.changed", "faq", id_)


async def remove(db: Database, id_: UUID, *, actor: str) -> None:
    """NotFound: faq_not_found."""
    async with db.transaction(claims("system", actor=actor)) as conn:
        if not await queries.delete(conn, id_):
            raise rules.no_question()
        await history.record(conn, actor, "faq.removed", "faq", id_)


async def fill(conn: Connection, questions: Sequence[Wording]) -> None:
    """Write these where nobody has written any, in the caller's database transaction."""
    if await queries.has_questions(conn):
        return
    for said in questions:
        await queries.insert(conn, uuid7(), rules.check(said))
