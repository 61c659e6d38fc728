"""What the worker does for moving: the link to the new mailbox, the notice to the old one. May run twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from jklg import mail
from jklg.customers import proofs, queries
from jklg.customers.moving import queries as moments
from jklg.kit.db import Database
from jklg.settings import Settings

ROOM = Path(__file__).parent


class Office(Protocol):
    """What writing a mail needs of the house."""

    settings: Settings
    db: Database


async def mail_change(house: Office, news: dict[str, Any]) -> None:
    """customer.email_change_asked: the link, unless the address has an account; the notice in either case."""
    customer_id, proof_id, undo_id = (UUID(news[name]) for name in ("customer_id", "proof_id", "undo_id"))
    settings = house.settings
    async with house.db.transaction() as conn:
        account = await queries.get(conn, customer_id)
        wanted = await proofs.get(conn, proof_id)
        if account is None or account.status != "active" or wanted is None:
            return
        taken, _ = await queries.claimants(conn, wanted.email)
        if taken is None:
            link = proofs.link(settings, "change", proof_id, customer_id)
            await mail.write_letter(
                conn, settings, ROOM, "confirm_new_email", proof_id, wanted.email, "", {"link": link}
            )
        await proofs.issue(conn, settings.secret, undo_id, customer_id, "undo", account.email)
        notice: dict[str, object] = {
            "name": account.name,
            "at": await moments.now(conn),
            "link": proofs.link(settings, "undo", undo_id, customer_id),
        }
        await mail.write_letter(conn, settings, ROOM, "email_changing", undo_id, account.email, account.name, notice)
