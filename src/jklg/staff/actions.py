"""Staff accounts and sessions."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import msgspec

from jklg import history, limits
from jklg.kit import passwords
from jklg.kit.db import SYSTEM, Database
from jklg.kit.errors import Conflict, NotSignedIn, TooMany
from jklg.kit.ids import uuid7
from jklg.kit.tokens import new_token, token_hash
from jklg.staff import queries, rules
from jklg.staff.queries import Person

SESSION_HOURS = 12
KEPT_DAYS = 90
"""How long a session that has ended is still known: it says which networks an account knows (`rules.ANYWHERE`)."""


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh session: the token goes into the cookie and is stored nowhere."""

    person_id: UUID
    token: str


async def add(db: Database, *, email: str, name: str, role: str, password: str) -> UUID:
    """Open an account. BadInput: name_invalid, email_invalid, role_invalid, password_invalid, password_common; Conflict: email_taken."""
    name, email = rules.check_new(name, email, role, password)
    hashed = await passwords.hash_password(password)
    staff_id = uuid7()
    try:
        async with db.transaction() as conn:
            await queries.insert(conn, staff_id=staff_id, name=name, email=email, role=role, password_hash=hashed)
            await history.record(conn, "system", "staff.added", "staff", staff_id, {"role": role})
    except asyncpg.UniqueViolationError as error:
        raise Conflict("email_taken", "Somebody of the staff has this e-mail address already.") from error
    return staff_id


async def sign_in(db: Database, *, email: str, password: str, network: str, user_agent: str) -> SignedIn:
    """Check a password and open a session of 12 hours. `network` is the address of whoever asks.

    Raises TooMany (too_many_tries), Unavailable (busy), NotSignedIn (invalid_credentials). Unknown, wrong and inactive are
    one answer, in the same time. A try is counted, and that is committed, before it is made.
    """
    email = email.replace("\0", "").strip()[:320]
    async with db.transaction() as conn:
        account = await queries.find_by_email(conn, email)
        where = limits.network(network)
        known = account is not None and await queries.was_used_from(conn, account.id, where)
        tries = rules.counted_as(email, where, network_is_known=known)
        wait = await limits.take(conn, tries)
    if wait:
        raise TooMany("too_many_tries", "Too many tries. Please wait a quarter of an hour.", retry_after=wait)
    verdict = await passwords.verify(password, account.password_hash if account else None)
    if not verdict.right or account is None or not account.is_active:
        raise NotSignedIn("invalid_credentials", "E-mail address or password is wrong.")
    token = new_token()
    async with db.transaction() as conn:
        await limits.give_back(conn, tries)
        if verdict.better:
            await queries.set_password_hash(conn, account.id, verdict.better)
        await queries.open_session(
            conn,
            token_hash=token_hash(token),
            staff_id=account.id,
            hours=SESSION_HOURS,
            ip_address=limits.address(network),
            user_agent=user_agent[:500],
        )
        await history.record(conn, f"staff:{account.id}", "staff.signed_in", "staff", account.id)
    return SignedIn(person_id=account.id, token=token)


async def recognise(db: Database, token: str | None) -> Person | None:
    """Who this session token belongs to, as they are today; None when it is nobody's."""
    if not token or len(token) > 200:
        return None
    return await db.together(queries.find_sessions, who=SYSTEM)(token_hash(token))


async def sign_out(db: Database, token: str) -> None:
    """End a session. Boring the second time."""
    async with db.transaction() as conn:
        await queries.end_session(conn, token_hash(token))


async def forget_ended(db: Database) -> int:
    """A sweep: drop sessions that ended more than 90 days ago."""
    async with db.transaction() as conn:
        return await queries.forget_ended(conn, KEPT_DAYS, 500)
