"""Passkeys (WebAuthn): made for this site, discoverable, and the device has verified who holds it. Enough to sign in alone."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from jklg import history
from jklg.customers import sessions
from jklg.customers.factors import ceremonies, challenges, passkey_queries
from jklg.customers.rights import as_customer
from jklg.customers.sessions.rules import Visitor
from jklg.kit.db import Connection, Database
from jklg.kit.errors import NotSignedIn
from jklg.settings import Settings


class Verdict(NamedTuple):
    """Whose a right signature is, or None. `doubled`: it was right, but an older counter says that this passkey was copied."""

    customer_id: UUID | None = None
    doubled: tuple[UUID, UUID] | None = None


async def check(
    conn: Connection,
    settings: Settings,
    credential: dict[str, Any],
    challenge: bytes | None,
    *,
    of: UUID | None,
) -> Verdict:
    """Check a signature and keep its counter, in the caller's database transaction. `of`: whose passkey it must be, if known.

    Where nobody is known, the browser must say whose it is (the user handle), and be right.
    """
    shown = ceremonies.presented(credential)
    if shown is None or challenge is None:
        return Verdict()
    passkey = await passkey_queries.find(conn, shown.credential_id)
    if passkey is None or (of is not None and passkey.customer_id != of):
        return Verdict()
    if shown.user_handle != passkey.customer_id.bytes and not (of is not None and shown.user_handle is None):
        return Verdict()
    said = ceremonies.signed(settings, credential, challenge, passkey)
    if said is None:
        return Verdict()
    if not await passkey_queries.note_use(conn, passkey.id, said.sign_count, said.backed_up):
        return Verdict(doubled=(passkey.customer_id, passkey.id))
    return Verdict(passkey.customer_id)


async def begin_passkey_sign_in(db: Database, settings: Settings) -> tuple[str, dict[str, Any]]:
    """A token and what `navigator.credentials.get` needs, for whoever it may be. Good once, for 5 minutes."""
    challenge = ceremonies.new_challenge()
    async with db.transaction() as conn:
        token = await challenges.begin(conn, "passkey_sign_in", None, challenge)
    return token, ceremonies.options_to_sign(settings, [], challenge)


async def finish_passkey_sign_in(db: Database, settings: Settings, token: str, credential: dict[str, Any]) -> UUID:
    """Whose passkey signed. The token is used up, whatever comes of it.

    Raises NotSignedIn: passkey_expired for a token that is used, over or another's; passkey_wrong for everything else, whether there is
    such a passkey or not.
    """
    async with db.transaction() as conn:
        challenge = await challenges.take(conn, "passkey_sign_in", None, token)
    if challenge is None:
        raise expired()
    async with db.transaction() as conn:
        verdict = await check(conn, settings, credential, challenge, of=None)
    if verdict.customer_id is None:
        await note_doubled(db, verdict)
        raise wrong()
    return verdict.customer_id


async def begin_passkey_proof(db: Database, settings: Settings, who: Visitor) -> tuple[str, dict[str, Any]]:
    """The same for somebody who is signed in and proves once more that it is them. NotSignedIn (not_signed_in), Forbidden
    (email_not_verified)."""
    async with as_customer(db, who):
        pass
    challenge = ceremonies.new_challenge()
    async with db.transaction() as conn:
        token = await challenges.begin(conn, "passkey_proof", who.customer_id, challenge)
        have = await passkey_queries.list_of(conn, who.customer_id)
    return token, ceremonies.options_to_sign(settings, have, challenge)


async def finish_passkey_proof(
    db: Database, settings: Settings, who: Visitor, token: str, credential: dict[str, Any]
) -> None:
    """From now on this session may change e-mail, password and factors, for 15 minutes.

    Raises NotSignedIn (not_signed_in), Forbidden (email_not_verified), NotSignedIn (passkey_expired, passkey_wrong).
    """
    async with as_customer(db, who):
        pass
    async with db.transaction() as conn:
        challenge = await challenges.take(conn, "passkey_proof", who.customer_id, token)
    if challenge is None:
        raise expired()
    async with db.transaction() as conn:
        verdict = await check(conn, settings, credential, challenge, of=who.customer_id)
    if verdict.customer_id is None:
        await note_doubled(db, verdict)
        raise wrong()
    async with as_customer(db, who) as conn:
        await sessions.prove(conn, who)
        await history.record(
            conn, f"customer:{who.customer_id}", "customer.proved", "customer", who.customer_id,
            {"session": str(who.session_id)},
        )  # fmt: skip


async def note_doubled(db: Database, verdict: Verdict) -> None:
    """A right signature with an old counter: there may be a copy of this passkey. Its owner finds it in their history."""
    if verdict.doubled is None:
        return
    customer_id, passkey_id = verdict.doubled
    async with db.transaction() as conn:
        await history.record(
            conn, "guest", "customer.passkey_doubled", "customer", customer_id, {"passkey": str(passkey_id)}
        )


def wrong() -> NotSignedIn:
    """The one answer to an unknown passkey and a wrong signature."""
    return NotSignedIn("passkey_wrong", "This passkey does not open an account here.")


def expired() -> NotSignedIn:
    return NotSignedIn("passkey_expired", "That took too long. Please begin again.")
