"""Answers kept for requests that carry an Idempotency-Key, so that a double click or a retry has one effect (payments.md 1.5).

The first try claims the key and the id it will use; a later try with the same body gets the same answer, byte for byte,
and after a crash, or when the database's answer was lost, resumes with the same id. What was done is kept; a refusal is not,
so that a corrected body may reuse the key, and neither is what nobody knows yet (docs/decisions/34).
"""

from __future__ import annotations

import hashlib
from uuid import UUID

import msgspec

from jklg.kit.db import Connection, Database
from jklg.kit.errors import BadInput, InProgress, Malformed, Refusal
from jklg.kit.ids import uuid7
from jklg.web import queries

LEASE_SECONDS = 60


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """This request is the one to do the work, under `resource_id`; or about it, where the caller named it."""

    resource_id: UUID


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The work was done before; this was the answer."""

    status: int
    body: bytes


def fingerprint(method: str, path: str, query: bytes, body: bytes) -> bytes:
    """What makes two requests the same request."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), query, body))).digest()


async def claim(db: Database, scope: str, key: str, print_: bytes, about: UUID | None = None) -> Claimed | Answered:
    """Claim a key within `scope` (who is asking). `about`: what the answer is about, to be forgotten with it. One round trip.

    Raises Malformed (idempotency_key_invalid), BadInput (idempotency_key_reused), InProgress (idempotency_in_progress).
    """
    if not 8 <= len(key) <= 255 or not key.isascii() or not key.isprintable() or " " in key:
        raise Malformed("idempotency_key_invalid", "An Idempotency-Key has 8 to 255 visible ASCII characters.")
    this_try = uuid7()
    async with db.connection() as conn:
        row = await queries.claim_key(conn, scope, key, print_, about or this_try, this_try, LEASE_SECONDS)
    if row.fingerprint != print_:
        raise BadInput("idempotency_key_reused", "This Idempotency-Key was used for another request.")
    if row.status is not None:
        return Answered(status=row.status, body=row.body or b"")
    if not row.mine:
        raise InProgress("idempotency_in_progress", "The same request is still being worked on. Ask again in a second.")
    return Claimed(resource_id=row.resource_id)


async def keep(db: Database, scope: str, key: str, status: int, body: bytes) -> None:
    """Keep the answer for later tries."""
    async with db.connection() as conn:
        await queries.keep_answer(conn, scope, key, status, body)


async def release(db: Database, scope: str, key: str, why: Exception | None) -> None:
    """The try has ended with `why`, or without knowing (None), and the next one uses the same id. A refusal frees the key for a corrected
    request; after anything else the work may have been done unknown to us, so that only the same request may try again."""
    async with db.connection() as conn:
        await queries.release_key(conn, scope, key, for_any=isinstance(why, Refusal))


async def forget_old(db: Database) -> int:
    """Keys live for 72 hours."""
    async with db.connection() as conn:
        return await queries.forget_old_keys(conn)


async def forget(conn: Connection, resource_id: UUID) -> None:
    """Forget what was answered about a thing, because it named somebody who has left."""
    await queries.forget_key(conn, resource_id)
