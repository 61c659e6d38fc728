"""Staff accounts and sessions. Passwords are argon2id (19 MiB, t=2, p=1), hashed in threads so that nobody else waits."""

from __future__ import annotations

import asyncio
from functools import cache
from uuid import UUID

import asyncpg
import msgspec
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from jklg import history
from jklg.kit.db import Database
from jklg.kit.errors import Conflict, NotSignedIn, TooMany
from jklg.kit.ids import uuid7
from jklg.kit.tokens import new_token, token_hash
from jklg.staff import queries, rules
from jklg.staff.queries import Person

SESSION_HOURS = 12

_hasher = PasswordHash((Argon2Hasher(memory_cost=19456, time_cost=2, parallelism=1),))
_hashing = asyncio.Semaphore(2)


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh session: the token goes into the cookie and is stored nowhere."""

    person_id: UUID
    token: str


async def add(db: Database, *, email: str, name: str, role: str, password: str) -> UUID:
    """Open an account. BadInput: name_invalid, email_invalid, role_invalid, password_invalid; Conflict: email_taken."""
    name, email = rules.check_new(name, email, role, password)
    hashed = await asyncio.to_thread(_hasher.hash, password)
    staff_id = uuid7()
    try:
        async with db.transaction() as conn:
            await queries.insert(conn, staff_id=staff_id, name=name, email=email, role=role, password_hash=hashed)
            await history.record(conn, "system", "staff.added", "staff", staff_id, {"role": role})
    except asyncpg.UniqueViolationError as error:
        raise Conflict("email_taken", "Somebody of the staff has this e-mail address already.") from error
    return staff_id


async def sign_in(db: Database, *, email: str, password: str, network: str, user_agent: str) -> SignedIn:
    """Check a password and open a session of 12 hours.

    Raises TooMany (too_many_tries), NotSignedIn (invalid_credentials). Unknown, wrong and inactive are one answer, in
    the same time. Tries are counted for the account *from this network*, so a stranger elsewhere cannot lock its owner out.
    """
    subjects = [f"{email.strip().lower()[:320]} {network}", network]
    async with db.transaction() as conn:
        of_account = await queries.count_failures(conn, subjects[0])
        of_network = await queries.count_failures(conn, subjects[1])
        account = await queries.find_by_email(conn, email.strip()[:320])
    if of_account >= rules.MAX_FAILURES or of_network >= rules.MAX_FAILURES_OF_NETWORK:
        raise TooMany("too_many_tries", "Too many tries. Please wait a quarter of an hour.")
    right, upgraded = await _verify(password, account.password_hash if account else _nobodys_hash())
    if not right or account is None or not account.is_active:
        async with db.transaction() as conn:
            await queries.add_failures(conn, subjects)
        raise NotSignedIn("invalid_credentials", "E-mail address or password is wrong.")
    token = new_token()
    async with db.transaction() as conn:
        if upgraded:
            await queries.set_password_hash(conn, account.id, upgraded)
        await queries.open_session(
            conn,
            token_hash=token_hash(token),
            staff_id=account.id,
            hours=SESSION_HOURS,
            ip_address=network,
            user_agent=user_agent[:500],
        )
        await history.record(conn, f"staff:{account.id}", "staff.signed_in", "staff", account.id, {"network": network})
    return SignedIn(person_id=account.id, token=token)


async def _verify(password: str, hashed: str) -> tuple[bool, str | None]:
    """(right, a better hash to keep). At most two at a time, in threads."""
    if len(password) > 128:
        password = ""
    async with _hashing:
        return await asyncio.to_thread(_hasher.verify_and_update, password, hashed)


@cache
def _nobodys_hash() -> str:
    """Checked when there is no such account, so that the answer takes as long."""
    return _hasher.hash(new_token())


async def recognise(db: Database, token: str | None) -> Person | None:
    """Who this session token belongs to, as they are today; None when it is nobody's."""
    if not token or len(token) > 200:
        return None
    async with db.transaction() as conn:
        return await queries.find_session(conn, token_hash(token))


async def sign_out(db: Database, token: str) -> None:
    """End a session. Boring the second time."""
    async with db.transaction() as conn:
        await queries.close_session(conn, token_hash(token))
