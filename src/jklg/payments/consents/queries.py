"""SQL of consents."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from jklg.kit.db import Connection
from jklg.payments.gateways.contract import KeptMethod


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """What a traveller agreed to. `label` names the card, once the payment it was given with has succeeded. Times in UTC."""

    id: UUID
    booking_id: UUID
    transaction_id: UUID
    gateway: str
    livemode: bool
    wording: str
    given_at: datetime
    customer_ref: str | None
    method_ref: str | None
    label: str | None
    ended_at: datetime | None
    ended_why: str | None

    @property
    def method(self) -> KeptMethod | None:
        """The card, if the gateway keeps it."""
        if self.customer_ref is None or self.method_ref is None:
            return None
        return KeptMethod(customer_ref=self.customer_ref, method_ref=self.method_ref, label=self.label or "")


_CONSENT = """
SELECT id, booking_id, transaction_id, gateway, livemode, wording, given_at, customer_ref, method_ref, label, ended_at, ended_why
FROM payment_consents
"""


async def get(conn: Connection, consent_id: UUID) -> Consent | None:
    """One consent."""
    row = await conn.fetchrow(_CONSENT + "WHERE id = $1", consent_id)
    return Consent(**row) if row else None


async def given_with(conn: Connection, transaction_id: UUID) -> Consent | None:
    """The consent that was given with a payment."""
    row = await conn.fetchrow(_CONSENT + "WHERE transaction_id = $1", transaction_id)
    return Consent(**row) if row else None


async def find_living(conn: Connection, booking_id: UUID) -> Consent | None:
    """The consent that a booking has now."""
    row = await conn.fetchrow(_CONSENT + "WHERE booking_id = $1 AND ended_at IS NULL", booking_id)
    return Consent(**row) if row else None


async def insert(
    conn: Connection,
    *,
    consent_id: UUID,
    booking_id: UUID,
    transaction_id: UUID,
    gateway: str,
    livemode: bool,
    wording: str,
    given_by: str,
) -> None:
    await conn.execute(
        """
        INSERT INTO payment_consents (id, booking_id, transaction_id, gateway, livemode, wording, given_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        consent_id, booking_id, transaction_id, gateway, livemode, wording, given_by,
    )  # fmt: skip


async def keep(conn: Connection, transaction_id: UUID, kept: KeptMethod) -> bool:
    """Write down which card it is, once. False when that was known. Of a consent that has ended meanwhile, the gateway is to forget it."""
    new = await conn.fetchval(
        """
        UPDATE payment_consents SET customer_ref = $2, method_ref = $3, label = $4, forgotten_at = NULL,
               forget_at = CASE WHEN ended_at IS NOT NULL THEN house_now() END
        WHERE transaction_id = $1 AND method_ref IS NULL AND label IS NULL RETURNING true
        """,
        transaction_id,
        kept.customer_ref,
        kept.method_ref,
        kept.label,
    )
    return bool(new)


async def end(conn: Connection, booking_id: UUID, why: str) -> UUID | None:
    """End the living consent of a booking; the gateway is to forget the card at once. Its id, None when there is none."""
    found: UUID | None = await conn.fetchval(
        """
        UPDATE payment_consents SET ended_at = house_now(), ended_why = $2, forget_at = house_now()
        WHERE booking_id = $1 AND ended_at IS NULL RETURNING id
        """,
        booking_id,
        why,
    )
    return found


async def list_over(conn: Connection, tries: int, limit: int) -> list[tuple[UUID, str]]:
    """Bookings whose consent has done its work, or never will: (booking, why). By the ledger: money that is on its way back pays for nothing."""
    rows = await conn.fetch(
        """
        SELECT c.booking_id, CASE WHEN b.status NOT IN ('held', 'confirmed') THEN 'given_up'
                                  WHEN kept.amount >= b.total_price - b.reduced_amount THEN 'settled'
                                  WHEN t.state IN ('failed', 'canceled', 'expired') THEN 'never_paid'
                                  WHEN charges.done >= $1 THEN 'refused' END AS why
        FROM payment_consents c JOIN bookings b ON b.id = c.booking_id JOIN transactions t ON t.id = c.transaction_id
        CROSS JOIN LATERAL (SELECT count(*) AS done FROM transactions x
                            WHERE x.consent_id = c.id AND x.state IN ('failed', 'canceled', 'expired')) charges
        CROSS JOIN LATERAL (SELECT -coalesce(sum(e.amount), 0) AS amount FROM ledger_entries e
                            WHERE e.subject_id = b.id AND e.currency = b.currency AND e.account IN ('customer_deposits', 'travel_revenue')) kept
        WHERE c.ended_at IS NULL
          AND (b.status NOT IN ('held', 'confirmed') OR kept.amount >= b.total_price - b.reduced_amount
               OR t.state IN ('failed', 'canceled', 'expired') OR charges.done >= $1)
        ORDER BY c.id LIMIT $2
        """,
        tries,
        limit,
    )
    return [(row[0], row[1]) for row in rows]


async def claim_to_forget(conn: Connection, limit: int) -> list[Consent]:
    """Ended consents whose card the gateway is to forget, leased for ten minutes. While the payment is open it may still come to keep one."""
    rows = await conn.fetch(
        """
        UPDATE payment_consents SET forget_at = house_now() + interval '10 minutes'
        WHERE id IN (SELECT id FROM payment_consents WHERE ended_at IS NOT NULL AND forgotten_at IS NULL AND forget_at <= house_now()
                       AND EXISTS (SELECT FROM transactions t WHERE t.id = payment_consents.transaction_id AND t.state IN ('succeeded', 'failed', 'canceled', 'expired'))
                     ORDER BY forget_at, id LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING id, booking_id, transaction_id, gateway, livemode, wording, given_at, customer_ref, method_ref, label, ended_at, ended_why
        """,
        limit,
    )
    return [Consent(**row) for row in rows]


async def forget_later(conn: Connection, consent_id: UUID, seconds: float) -> None:
    await conn.execute(
        "UPDATE payment_consents SET forget_at = house_now() + make_interval(secs => $2) WHERE id = $1",
        consent_id,
        seconds,
    )


async def forgotten(conn: Connection, consent_id: UUID) -> None:
    """The gateway has forgotten the card, or never had it."""
    await conn.execute(
        "UPDATE payment_consents SET forgotten_at = house_now(), customer_ref = NULL, method_ref = NULL WHERE id = $1",
        consent_id,
    )


async def forget_labels(conn: Connection, booking_id: UUID) -> None:
    """What says whose card it was; '' is not filled in again."""
    await conn.execute("UPDATE payment_consents SET label = '' WHERE booking_id = $1", booking_id)
