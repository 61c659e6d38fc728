"""The second step of a sign-in: the password was right, now the telephone, a passkey or a sheet of paper.

Whoever stands here knows the password. A stranger cannot come so far, so none can use up the owner's tries.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from jklg import history, limits
from jklg.customers import queries
from jklg.customers.factors import (
    ceremonies,
    challenges,
    notices,
    passkey_queries,
    passkeys,
    recovery_code_queries,
    recovery_codes,
    rules,
    totp,
    totp_queries,
)
from jklg.customers.factors.challenge_queries import Challenge
from jklg.customers.factors.passkeys import Verdict
from jklg.kit.db import Connection, Database
from jklg.kit.errors import NotSignedIn, TooMany
from jklg.limits import Limit
from jklg.settings import Settings

GUESSES = Limit("totp_guesses", 20, 3600)
"""Wrong codes of six digits at one account, from everywhere together: a guess is right three times in a million. Recovery codes and
passkeys cannot be guessed and stay open, so that the owner comes in even while somebody with their password is guessing."""
LETTERS = Limit("second_factor_letters", 3, 24 * 3600)
"""Mails about such guessing."""


async def methods(conn: Connection, customer_id: UUID) -> list[str]:
    """What must follow a right password: [] when nothing; else some of 'totp', 'recovery_code', 'passkey'."""
    made, left = await recovery_code_queries.count(conn, customer_id)
    return rules.ways(
        totp=await totp_queries.confirmed_at(conn, customer_id) is not None,
        passkeys=await passkey_queries.count(conn, customer_id),
        codes=made,
        codes_left=left,
    )


async def begin_second_factor(conn: Connection, customer_id: UUID) -> str:
    """A token that says: the password was right. 10 minutes, five tries, one sign-in. Only its hash is kept."""
    return await challenges.begin(conn, "second_factor", customer_id)


async def second_factor_options(db: Database, settings: Settings, mfa_token: str) -> dict[str, Any]:
    """What `navigator.credentials.get` needs to answer with a passkey. NotSignedIn (second_factor_expired)."""
    challenge = ceremonies.new_challenge()
    async with db.transaction() as conn:
        customer_id = await challenges.ask_passkey(conn, mfa_token, challenge)
        if customer_id is None:
            raise expired()
        return ceremonies.options_to_sign(settings, await passkey_queries.list_of(conn, customer_id), challenge)


async def answer_second_factor(
    db: Database, settings: Settings, mfa_token: str, method: str, answer: str | dict[str, Any]
) -> tuple[UUID, str | None]:
    """Whose second factor was answered, and the hash of their password at that moment: what opens the session goes on only while it
    is the same, for a reset in between ends what was begun before it. `answer` is a code, or a credential for 'passkey'.

    The try is counted, in a database transaction of its own, before it is made. Of many right answers to one token one signs in.
    Raises NotSignedIn (second_factor_expired), TooMany (too_many_tries), NotSignedIn (second_factor_wrong).
    """
    async with db.transaction() as conn:
        asked = await challenges.count_try(conn, mfa_token)
        guess = [(GUESSES, str(asked.customer_id))] if asked is not None and method == "totp" else []
        wait = await limits.take(conn, guess) if guess else 0
    if asked is None or asked.customer_id is None:
        raise expired()
    if wait:
        raise TooMany(
            "too_many_tries",
            "Too many wrong codes. Please wait an hour, or use a recovery code or a passkey.",
            retry_after=wait,
        )
    verdict = Verdict()
    try:
        async with db.transaction() as conn:
            if not await challenges.finish(conn, asked.id):
                raise expired()
            verdict = await _check(conn, settings, asked, asked.customer_id, method, answer)
            if verdict.customer_id is None:
                raise wrong()
            if guess:
                await limits.give_back(conn, guess)
            account = await queries.get(conn, verdict.customer_id)
            return verdict.customer_id, account.password_hash if account else None
    except NotSignedIn as refusal:
        if refusal.code == "second_factor_wrong":
            await _note_wrong(db, settings, asked.customer_id, last=asked.tries >= challenges.TRIES)
            await passkeys.note_doubled(db, verdict)
        raise


async def _check(
    conn: Connection,
    settings: Settings,
    asked: Challenge,
    customer_id: UUID,
    method: str,
    answer: str | dict[str, Any],
) -> Verdict:
    if isinstance(answer, dict):
        if method != "passkey":
            return Verdict()
        return await passkeys.check(conn, settings, answer, asked.challenge, of=customer_id)
    if method == "totp":
        right = await totp.use(conn, settings, customer_id, answer)
    elif method == "recovery_code":
        right = await _use_recovery_code(conn, settings, customer_id, answer)
    else:
        right = False
    return Verdict(customer_id if right else None)


async def check_code(conn: Connection, settings: Settings, customer_id: UUID, code: str) -> bool:
    """Whether this is an unused code of the customer's app, or a recovery code. It is used up when the caller commits.

    The caller counts the tries.
    """
    return await totp.use(conn, settings, customer_id, code) or await _use_recovery_code(
        conn, settings, customer_id, code
    )


async def _use_recovery_code(conn: Connection, settings: Settings, customer_id: UUID, code: str) -> bool:
    used = await recovery_codes.use(conn, customer_id, code)
    if used:
        await notices.tell(conn, settings, customer_id, "recovery_code_used")
    return used


async def _note_wrong(db: Database, settings: Settings, customer_id: UUID, *, last: bool) -> None:
    """Whoever used up five tries knows the password: the owner gets a mail, but not as many as somebody likes."""
    async with db.transaction() as conn:
        await history.record(conn, "guest", "customer.second_factor_wrong", "customer", customer_id)
        if last and not await limits.take(conn, [(LETTERS, str(customer_id))]):
            await notices.tell(conn, settings, customer_id, "second_factor_failed")


def wrong() -> NotSignedIn:
    return NotSignedIn("second_factor_wrong", "This is not right. A code works only once, and only for a short time.")


def expired() -> NotSignedIn:
    """The one answer to a second step that is over, used up, or that a reset has ended."""
    return NotSignedIn("second_factor_expired", "That took too long, or too many tries. Please sign in again.")
