"""What the worker does for customers at large: a failed sign-in is written down, what is over is forgotten."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from jklg import history
from jklg.customers import factors, joining, proofs
from jklg.customers.sessions.actions import forget_ended
from jklg.kit.db import Database


class Office(Protocol):
    """What these need of the house."""

    db: Database


async def note_failed_sign_in(house: Office, news: dict[str, Any]) -> None:
    """customer.sign_in_failed: a line in the history of the account, if there is one.

    It is written here and not at the door, so that a failure takes the door as long for nobody as for somebody.
    """
    if news["customer_id"] is None:
        return
    async with house.db.transaction() as conn:
        await history.record(conn, "guest", "customer.sign_in_failed", "customer", UUID(news["customer_id"]))


async def forget_old_pending(house: Office) -> int:
    return await joining.forget_old_pending(house.db)


async def forget_old_proofs(house: Office) -> int:
    return await proofs.forget_old(house.db)


async def forget_old_challenges(house: Office) -> int:
    return await factors.forget_old(house.db)


async def forget_ended_sessions(house: Office) -> int:
    return await forget_ended(house.db)
