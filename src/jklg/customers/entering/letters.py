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
    subject, text, html = mail.render(
        ROOM,
        "new_device",
        {
            "agency_name": settings.agency_name,
            "name": customer.name,
            "at": await queries.now(conn),
            "device": device(user_agent),
            "forgot_url": f"{settings.public_url}/forgot-password",
        },
    )
    await mail.write(
        conn,
        kind="new_device",
        once_key=f"new_device:{session_id}",
        to_address=customer.email,
        to_name=customer.name,
        subject=subject,
        text=text,
        html=html,
    )
