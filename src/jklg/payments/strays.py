"""What a gateway has and we do not know of, and the other way round: put before a person, with the money in suspense."""

from __future__ import annotations

from uuid import UUID

from jklg.kit.ids import uuid7
from jklg.payments import queries, refunds
from jklg.payments.actions import House
from jklg.payments.gateways.contract import Gateway


async def receive_stray(house: House, gateway: Gateway, ref: str, event_id: str) -> bool:
    """A gateway speaks of an attempt we do not know. True when nobody was told before. Raises what `Gateway.fetch` raises."""
    snapshot = await gateway.fetch(ref)
    async with house.db.transaction() as conn:
        new = await queries.report_anomaly(
            conn,
            anomaly_id=uuid7(),
            kind="unmatched_gateway_object",
            once_key=f"unmatched:{gateway.name}:{ref}",
            transaction_id=None,
            booking_id=None,
            detail={"ref": ref, "event_id": event_id, "captured": snapshot.captured, "currency": snapshot.currency},
        )
        if snapshot.captured:
            await refunds.park_stray_money(conn, gateway.name, ref, snapshot.captured, snapshot.currency)
    return new


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
