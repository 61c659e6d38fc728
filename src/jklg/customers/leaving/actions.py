"""Export what we hold, erase who it was.

Bookings and payments stand above this room, so they hand in their part at the top (app.EXPORTS, app.PARTINGS): a listener to news
could not do it, because news holds ids only, and after the erasure nobody knows which guest bookings were made with this mailbox.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from jklg import history, mail
from jklg.customers import factors, profile, proofs, queries, sessions
from jklg.customers.entering import check_password
from jklg.customers.leaving import queries as leaving_queries
from jklg.customers.queries import Account
from jklg.customers.rights import as_customer
from jklg.customers.rules import KINDS_OF_MAIL
from jklg.customers.sessions import Visitor
from jklg.customers.sessions.actions import must_be_fresh
from jklg.kit.db import Connection, Database
from jklg.kit.errors import BadInput, NotSignedIn
from jklg.settings import Settings

Export = Callable[[Connection, UUID], Awaitable[object]]
"""What a room above holds on a customer."""
Parting = Callable[[Connection, UUID, str | None], Awaitable[None]]
"""What a room above does when a customer leaves, in the database transaction of the erasure: (conn, customer, proven address)."""

ROOM = Path(__file__).parent


async def export(db: Database, who: Visitor, exports: Mapping[str, Export]) -> dict[str, Any]:
    """Everything we hold on the visitor, as one document. Secrets are not in it: hashes, keys, codes.

    Raises NotSignedIn (not_signed_in), Forbidden (email_not_verified, proof_needed): it wants a fresh proof.
    """
    async with as_customer(db, who) as conn:
        await must_be_fresh(conn, who)
        active = await sessions.list_active(conn, who.customer_id)
    found: dict[str, Any] = {
        "profile": await profile.get(db, who),
        "addresses": await profile.list_addresses(db, who),
        "preferences": await profile.list_preferences(db, who),
        "sessions": active,
        "second_factors": await factors.list_factors(db, who),
    }
    async with db.transaction() as conn:
        for name, part in exports.items():
            found[name] = await part(conn, who.customer_id)
        found["mails"] = [
            {"kind": each.kind, "to": each.to_address, "subject": each.subject, "text": each.text_body, "state": each.state,
             "written_at": each.created_at, "sent_at": each.sent_at}
            for each in await mail.list_of_address(conn, found["profile"].email)
        ]  # fmt: skip
        found["history"] = await history.of(conn, who.customer_id)
    return found


async def erase(
    db: Database,
    settings: Settings,
    who: Visitor,
    *,
    password: str | None,
    fresh_proof: bool,
    address: str,
    partings: Sequence[Parting],
) -> None:
    """Erase the person at once: the account is a tombstone, what hung on it is gone. Trips to come are still flown, and forgotten then.

    With the password, or with `fresh_proof` when they have just proven who they are in this session; where a second factor is on,
    with a fresh proof in either case. Raises NotSignedIn
    (not_signed_in), BadInput (password_missing), Forbidden (proof_needed), what `entering.check_password` raises.
    """
    async with db.transaction() as conn:
        second_factor = await factors.methods(conn, who.customer_id)
    async with as_customer(db, who, pending_too=True) as conn:
        if password is None and not fresh_proof:
            raise BadInput(
                "password_missing", "Please send your password to delete your account.", details={"field": "password"}
            )
        if password is None or second_factor:
            await must_be_fresh(conn, who)
    if password is not None:
        await check_password(db, who.customer_id, password, address)
    async with db.transaction() as conn:
        account = await queries.get_locked(conn, who.customer_id)
        if account is None or account.status == "deleted":
            raise NotSignedIn("not_signed_in", "Please sign in first.")
        await _erase(conn, settings, account, partings)


async def _erase(conn: Connection, settings: Settings, account: Account, partings: Sequence[Parting]) -> None:
    """The customer's row is locked. Mails go first, because the last one is written after them."""
    proven = account.email if account.is_email_verified else None
    for part in partings:
        await part(conn, account.id, proven)
    about = await leaving_queries.list_reasons_to_write(conn, account.id)
    await mail.forget(conn, [f"{kind}:{reason}" for reason in about for kind in KINDS_OF_MAIL])
    if proven is not None:
        await mail.forget_address(conn, proven)
        await _say_goodbye(conn, settings, account)
    await sessions.drop_all(conn, [account.id])
    await proofs.drop_all(conn, [account.id])
    await factors.drop_all(conn, [account.id])
    await profile.drop(conn, account.id)
    await queries.erase(conn, account.id)
    await history.record(conn, f"customer:{account.id}", "customer.erased", "customer", account.id)


async def _say_goodbye(conn: Connection, settings: Settings, account: Account) -> None:
    await mail.write_letter(
        conn, settings, ROOM, "goodbye", account.id, account.email, account.name,
        {"name": account.name, "contact_url": settings.public_url}, erase_when_sent=True,
    )  # fmt: skip


def as_document(found: Mapping[str, Any]) -> bytes:
    """The export as JSON that people can read as well."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2)
