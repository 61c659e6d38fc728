"""Ask, confirm, undo. Whose an address is, is decided when it is confirmed, by customers_email_verified_once."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from jklg import history, jobs, mail
from jklg.customers import factors, patience, proofs, queries, rules, sessions
from jklg.customers.entering import check_password, tries
from jklg.customers.queries import Customer
from jklg.customers.rights import as_customer
from jklg.customers.sessions.actions import must_be_fresh
from jklg.customers.sessions.rules import Visitor
from jklg.kit.db import Database
from jklg.kit.errors import BadInput, Malformed
from jklg.kit.ids import uuid7
from jklg.settings import Settings

UNDO_DAYS = 7


async def ask(db: Database, settings: Settings, who: Visitor, *, email: str, address: str) -> None:
    """Ask to move. The new mailbox gets a link, the old one a notice with an undo link; a taken address gets no link, and the
    answer is the same.

    Raises BadInput (email_invalid), NotSignedIn (not_signed_in), Forbidden (email_not_verified, proof_needed), BadInput
    (email_unchanged), TooMany (too_many_requests).
    """
    email = rules.check_email(email)
    async with as_customer(db, who) as conn:
        await must_be_fresh(conn, who)
        account = await queries.get(conn, who.customer_id)
    assert account is not None, "a session has a customer"
    if account.email.lower() == email.lower():
        raise BadInput("email_unchanged", "This is your address already.", details={"field": "email"})
    proof_id = uuid7()
    async with db.transaction() as conn:
        allowed = await patience.take(conn, "moving", email, address, who.customer_id)
        if allowed.may_mail:
            await proofs.use_all(conn, who.customer_id, "change")
            await proofs.issue(conn, settings.secret, proof_id, who.customer_id, "change", email)
            await history.record(
                conn, f"customer:{who.customer_id}", "customer.email_change_asked", "customer", who.customer_id
            )
            news = {"customer_id": str(who.customer_id), "proof_id": str(proof_id), "undo_id": str(uuid7())}
            await jobs.announce(conn, "customer.email_change_asked", news)
    patience.refuse(allowed)


async def confirm(
    db: Database,
    *,
    customer_id: UUID,
    token: str,
    address: str,
    password: str | None = None,
    who: Visitor | None = None,
) -> Customer:
    """The link in the new mailbox was followed, and somebody pressed the button: the account moves.

    As with a registration, the link alone may be the work of a mail scanner: a session of the account or its password comes with
    it. Links for a new password that went to the old mailbox end. Raises Malformed (verification_invalid, confirm_with_password),
    what `entering.check_password` raises.
    """
    async with db.transaction() as conn:
        proof = await proofs.find(conn, "change", customer_id, token)
        belongs = who is not None and who.customer_id == customer_id and await sessions.lives(conn, who)
    if proof is None:
        raise _invalid()
    if not belongs:
        if password is None:
            raise Malformed("confirm_with_password", "Please type your password to confirm that it is you.")
        await check_password(db, customer_id, password, address)
    try:
        async with db.transaction() as conn:
            claiming = await queries.lock_address(conn, proof.email, customer_id)
            account = next((each for each in claiming if each.id == customer_id and each.status == "active"), None)
            if account is None or not await proofs.use(conn, "change", proof.id):
                raise _invalid()
            await mail.forget_sent(conn, account.email, rules.KINDS_OF_MAIL)
            customer = await queries.set_email(conn, customer_id, proof.email)
            await proofs.use_all(conn, customer_id, "reset")
            await history.record(conn, f"customer:{customer_id}", "customer.email_changed", "customer", customer_id)
            await jobs.announce(conn, "customer.verified", {"customer_id": str(customer_id)})
            return customer
    except asyncpg.UniqueViolationError as error:  # customers_email_verified_once
        raise _invalid() from error


async def undo(db: Database, settings: Settings, *, customer_id: UUID, token: str) -> None:
    """The owner of the old mailbox says that it was not them: the address comes back, or stays; every session ends; the password is
    void, and the old mailbox gets a link to choose a new one; what was added in these 7 days to sign in with is gone.

    It restores the address that it was mailed to, however often the account has moved since, and ends every other link. Raises Malformed
    (verification_invalid), also when somebody else has proven the address meanwhile.
    """
    try:
        async with db.transaction() as conn:
            proof = await proofs.find(conn, "undo", customer_id, token)
            if proof is None:
                raise _invalid()
            claiming = await queries.lock_address(conn, proof.email, customer_id)
            account = next((each for each in claiming if each.id == customer_id and each.status == "active"), None)
            if account is None or not await proofs.use(conn, "undo", proof.id):
                raise _invalid()
            await proofs.use_all(conn, customer_id, "change", "undo", "reset")
            if account.email.lower() != proof.email.lower():
                await mail.forget_sent(conn, account.email, rules.KINDS_OF_MAIL)
            await queries.set_email(conn, customer_id, proof.email)
            await queries.set_password(conn, customer_id, None)
            await factors.drop_younger(conn, settings, customer_id, UNDO_DAYS)
            await sessions.end_all(conn, customer_id)
            await tries.clear(conn, proof.email)
            await history.record(conn, f"customer:{customer_id}", "customer.email_restored", "customer", customer_id)
            news = {"customer_id": str(customer_id), "proof_id": str(uuid7())}
            await jobs.announce(conn, "customer.password_forgotten", news)
    except asyncpg.UniqueViolationError as error:
        raise _invalid() from error


def _invalid() -> Malformed:
    return Malformed("verification_invalid", "This link or code is wrong, used or too old. Please ask for a new one.")
