"""What a gateway has and we do not know of, and the other way round: put before a person, with the money in suspense.

Every posting about an attempt that is none of ours has the source `gateway_object` and a name that begins with `<gateway>:<its id>:`.
"""

from __future__ import annotations

from uuid import UUID

from jklg import ledger
from jklg.kit.db import Connection
from jklg.kit.ids import uuid7
from jklg.payments import concerns, concerns_queries, queries
from jklg.payments.actions import House, settle
from jklg.payments.gateways.contract import Gateway, GatewayError, RefundSnapshot, Snapshot
from jklg.payments.refunds.rules import SUSPENSE
from jklg.payments.stumbles import alone


async def receive_stray(house: House, gateway: Gateway, ref: str, event_id: str) -> bool:
    """A gateway speaks of an attempt we do not know. True when nobody was told before. Raises what `Gateway.fetch` raises.

    What it took is put in suspense, and what it has sent back since is taken out of it. One that turns out to be ours, because the answer
    that would have told us its id was lost, is settled instead: of what happened to a payment, not everything that is told bears our id.
    """
    snapshot = await gateway.fetch(ref)
    if await _was_ours(house, gateway, snapshot):
        return False
    async with house.db.transaction() as conn:
        await park(conn, gateway.name, ref, snapshot.captured, snapshot.currency)
        for refund in snapshot.refunds:
            await _returned(conn, gateway.name, ref, refund)
        return await tell_of_stray(conn, gateway.name, ref, snapshot.currency, snapshot.captured, event_id)


async def _was_ours(house: House, gateway: Gateway, snapshot: Snapshot) -> bool:
    if snapshot.transaction_id is None:
        return False
    async with house.db.transaction() as conn:
        ours = await queries.get(conn, snapshot.transaction_id)
    if ours is None or (ours.gateway, ours.livemode) != (gateway.name, snapshot.livemode):
        return False
    if ours.ref not in (None, snapshot.ref):  # it has another one, and this bears a number that somebody copied
        return False
    settled = await alone(house, ours.id, settle(house, ours.id, source="reconcile", hint_ref=snapshot.ref))
    if settled is not None and settled.unknown:
        raise GatewayError(settled.unknown, retry_after=settled.retry_after)
    return settled is None or settled.transaction.ref == snapshot.ref


async def park(conn: Connection, gateway: str, ref: str, captured: int, currency: str) -> None:
    """Money of an attempt that is not ours to know is kept in suspense, so that the books equal the gateway.

    `captured` is cumulative, as everywhere: what was parked of this attempt before is not parked again.
    """
    facts_of = f"{gateway}:{ref}:"
    more = captured - await queries.captured_in_the_books(conn, gateway, "gateway_object", facts_of, currency)
    if more > 0:
        entries = [(f"gateway_clearing:{gateway}", more), (SUSPENSE, -more)]
        await ledger.post(conn, "capture", "gateway_object", f"{facts_of}{captured}", None, currency, entries)


async def _returned(conn: Connection, gateway: str, ref: str, refund: RefundSnapshot) -> None:
    """Somebody sent it back at the gateway. It may still fail, days later."""
    fact, clearing = f"{gateway}:{ref}:{refund.ref}", f"gateway_clearing:{gateway}"
    if refund.state == "succeeded":
        entries = [(SUSPENSE, refund.amount), (clearing, -refund.amount)]
        await ledger.post(conn, "stray_returned", "gateway_object", fact, None, refund.currency, entries)
    elif refund.state in ("failed", "canceled"):
        booked = await ledger.entries_of(conn, "stray_returned", "gateway_object", fact)
        if booked:
            entries = [(account, -amount) for account, amount in booked]
            await ledger.post(conn, "stray_return_failed", "gateway_object", fact, None, refund.currency, entries)


async def tell_of_stray(
    conn: Connection, gateway: str, ref: str, currency: str, captured: int, event_id: str = ""
) -> bool:
    """Put an attempt that is none of ours before a person while money of it lies in suspense, or when it never took any; else nobody needs
    to look any more. True when nobody was told before. In the caller's database transaction."""
    about = f"unmatched:{gateway}:{ref}"
    lying = await concerns_queries.stray_lying(conn, gateway, ref, currency)
    if captured and not lying:
        await concerns.resolve_concerns(conn, f"{about}:", [])
        return False
    detail: dict[str, object] = {
        "gateway": gateway, "ref": ref, "event_id": event_id, "captured": captured, "difference": lying, "currency": currency,
    }  # fmt: skip
    return await concerns.report_concern(conn, "unmatched_gateway_object", about, detail)


async def report_difference(house: House, transaction_id: UUID, kind: str, detail: dict[str, object]) -> bool:
    """An attempt of ours is not what its gateway shows. True when nobody was told before."""
    async with house.db.transaction() as conn:
        transaction = await queries.get(conn, transaction_id)
        assert transaction is not None, "transactions are never deleted"
        return await queries.report_anomaly(
            conn,
            anomaly_id=uuid7(),
            kind=kind,
            once_key=f"{kind}:{transaction_id}",
            transaction_id=transaction_id,
            booking_id=transaction.booking_id,
            detail=detail,
        )
