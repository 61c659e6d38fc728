"""Forgotten, reset, changed.

Who forgets a password is answered at once and in the same way; the database does the same work. Only a proven, active account is
sent a link: an unconfirmed registration can be made anew, and an unknown address gets no mail at all, because anybody could
have typed it.
"""

from __future__ import annotations

from uuid import UUID

from jklg import history, jobs
from jklg.customers import factors, new_passwords, patience, proofs, queries, rules, sessions
from jklg.customers.entering import check_password, tries
from jklg.customers.entering.actions import wrong
from jklg.customers.rights import as_customer
from jklg.customers.sessions.actions import must_be_fresh
from jklg.customers.sessions.rules import Visitor
from jklg.kit import passwords
from jklg.kit.db import Connection, Database
from jklg.kit.errors import Malformed
from jklg.kit.ids import uuid7
from jklg.settings import Settings


async def forgot(db: Database, *, email: str, address: str) -> None:
    """Ask for a link. Raises BadInput (email_invalid), TooMany (too_many_requests) for a network that asks too often.

    The queue holds the customer's id, or nobody's: never the address that was typed. One mailbox gets a few mails an hour; each of
    them works for an hour, so whoever asks for them all takes nothing from the owner.
    """
    email = rules.check_email(email)
    async with db.transaction() as conn:
        allowed = await patience.take(conn, "forgot", email, address)
        verified, _ = await queries.claimants(conn, email)
        if allowed.may_mail:
            await jobs.announce(
                conn,
                "customer.password_forgotten",
                {"customer_id": str(verified.id) if verified else None, "proof_id": str(uuid7())},
            )
    patience.refuse(allowed)


async def reset(db: Database, settings: Settings, *, customer_id: UUID, token: str, new_password: str) -> None:
    """Replace the password through a mailed link. Every session ends, and none is opened; whoever failed to sign in may try again.

    Raises Malformed (reset_invalid), BadInput (what new_passwords.check says), which leaves the link good.
    """
    async with db.transaction() as conn:
        proof = await proofs.find(conn, "reset", customer_id, token)
        account = await queries.get(conn, customer_id)
    if proof is None or account is None or account.status != "active":
        raise _invalid()
    await new_passwords.check(settings, new_password, email=account.email, name=account.name)
    password_hash = await passwords.hash_password(new_password)
    async with db.transaction() as conn:
        account = await queries.get_locked(conn, customer_id)
        if account is None or account.status != "active" or not await proofs.use(conn, "reset", proof.id):
            raise _invalid()
        await queries.set_password(conn, customer_id, password_hash)
        await proofs.use_all(conn, customer_id, "reset", "change")
        await factors.forget_challenges(conn, customer_id)
        await sessions.end_all(conn, customer_id)
        await tries.clear(conn, account.email)
        await history.record(conn, f"customer:{customer_id}", "customer.password_reset", "customer", customer_id)
        await _tell(conn, customer_id, "reset")


async def change_password(
    db: Database, settings: Settings, who: Visitor, *, old_password: str, new_password: str, address: str
) -> None:
    """Change a password that is known. Every other session ends.

    Where a second factor is on, it wants a fresh proof as well. Raises NotSignedIn (not_signed_in), Forbidden
    (email_not_verified, proof_needed), BadInput (what new_passwords.check says), TooMany
    (too_many_tries), NotSignedIn (invalid_credentials).
    """
    known = await factors.list_factors(db, who)
    async with as_customer(db, who) as conn:
        account = await queries.get(conn, who.customer_id)
        if known.methods:
            await must_be_fresh(conn, who)
    assert account is not None, "a session has a customer"
    await new_passwords.check(settings, new_password, email=account.email, name=account.name)
    await check_password(db, who.customer_id, old_password, address)
    password_hash = await passwords.hash_password(new_password)
    async with as_customer(db, who) as conn:
        now = await queries.get_locked(conn, who.customer_id)
        if now is None or now.password_hash != account.password_hash:
            raise wrong()
        await queries.set_password(conn, who.customer_id, password_hash)
        await sessions.end_all(conn, who.customer_id, but=who.session_id)
        await sessions.prove(conn, who)
        await history.record(
            conn, f"customer:{who.customer_id}", "customer.password_changed", "customer", who.customer_id
        )
        await _tell(conn, who.customer_id, "changed")
    async with db.transaction() as conn:
        await proofs.use_all(conn, who.customer_id, "reset")
        await factors.forget_challenges(conn, who.customer_id)


async def _tell(conn: Connection, customer_id: UUID, how: str) -> None:
    news = {"customer_id": str(customer_id), "how": how, "notice_id": str(uuid7())}
    await jobs.announce(conn, "customer.password_changed", news)


def _invalid() -> Malformed:
    return Malformed("reset_invalid", "This link is wrong, used or too old. Please ask for a new one.")
