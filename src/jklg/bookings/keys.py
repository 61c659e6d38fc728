"""The keys to a booking: the reference that is read aloud, and the guest's manage token."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from uuid import UUID

from jklg.bookings import queries, rules
from jklg.kit.db import Claims, Connection, Database, claims
from jklg.kit.tokens import Sealed, derived_token, is_derived_token, sealed


def new_reference() -> str:
    """Six characters to be read aloud over a bad line."""
    return "".join(rules.REFERENCE_ALPHABET[byte % 32] for byte in secrets.token_bytes(6))


def manage_token(secret: str, booking_id: UUID, turn: int = 0) -> str:
    """The guest's key to one booking. Derived, so it is stored nowhere and every mail can carry it. `turn`: its `key_turn`, none yet when
    it is new; a key that was made before the last turn opens nothing."""
    return derived_token(secret, "booking", _subject(booking_id, turn))


async def present_token(db: Database, secret: str, booking_id: UUID) -> str:
    """The same of a booking that was made before, as it is now."""
    async with db.transaction() as conn:
        return manage_token(secret, booking_id, await queries.key_turn(conn, booking_id) or 0)


def sealed_token(secret: str, booking_id: UUID, turn: int) -> Sealed:
    """The same for a letter, which is kept: a word in its place, opened when the letter leaves."""
    return sealed("token", secret, "booking", _subject(booking_id, turn))


def manage_link(public_url: str, reference: str, token: str) -> str:
    """The manage-my-booking link of mails and confirmations; `token` is the booking's manage token."""
    return f"{public_url}/manage/{reference}/{token}"


async def guest_claims(conn: Connection, secrets_: Sequence[str], booking_id: UUID, token: str | None) -> Claims:
    """Row-level claims of a guest who holds the booking's token as it is now. `conn` is the house's own: only it knows how often the key
    was turned. NotFound for anybody else: a stranger learns nothing."""
    turn = (await queries.key_turn(conn, booking_id) or 0) if token else 0
    if not token or not is_derived_token(token, list(secrets_), "booking", _subject(booking_id, turn)):
        raise rules.not_found()
    return claims("guest", booking_id=str(booking_id), actor="guest")


def _subject(booking_id: UUID, turn: int) -> str:
    return f"{booking_id}:{turn}" if turn else str(booking_id)
