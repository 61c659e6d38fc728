"""The mail of entering: somebody signed in with a device that this account was never used on."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from jklg import mail
from jklg.customers.entering import queries
from jklg.customers.queries import Customer
from jklg.customers.sessions.rules import device
from jklg.kit.db import Connection
from jklg.settings import Settings

ROOM = Path(__file__).parent


async def new_device(
    conn: Connection, settings: Settings, customer: Customer, session_id: UUID, user_agent: str
) -> None:
    """Once for a session. The network address stays in the session's row: a mail is kept longer than it should be."""
    await mail.write_letter(
        conn,
        settings,
        ROOM,
        "new_device",
        session_id,
        customer.email,
        customer.name,
        {
            "name": customer.name,
            "at": await queries.now(conn),
            "device": device(user_agent),
            "forgot_url": f"{settings.public_url}/forgot-password",
        },
    )
