"""Open a session, prove oneself again in it, end it. The token goes to the client and lies nowhere."""

from __future__ import annotations

from uuid import UUID

import msgspec

from jklg import history
from jklg.customers.sessions import queries, rules
from jklg.customers.sessions.rules import Visitor
from jklg.kit.db import Connection, Database
from jklg.kit.errors import Forbidden
from jklg.kit.ids import uuid7
from jklg.kit.tokens import token_hash
from jklg.limits import address as known_address

KEPT_DAYS = 90
"""An ended session tells for so long which networks and devices an account knows."""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh session. `device_is_new`: this account was used before, but never on a device of this kind."""

    session_id: UUID
    token: str
    device_is_new: bool


async def open_session(
    conn: Connection, secret: str, customer_id: UUID, *, address: str, user_agent: str, signed_in_by: str
) -> Opened:
    """A session of 7 days, in the caller's database transaction. `address` is the network address of whoever asks."""
    visitor = Visitor(customer_id, uuid7())
    begun, ends = await queries.now_and_end(conn, rules.DAYS)
    token = rules.mint(secret, visitor, issued_at=begun, expires_at=ends)
    agent = user_agent.replace("\0", "")[:500]
    device = rules.device(agent)
    device_is_new = await queries.is_new_device(conn, customer_id, device)
    await queries.insert(
        conn,
        session_id=visitor.session_id,
        customer_id=customer_id,
        token_hash=token_hash(token),
        created_at=begun,
        expires_at=ends,
        ip_address=known_address(address),
        user_agent=agent,
        device_info=device,
        signed_in_by=signed_in_by,
    )
    await history.record(
        conn, f"customer:{customer_id}", "customer.signed_in", "customer", customer_id,
        {"session": str(visitor.session_id), "by": signed_in_by},
    )  # fmt: skip
    return Opened(session_id=visitor.session_id, token=token, device_is_new=device_is_new)


async def knows_network(conn: Connection, customer_id: UUID, network: str) -> bool:
    """Whether a session of this account was ever opened from this network (as `limits.network` writes it)."""
    return network != "" and await queries.was_used_from(conn, customer_id, network)


async def lives(conn: Connection, visitor: Visitor) -> bool:
    """Whether a visitor's session still counts, for a door that asks nothing else of it. Others use `guard.as_customer`."""
    return await queries.lives(conn, visitor.customer_id, visitor.session_id)


async def drop_all(conn: Connection, customer_ids: list[UUID]) -> None:
    """Forget every session of accounts that go away."""
    await queries.drop_all(conn, customer_ids)


async def prove(conn: Connection, visitor: Visitor) -> None:
    """The owner has just proven who they are, in this session."""
    await queries.prove(conn, visitor.session_id)


async def must_be_fresh(conn: Connection, visitor: Visitor) -> None:
    """Forbidden (proof_needed) unless the owner has proven who they are, in this session, within 15 minutes."""
    if not await queries.is_fresh(conn, visitor.session_id, rules.FRESH_MINUTES):
        raise Forbidden("proof_needed", "Please prove once more that it is you.")


async def end(conn: Connection, visitor: Visitor, session_id: UUID) -> bool:
    """End a session of the visitor's own. False when it is not theirs or has ended."""
    done = await queries.end(conn, visitor.customer_id, session_id)
    if done:
        await _tell(conn, visitor.customer_id, session_id)
    return done


async def end_all(conn: Connection, customer_id: UUID, *, but: UUID | None = None) -> int:
    """End every session of a customer, but one perhaps. Answers how many."""
    ended = await queries.end_all(conn, customer_id, but)
    for session_id in ended:
        await _tell(conn, customer_id, session_id)
    return len(ended)


async def _tell(conn: Connection, customer_id: UUID, session_id: UUID) -> None:
    await history.record(
        conn, f"customer:{customer_id}", "customer.session_ended", "customer", customer_id, {"session": str(session_id)}
    )


async def forget_ended(db: Database) -> int:
    """A sweep: drop sessions that ended more than 90 days ago."""
    async with db.transaction() as conn:
        return await queries.forget_ended(conn, KEPT_DAYS, 500)
