"""Half-done sign-ins and passkey ceremonies: a token goes to the browser, comes back once, soon, for the same purpose, or never."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from jklg.customers.factors import challenge_queries
from jklg.customers.factors.challenge_queries import Challenge
from jklg.kit.db import Connection, Database
from jklg.kit.ids import uuid7
from jklg.kit.tokens import new_token, token_hash

Purpose = Literal["second_factor", "add_passkey", "passkey_sign_in", "passkey_proof"]
SECOND_FACTOR_MINUTES = 10
PASSKEY_MINUTES = 5
TRIES = 5
"""At one second factor; then the password must be given again."""


async def begin(conn: Connection, purpose: Purpose, customer_id: UUID | None, challenge: bytes | None = None) -> str:
    """A token for the browser; only its hash is kept. 10 minutes for a second factor, 5 for a passkey."""
    token = new_token()
    minutes = SECOND_FACTOR_MINUTES if purpose == "second_factor" else PASSKEY_MINUTES
    await challenge_queries.insert(conn, uuid7(), customer_id, purpose, token_hash(token), challenge, minutes)
    return token


async def ask_passkey(conn: Connection, token: str, challenge: bytes) -> UUID | None:
    """Let a second factor be answered by passkey too. Answers whose it is; None when the token is over."""
    return await challenge_queries.ask_passkey(conn, _hash(token), challenge, TRIES)


async def count_try(conn: Connection, token: str) -> Challenge | None:
    """Count a try at a second factor, before it is made. Commit it whatever comes of it. None when the token is over."""
    return await challenge_queries.count_try(conn, _hash(token), TRIES)


async def finish(conn: Connection, challenge_id: UUID) -> bool:
    """Use a second factor's token up. False for all but the first; others wait until the caller's database transaction ends."""
    return await challenge_queries.delete(conn, challenge_id)


async def take(conn: Connection, purpose: Purpose, customer_id: UUID | None, token: str) -> bytes | None:
    """What was asked of a passkey, once. None when it was for another purpose, for somebody else, used or over."""
    return await challenge_queries.take(conn, purpose, customer_id, _hash(token))


async def forget_challenges(conn: Connection, customer_id: UUID) -> None:
    """Nothing that was begun with the password of before can be finished."""
    await challenge_queries.delete_of(conn, [customer_id])


async def forget_all(conn: Connection, customer_ids: list[UUID]) -> None:
    """The same for accounts that go away."""
    await challenge_queries.delete_of(conn, customer_ids)


async def forget_old(db: Database) -> int:
    """A sweep: drop what is over."""
    async with db.transaction() as conn:
        return await challenge_queries.delete_old(conn, 500)


def _hash(token: str) -> bytes:
    return token_hash(token.encode(errors="replace").decode())
