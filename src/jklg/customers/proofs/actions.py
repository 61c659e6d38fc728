"""Issue a link or a code, find what is behind one, use it up. The token is made of the house's secret and the row's id."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

from jklg.customers.proofs import queries
from jklg.customers.proofs.queries import Proof
from jklg.customers.proofs.rules import CODE_TRIES, KINDS, LONGEST_TOKEN, Purpose, is_table_of_resets
from jklg.kit.db import Connection, Database
from jklg.kit.tokens import Sealed, derived_token, is_derived_code, sealed, token_hash
from jklg.settings import Settings


async def issue(
    conn: Connection, secret: str, proof_id: UUID, customer_id: UUID, purpose: Purpose, email: str = ""
) -> None:
    """Write a link's row, in the caller's database transaction. A second time with the same `proof_id` changes nothing.

    It ends after 24 hours, an undo after 7 days, a reset after one hour. `email` is the mailbox that it proves.
    """
    kind = KINDS[purpose]
    hashed = token_hash(derived_token(secret, kind.derived_for, str(proof_id)))
    if is_table_of_resets(purpose):
        await queries.insert_reset(conn, proof_id, customer_id, hashed, kind.minutes)
    else:
        await queries.insert(conn, proof_id, customer_id, purpose, email, hashed, kind.minutes)


def link(settings: Settings, purpose: Purpose, proof_id: UUID, customer_id: UUID) -> Sealed:
    """The link for a mail, its token sealed until the mail leaves. It leads to FRONTEND_URL, else to our own page."""
    kind = KINDS[purpose]
    token = sealed("token", settings.secret, kind.derived_for, str(proof_id))
    place = settings.frontend_url if settings.frontend_url and purpose in ("verify", "reset") else settings.public_url
    return Sealed(f"{place}{kind.page}?token={quote(token, safe='~.')}&customerId={customer_id}")


def code_of(settings: Settings, purpose: Purpose, proof_id: UUID) -> Sealed:
    """The six characters for a mail, sealed until it leaves."""
    return sealed("code", settings.secret, KINDS[purpose].derived_for, str(proof_id))


async def find(conn: Connection, purpose: Purpose, customer_id: UUID, token: str) -> Proof | None:
    """What a token is good for, if it is one of this customer's, for this purpose, unused and in time. It stays good."""
    if not token.isascii() or len(token) > LONGEST_TOKEN:
        return None
    if is_table_of_resets(purpose):
        return await queries.find_reset(conn, customer_id, token_hash(token))
    return await queries.find(conn, customer_id, purpose, token_hash(token))


async def get(conn: Connection, proof_id: UUID) -> Proof | None:
    """A link that may still be used, for the mail that will carry it. Not a reset."""
    return await queries.get(conn, proof_id)


async def find_by_code(conn: Connection, secrets: tuple[str, ...], email: str, code: str) -> Proof | None:
    """The registration whose code somebody types. Every try counts at every code of that mailbox; each has five.

    Commit the try whatever comes of it: a rolled-back try was none.
    """
    found = None
    for proof in await queries.try_codes(conn, email, CODE_TRIES):
        if is_derived_code(code, secrets, KINDS["verify"].derived_for, str(proof.id)):
            found = proof
    return found


async def use(conn: Connection, purpose: Purpose, proof_id: UUID) -> bool:
    """Use it up. False for all but the first who asks, and when its time is over."""
    return await (queries.use_reset if is_table_of_resets(purpose) else queries.use)(conn, proof_id)


async def use_all(conn: Connection, customer_id: UUID, *purposes: Purpose) -> None:
    """Nothing that was mailed to this customer for these purposes opens anything any more."""
    for purpose in purposes:
        if is_table_of_resets(purpose):
            await queries.use_all_resets(conn, customer_id)
        else:
            await queries.use_all(conn, customer_id, purpose)


async def drop_all(conn: Connection, customer_ids: list[UUID]) -> None:
    """Forget everything mailed to accounts that go away."""
    await queries.drop_all(conn, customer_ids)


async def forget_old(db: Database) -> int:
    """A sweep: drop what ended more than a day ago. A used link is kept as long as an unused one: it tells of itself."""
    async with db.transaction() as conn:
        return await queries.forget_old(conn, 500)
