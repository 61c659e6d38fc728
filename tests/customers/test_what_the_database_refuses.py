"""What must never be of sessions and mailed proofs, whatever the code above them believes."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from jklg.customers import queries, sessions
from jklg.customers.proofs import actions as proofs
from jklg.kit.db import Database
from jklg.kit.ids import uuid7
from tests.conftest import SECRET


async def asha(db: Database) -> Any:
    """A customer with a session, a link to verify and a link to choose a password."""
    customer_id = uuid7()
    async with db.transaction() as conn:
        await queries.insert(
            conn, customer_id=customer_id, email="asha@example.org", password_hash="-", name="Asha", phone="",
            joined_from="",
        )  # fmt: skip
        await sessions.open_session(
            conn, SECRET, customer_id, address="192.0.2.1", user_agent="", signed_in_by="password"
        )
        await proofs.issue(conn, SECRET, uuid7(), customer_id, "verify", "asha@example.org")
        await proofs.issue(conn, SECRET, uuid7(), customer_id, "reset")
    return customer_id


@pytest.mark.parametrize(
    ("promise", "lie"),
    [
        ("customer_sessions_revoked_or_active", "UPDATE customer_sessions SET is_active = false"),
        ("customer_sessions_revoked_or_active", "UPDATE customer_sessions SET revoked_at = house_now()"),
        ("email_verification_tokens_used_once", "UPDATE email_verification_tokens SET used = true"),
        ("password_reset_tokens_used_once", "UPDATE password_reset_tokens SET used_at = house_now()"),
        ("email_verification_tokens_tries_check", "UPDATE email_verification_tokens SET tries = 6"),
    ],
)
async def test_half_a_truth_is_refused(db: Database, promise: str, lie: str) -> None:
    """Ended and active, used without a moment: whoever reads either column would be right, and let somebody in."""
    await asha(db)
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        async with db.transaction() as conn:
            await conn.execute(lie)
    assert refusal.value.constraint_name == promise
