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
    async with _hashing:
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
    """Check a password and open a session of 12 hours. `network` is the address of whoever asks.

    Raises TooMany (too_many_tries), NotSignedIn (invalid_credentials). Unknown, wrong and inactive are one answer, in
    the same time. Tries are counted for the account *from this network*, so a stranger elsewhere cannot lock its owner
    out; and they are counted before they are made, so that a hundred at once are not all the first.
    """
    email = email.replace("\0", "").strip()[:320]
    subjects = rules.counted_as(email, network)
    async with db.transaction() as conn:
        tried_at = await queries.note_try(conn, list(subjects))
    async with db.transaction() as conn:
        tries = await queries.count_tries(conn, list(subjects))
        account = await queries.find_by_email(conn, email)
        too_many = tries[subjects.account] > rules.MAX_TRIES or tries[subjects.network] > rules.MAX_TRIES_OF_NETWORK
        if too_many:
            await queries.forget_try(conn, list(subjects), tried_at)
    if too_many:
        raise TooMany("too_many_tries", "Too many tries. Please wait a quarter of an hour.")
    right, upgraded = await _verify(password, account)
    if not right or account is None or not account.is_active:
        raise NotSignedIn("invalid_credentials", "E-mail address or password is wrong.")
    token = new_token()
    async with db.transaction() as conn:
        await queries.forget_try(conn, [subjects.network], tried_at)
        await queries.forget_tries(conn, subjects.account)
        if upgraded:
            await queries.set_password_hash(conn, account.id, upgraded)
        await queries.open_session(
            conn,
            token_hash=token_hash(token),
            staff_id=account.id,
            hours=SESSION_HOURS,
            ip_address=rules.address(network),
            user_agent=user_agent[:500],
        )
        await history.record(conn, f"staff:{account.id}", "staff.signed_in", "staff", account.id)
    return SignedIn(person_id=account.id, token=token)


async def _verify(password: str, account: queries.Account | None) -> tuple[bool, str | None]:
    """(right, a better hash to keep). Without an account a hash of nobody's is checked, so that the answer takes as long."""
    if len(password) > 128:
        password = ""
    async with _hashing:
        hashed = account.password_hash if account else await asyncio.to_thread(_nobodys_hash)
        return await asyncio.to_thread(_hasher.verify_and_update, password, hashed)


@cache
def _nobodys_hash() -> str:
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
