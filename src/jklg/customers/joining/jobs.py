"""What the worker does for joining: the mail that a registration brings. Each may run twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from jklg import mail
from jklg.customers import proofs, queries
from jklg.customers.queries import Account
from jklg.kit.db import Connection, Database
from jklg.settings import Settings

ROOM = Path(__file__).parent


class Office(Protocol):
    """What writing a mail needs of the house."""

    settings: Settings
    db: Database


async def mail_verification(house: Office, news: dict[str, Any]) -> None:
    """customer.registered, customer.verification_wanted: the link and the code; to an address that has an account already, that
    it has one. The news carries the id of the proof, so that a second run writes nothing new."""
    if news["customer_id"] is None:
        return
    proof_id = UUID(news["proof_id"])
    async with house.db.transaction() as conn:
        pending = await queries.get(conn, UUID(news["customer_id"]))
        if pending is None or pending.status != "pending":
            return
        verified, _ = await queries.claimants(conn, pending.email)
        if verified is None:
            await _verification(conn, house.settings, pending, proof_id)
        else:
            await _already(conn, house.settings, verified, proof_id)


async def _verification(conn: Connection, settings: Settings, pending: Account, proof_id: UUID) -> None:
    """Nobody is called by the name that was typed: a stranger could mail any words to any mailbox."""
    await proofs.issue(conn, settings.secret, proof_id, pending.id, "verify", pending.email)
    await mail.write_letter(
        conn,
        settings,
        ROOM,
        "verify_email",
        proof_id,
        pending.email,
        "",
        {
            "link": proofs.link(settings, "verify", proof_id, pending.id),
            "code": proofs.code_of(settings, "verify", proof_id),
        },
    )


async def _already(conn: Connection, settings: Settings, verified: Account, proof_id: UUID) -> None:
    await mail.write_letter(
        conn,
        settings,
        ROOM,
        "already_have_account",
        proof_id,
        verified.email,
        verified.name,
        {
            "name": verified.name,
            "sign_in_url": f"{settings.public_url}/login",
            "forgot_url": f"{settings.public_url}/forgot-password",
        },
    )
