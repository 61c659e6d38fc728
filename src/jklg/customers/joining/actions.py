"""Register, verify, send the verification again.

A stranger learns nothing here: a registration always costs one hash and the same rows, and always gets the same answer.
Whether the mail then says "confirm your address" or "you have an account already" the worker finds out, and only the
mailbox's owner reads it. Nobody's address goes into the queue: the news holds ids.
"""

from __future__ import annotations

from uuid import UUID

import asyncpg
import msgspec

from jklg import history, jobs, limits
from jklg.customers import new_passwords, patience, proofs, queries, rules, sessions
from jklg.customers.entering import check_password
from jklg.customers.queries import Account, Customer
from jklg.customers.sessions.rules import Visitor
from jklg.kit import passwords
from jklg.kit.db import Connection, Database
from jklg.kit.errors import BadInput, Malformed
from jklg.kit.ids import uuid7
from jklg.settings import Settings

PENDING_DAYS = 30
"""A registration that nobody confirms is forgotten after so long."""


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """A pending account. The token reaches that account alone, and nothing but its own data until the mailbox is proven."""

    customer_id: UUID
    token: str


async def register(
    db: Database,
    settings: Settings,
    *,
    email: str,
    password: str,
    name: str,
    phone: str = "",
    address: str,
    user_agent: str,
) -> Registered:
    """Open a pending account. `address` is the network address of whoever asks.

    Raises BadInput (name_invalid, email_invalid, phone_invalid, what new_passwords.check says), TooMany
    (too_many_requests) when this network registers too often. One mailbox gets a few mails an hour, whoever asks; beyond that
    the answer is the same and no mail is sent.
    """
    name, email, phone = rules.check_name(name), rules.check_email(email), rules.check_phone(phone)
    await new_passwords.check(settings, password, email=email, name=name)
    async with db.transaction() as conn:
        allowed = await patience.take(conn, "verify", email, address)
    patience.refuse(allowed)
    password_hash = await passwords.hash_password(password)
    customer_id = uuid7()
    async with db.transaction() as conn:
        await queries.insert(
            conn,
            customer_id=customer_id,
            email=email,
            password_hash=password_hash,
            name=name,
            phone=phone,
            joined_from=limits.network(address),
        )
        opened = await sessions.open_session(
            conn, settings.secret, customer_id, address=address, user_agent=user_agent, signed_in_by="registration"
        )
        await history.record(conn, f"customer:{customer_id}", "customer.registered", "customer", customer_id)
        if allowed.may_mail:
            await jobs.announce(
                conn, "customer.registered", {"customer_id": str(customer_id), "proof_id": str(uuid7())}
            )
    return Registered(customer_id=customer_id, token=opened.token)


async def resend(db: Database, *, email: str, address: str, who: Visitor | None) -> None:
    """Send the verification once more, if there is anything to verify. The same work and no answer in every case.

    Of several registrations with one address it is that of `who`, the registration's own token, else the newest. Raises BadInput
    (email_invalid), TooMany (too_many_requests).
    """
    email = rules.check_email(email)
    async with db.transaction() as conn:
        allowed = await patience.take(conn, "verify", email, address)
        own = await queries.get(conn, who.customer_id if who else uuid7())
        _, pending = await queries.claimants(conn, email)
        if own is not None and own.status == "pending" and own.email.lower() == email.lower():
            pending = own
        if allowed.may_mail:
            await jobs.announce(
                conn,
                "customer.verification_wanted",
                {"customer_id": str(pending.id) if pending else None, "proof_id": str(uuid7())},
            )
    patience.refuse(allowed)


async def verify(
    db: Database,
    *,
    customer_id: UUID,
    token: str,
    address: str,
    password: str | None = None,
    who: Visitor | None = None,
) -> Customer:
    """A link was followed, and somebody pressed the button: the account becomes active.

    The link alone is not enough, because mail scanners follow links: Mallory could register Asha's address and let the scanner of
    Asha's employer do the rest. So it must come together with the token of a registration of that mailbox (`who`), the password
    of the link's own registration, or its network. A link proves a mailbox: whoever comes with a registration of that mailbox
    confirms that one, so that Asha may open any of the mails that she finds, also those that Mallory has caused. Raises Malformed
    (verification_invalid; confirm_with_password, which leaves the link good), what `entering.check_password` raises.
    """
    async with db.transaction() as conn:
        proof = await proofs.find(conn, "verify", customer_id, token)
        account = await queries.get(conn, customer_id)
        own = await _own_claim(conn, who, proof.email) if proof is not None else None
    if proof is None or account is None:
        raise _invalid()
    if own is None and password is not None:
        await check_password(db, customer_id, password, address)
    elif own is None and not _same_network(account, address):
        raise _confirm_with_password()
    return await _verify(db, proof, own or customer_id)


