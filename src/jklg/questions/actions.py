"""The verbs of questions: ask, answer by mail and show both or not, close, erase; what is told and forgotten when a customer leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from jklg import history, limits, mail
from jklg.customers import profile
from jklg.kit.db import Connection, Database, claims, violated
from jklg.kit.errors import TooMany
from jklg.kit.ids import uuid7
from jklg.kit.languages import speaking, spoken
from jklg.kit.texts import first_name
from jklg.questions import queries, rules
from jklg.questions.queries import Asked
from jklg.questions.rules import Question
from jklg.settings import Settings

ROOM = Path(__file__).parent


async def ask(db: Database, package_id: UUID, said: Question, *, network: str) -> None:
    """Keep a question, as `rules.read` gives it. `network`: the address of whoever asks. The same words twice are one question.

    Nobody gets a mail yet (docs/decisions/50). TooMany: too_many_requests.
    """
    try:
        async with db.transaction() as conn:
            wait = await limits.take(conn, [(rules.PACE, limits.network(network))])
            if not wait:
                digest = rules.digest(package_id, said)
                await queries.keep(conn, uuid7(), package_id, said, first_name(said.name), spoken().code, digest)
    except asyncpg.UniqueViolationError as error:
        if violated(error) != "question_askers_said_once":  # a second click, in the same moment
            raise
        return
    if wait:
        raise TooMany(
            "too_many_requests", "Too many questions came from your network. Please wait a while.", retry_after=wait
        )


async def answer(
    db: Database, settings: Settings, question_id: UUID, *, text: str, shown: str, publish: bool, name: str, actor: str
) -> bool:
    """Answer it: mailed the first time, in the language it was asked in, with the asker's own words; `publish` puts question (`shown`) and
    answer on the package's page. Later it changes what stands there, and mails nothing. Answers whether it was mailed.

    Locks the question. BadInput: question_missing, answer_missing; NotFound: question_not_found.
    """
    shown, text = rules.check_question(shown), rules.check_answer(text)
    async with db.transaction(claims("system", actor=actor)) as conn:
        asked = await _lock(conn, question_id)
        status = "published" if publish else "answered"
        await queries.set_answer(
            conn, question_id, rules.name_shown(asked.name, asked.words, shown), shown, text, status
        )
        if asked.answered_at is None:
            context = {
                "asked": asked,
                "answer": text,
                "from_name": name,
                "link": f"{settings.public_url}/packages/{asked.package_slug}",
            }
            with speaking(asked.locale):
                await mail.write_letter(
                    conn, settings, ROOM, "question_answered", question_id, asked.email, asked.name, context
                )
        await history.record(conn, actor, f"question.{status}", "question", question_id)
        return asked.answered_at is None


async def move(db: Database, question_id: UUID, *, status: str, actor: str) -> None:
    """Close it without an answer or take it off the page (closed), or wait for an answer again (open). NotFound: question_not_found."""
    assert status in ("open", "closed"), status
    async with db.transaction(claims("system", actor=actor)) as conn:
        asked = await _lock(conn, question_id)
        if asked.status != status:
            await queries.set_status(conn, question_id, status)
            await history.record(conn, actor, f"question.{status}", "question", question_id)


async def erase(db: Database, question_id: UUID, *, actor: str) -> None:
    """Nothing of it stays but that it was erased; an answer that is still to go does not go. NotFound: question_not_found."""
    async with db.transaction(claims("system", actor=actor)) as conn:
        await _lock(conn, question_id)
        await mail.forget(conn, [f"question_answered:{question_id}"])
        await queries.delete(conn, question_id)
        await history.record(conn, actor, "question.erased", "question", question_id)


async def _lock(conn: Connection, question_id: UUID) -> Asked:
    found = await queries.get(conn, question_id, lock=True)
    if found is None:
        raise rules.no_question()
    return found


async def leave(conn: Connection, _customer_id: UUID, email: str | None) -> None:
    """A customer leaves: what was asked under their proven address is forgotten, also where it was published."""
    if email is not None:
        await queries.delete_of_address(conn, email)


async def export(conn: Connection, customer_id: UUID) -> list[dict[str, Any]]:
    """What was asked under a customer's proven address, for their copy."""
    found = await profile.proven_address(conn, customer_id)
    return await queries.list_of_address(conn, found[0]) if found else []
