"""What a gateway wants a person to look at: an early warning of fraud, a review. It moves no money, and stands on its booking."""

from __future__ import annotations

from jklg.kit.db import Database
from jklg.payments import concerns
from jklg.payments.gateways.alarms import AlarmRaising
from jklg.payments.queries import Transaction


async def look(db: Database, gateway: AlarmRaising, transaction: Transaction, event_type: str, body: bytes) -> None:
    """Ask how it stands, and put it before a person as long as acting is of use. Calls the network; raises any GatewayError."""
    alarm = await gateway.fetch_alarm(event_type, body)
    if alarm is None:
        return
    about = f"{alarm.kind}:{alarm.ref}"
    async with db.transaction() as conn:
        if alarm.open:
            detail: dict[str, object] = {
                "gateway": transaction.gateway, "ref": alarm.ref, "reason": alarm.reason.replace("_", " "),
            }  # fmt: skip
            await concerns.report_concern(
                conn, alarm.kind, about, detail, transaction_id=transaction.id, booking_id=transaction.booking_id
            )
        else:
            await concerns.resolve_concerns(conn, f"{about}:", [])