async def verify_by_code(
    db: Database,
    settings: Settings,
    *,
    email: str,
    code: str,
    address: str,
    password: str | None = None,
    who: Visitor | None = None,
) -> Customer:
    """A code was typed from the mail: the account becomes active. A person typed it, so nothing else is asked for.

    Nothing else, unless the mailbox has several registrations: Asha could type the code of the one that Mallory made, and hand
    her mailbox to Mallory's password. Then it is as with a link. Five tries at each code, and few from one network. Raises
    TooMany (too_many_requests), Malformed (verification_invalid, confirm_with_password), what `entering.check_password` raises.
    """
    account = own = None
    rivals = 0
    async with db.transaction() as conn:
        allowed = await patience.take_code(conn, address)
        proof = await proofs.find_by_code(conn, settings.secrets, email, code) if not allowed.wait else None
        if proof is not None:
            account = await queries.get(conn, proof.customer_id)
            own = await _own_claim(conn, who, proof.email)
            rivals = await queries.count_pending(conn, proof.email) - 1
    patience.refuse(allowed)
    if proof is None or account is None:
        raise _invalid()
    if own is None and rivals > 0:
        if password is not None:
            await check_password(db, account.id, password, address)
        elif not _same_network(account, address):
            raise _confirm_with_password()
    return await _verify(db, proof, own or account.id)


async def _own_claim(conn: Connection, who: Visitor | None, email: str) -> UUID | None:
    """The registration of this mailbox that a living session of a visitor reaches."""
    if who is None or not await sessions.lives(conn, who):
        return None
    account = await queries.get(conn, who.customer_id)
    claims_it = account is not None and account.status == "pending" and account.email.lower() == email.lower()
    return who.customer_id if claims_it else None


def _same_network(account: Account, address: str) -> bool:
    return account.joined_from != "" and account.joined_from == limits.network(address)


async def _verify(db: Database, proof: proofs.Proof, customer_id: UUID) -> Customer:
    """Use the proof up, once, for a registration of its mailbox; the other claims to the address are void now and go, with what
    hangs on them.

    All who claim the address are locked first, in one order, so that two of them cannot wait for each other.
    """
    try:
        async with db.transaction() as conn:
            claiming = await queries.lock_address(conn, proof.email, customer_id)
            if not await proofs.use(conn, "verify", proof.id):
                raise _invalid()
            customer = await queries.verify(conn, customer_id)
            if customer is None or customer.email.lower() != proof.email.lower():
                raise _invalid()
            await proofs.use_all(conn, customer.id, "verify")
            await _drop(conn, [other.id for other in claiming if other.id != customer.id and other.status == "pending"])
            await history.record(conn, f"customer:{customer.id}", "customer.verified", "customer", customer.id)
            await jobs.announce(conn, "customer.verified", {"customer_id": str(customer.id)})
            return customer
    except (
        asyncpg.UniqueViolationError
    ) as error:  # customers_email_verified_once: another account has proven the address
        raise _invalid() from error


async def _drop(conn: Connection, customer_ids: list[UUID]) -> None:
    await proofs.drop_all(conn, customer_ids)
    await sessions.drop_all(conn, customer_ids)
    await queries.delete_pending(conn, customer_ids)


async def forget_old_pending(db: Database) -> int:
    """A sweep: drop registrations that nobody has confirmed for 30 days, with what hangs on them."""
    async with db.transaction() as conn:
        old = await queries.lock_old_pending(conn, PENDING_DAYS, 100)
        await _drop(conn, old)
    return len(old)


def _invalid() -> Malformed:
    return Malformed("verification_invalid", "This link or code is wrong, used or too old. Please ask for a new one.")


def _confirm_with_password() -> Malformed:
    return Malformed("confirm_with_password", "Please type the password of your new account to confirm that it is you.")


def missing_proof() -> BadInput:
    """Neither the link's two parts nor the code's."""
    return BadInput("proof_missing", "Send customerId and token, or email and code.")
