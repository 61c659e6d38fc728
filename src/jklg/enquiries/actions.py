"""The verbs of enquiries: ask, answer by mail, write down what was said elsewhere, close; what is told and forgotten when a customer leaves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from jklg import history, limits, mail
from jklg.customers import profile
from jklg.enquiries import queries, rules
from jklg.enquiries.queries import Ticket
from jklg.enquiries.rules import Enquiry
from jklg.kit.db import Connection, Database, claims
from jklg.kit.errors import TooMany
from jklg.kit.ids import uuid7
from jklg.kit.languages import speaking, spoken
from jklg.settings import Settings

ROOM = Path(__file__).parent


async def ask(db: Database, said: Enquiry, *, network: str) -> None:
    """Keep an enquiry, as `rules.read` gives it. `network`: the address of whoever asks. The same words twice are one enquiry.

    Nobody gets a mail: the address is not proven, and we do not write to people on a stranger's word. TooMany: too_many_requests.
    """
    async with db.transaction() as conn:
        wait = await limits.take(conn, [(rules.PACE, limits.network(network))])
        if not wait:
            ticket_id, fresh = await queries.keep(conn, uuid7(), said, spoken().code, rules.digest(said))
            if fresh:
                await queries.insert_message(conn, uuid7(), ticket_id, "customer", said.name, said.message)
    if wait:
        raise TooMany(
            "too_many_requests", "Too many messages came from your network. Please wait a while.", retry_after=wait
        )


async def fill(conn: Connection, enquiries: Sequence[Enquiry]) -> None:
    """Keep these where nobody has written yet, in the caller's database transaction."""
    if await queries.has_tickets(conn):
        return
    for said in enquiries:
        ticket_id, _ = await queries.keep(conn, uuid7(), said, spoken().code, rules.digest(said))
        await queries.insert_message(conn, uuid7(), ticket_id, "customer", said.name, said.message)


async def answer(
    db: Database, settings: Settings, ticket_id: UUID, *, message_id: UUID, text: str, name: str, actor: str
) -> None:
    """Mail an answer, in the language the enquiry was written on; it counts as answered. The same `message_id` again does nothing.

    Locks the enquiry. BadInput: message_missing; NotFound: enquiry_not_found.
    """
    text = rules.check_message(text, "answer")
    async with db.transaction(claims("system", actor=actor)) as conn:
        ticket = await _lock(conn, ticket_id)
        asked = [each for each in await queries.list_messages(conn, ticket_id) if each.from_type == "customer"]
        if not await queries.insert_message(conn, message_id, ticket_id, "agent", name, text):
            return
        await queries.set_status(conn, ticket_id, "answered")
        context = {"ticket": ticket, "answer": text, "question": asked[-1].message if asked else "", "from_name": name}
        with speaking(ticket.locale):
            await mail.write_letter(
                conn, settings, ROOM, "enquiry_answered", message_id, ticket.email, ticket.customer, context
            )
        await history.record(conn, actor, "enquiry.answered", "enquiry", ticket_id)


async def note(db: Database, ticket_id: UUID, *, message_id: UUID, text: str, actor: str) -> None:
    """Write down what the person said since, by mail or telephone: the enquiry is open again. The same `message_id` again does nothing.

    Locks the enquiry. BadInput: message_missing; NotFound: enquiry_not_found.
    """
    text = rules.check_message(text, "note")
    async with db.transaction(claims("system", actor=actor)) as conn:
        ticket = await _lock(conn, ticket_id)
        if await queries.insert_message(conn, message_id, ticket_id, "customer", ticket.customer, text):
            await queries.set_status(conn, ticket_id, "open")
            await history.record(conn, actor, "enquiry.noted", "enquiry", ticket_id)


async def move(db: Database, ticket_id: UUID, *, status: str, actor: str) -> None:
    """Close it, or open it again. NotFound: enquiry_not_found."""
    assert status in rules.STATES, status
    async with db.transaction(claims("system", actor=actor)) as conn:
        ticket = await _lock(conn, ticket_id)
        if ticket.status != status:
            await queries.set_status(conn, ticket_id, status)
            await history.record(conn, actor, f"enquiry.{status}", "enquiry", ticket_id)


async def erase(db: Database, ticket_id: UUID, *, actor: str) -> None:
    """Nothing of it stays but that it was erased; answers that are still to go do not go. NotFound: enquiry_not_found."""
    async with db.transaction(claims("system", actor=actor)) as conn:
        await _lock(conn, ticket_id)
        answers = [each.id for each in await queries.list_messages(conn, ticket_id) if each.from_type == "agent"]
        await mail.forget(conn, [f"enquiry_answered:{each}" for each in answers])
        await queries.delete(conn, ticket_id)
        await history.record(conn, actor, "enquiry.erased", "enquiry", ticket_id)


async def _lock(conn: Connection, ticket_id: UUID) -> Ticket:
    found = await queries.get(conn, ticket_id, lock=True)
    if found is None:
        raise rules.no_ticket()
    return found


async def leave(conn: Connection, _customer_id: UUID, email: str | None) -> None:
    """A customer leaves: what was written under their proven address is forgotten."""
    if email is not None:
        await queries.delete_of_address(conn, email)


async def export(conn: Connection, customer_id: UUID) -> list[dict[str, Any]]:
    """What was written under a customer's proven address, for their copy."""
    found = await profile.proven_address(conn, customer_id)
    return await queries.list_of_address(conn, found[0]) if found else []
