"""What the worker does for recovery: the link, and the notice that a password was changed. Each may run twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from jklg import mail
from jklg.customers import proofs, queries
from jklg.customers.queries import Account
from jklg.customers.recovery import queries as moments
from jklg.kit.db import Connection, Database
from jklg.settings import Settings

ROOM = Path(__file__).parent


class Office(Protocol):
    """What writing a mail needs of the house."""

    settings: Settings
    db: Database


async def mail_reset(house: Office, news: dict[str, Any]) -> None:
    """customer.password_forgotten: the link, to an active account. The news carries the proof's id: a second run writes nothing new."""
    if news["customer_id"] is None:
        return
    proof_id = UUID(news["proof_id"])
    async with house.db.transaction() as conn:
        account = await queries.get(conn, UUID(news["customer_id"]))
        if account is None or account.status != "active":
            return
        await proofs.issue(conn, house.settings.secret, proof_id, account.id, "reset")
        link = proofs.link(house.settings, "reset", proof_id, account.id)
        await _write(conn, house.settings, "password_reset", proof_id, account, {"link": link})


async def mail_changed(house: Office, news: dict[str, Any]) -> None:
    """customer.password_changed: the owner is told, whoever did it."""
    async with house.db.transaction() as conn:
        account = await queries.get(conn, UUID(news["customer_id"]))
        if account is None or account.status == "deleted":
            return
        more: dict[str, object] = {
            "at": await moments.now(conn),
            "was_reset": news["how"] == "reset",
            "forgot_url": f"{house.settings.public_url}/forgot-password",
        }
        await _write(conn, house.settings, "password_changed", UUID(news["notice_id"]), account, more)


async def _write(
    conn: Connection, settings: Settings, kind: str, once: UUID, account: Account, more: dict[str, object]
) -> None:
    context = {"name": account.name, **more}
    await mail.write_letter(conn, settings, ROOM, kind, once, account.email, account.name, context)
