"""Whenever a way in changes, it is in the history, and the owner gets a mail with a link that takes the account back.

Somebody who knows the password can add a second factor, which no reset gets past: this link does (moving.undo), for 7 days.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from uuid import UUID

from jklg import history, mail
from jklg.customers import proofs, queries
from jklg.customers.factors import notice_queries
from jklg.kit.db import Connection
from jklg.kit.ids import uuid7
from jklg.kit.languages import N_
from jklg.settings import Settings

ROOM = Path(__file__).parent

Change = Literal[
    "totp_added", "totp_removed", "passkey_added", "passkey_removed", "recovery_codes_made", "recovery_codes_removed",
    "recovery_code_used", "password_dropped", "second_factor_failed", "factors_dropped",
]  # fmt: skip
_SENTENCES: dict[Change, str] = {
    "totp_added": N_("An authenticator app was added. From now on your password alone does not open your account."),
    "totp_removed": N_("The authenticator app was removed."),
    "passkey_added": N_("A passkey was added. Whoever holds it can sign in."),
    "passkey_removed": N_("A passkey was removed."),
    "recovery_codes_made": N_("New recovery codes were made. Older ones do not work any more."),
    "recovery_codes_removed": N_("The recovery codes were removed."),
    "recovery_code_used": N_("A recovery code was used. It will not work again."),
    "password_dropped": N_("The password was removed. Passkeys are now the way in."),
    "factors_dropped": N_(
        "Passkeys, authenticator app and recovery codes that were added lately are gone, because you told us about a stranger."
    ),
    "second_factor_failed": N_("Somebody knew your password and then gave five wrong answers to the second question."),
}


async def tell(
    conn: Connection, settings: Settings, customer_id: UUID, change: Change, detail: dict[str, str] | None = None
) -> None:
    """One line in the history, one mail, in the database transaction of the change. `detail` holds ids only."""
    actor = "guest" if change == "second_factor_failed" else f"customer:{customer_id}"
    await history.record(conn, actor, f"customer.{change}", "customer", customer_id, detail or {})
    account = await queries.get(conn, customer_id)
    if account is None or not account.email:
        return
    undo_id = uuid7()
    await proofs.issue(conn, settings.secret, undo_id, customer_id, "undo", account.email)
    await mail.write_letter(
        conn,
        settings,
        ROOM,
        "factor_changed",
        undo_id,
        account.email,
        account.name,
        {
            "name": account.name,
            "at": await notice_queries.now(conn),
            "sentence": _SENTENCES[change],
            "was_tried": change == "second_factor_failed",
            "forgot_url": f"{settings.public_url}/forgot-password",
            "undo_link": proofs.link(settings, "undo", undo_id, customer_id),
        },
    )
