"""What the database refuses of refunds that somebody else has to see first."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import pytest

from jklg.kit.ids import uuid7
from tests.payments.conftest import Street
from tests.payments.desk.test_refunds_by_staff import CHITRA, DEVI


async def refuses(street: Street, constraint: str, sql: str, *args: object) -> None:
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await street.one(sql, *args)
    assert getattr(refusal.value, "constraint_name", None) == constraint


async def asked(street: Street, booking_id: UUID) -> UUID:
    request_id = uuid7()
    await street.one(
        """
        INSERT INTO refund_requests (id, booking_id, amount, currency, reason, asked_by, needs_second)
        VALUES ($1, $2, 500, 'INR', 'goodwill', $3, true)
        """,
        request_id,
        booking_id,
        CHITRA,
    )
    return request_id


async def test_a_refund_is_not_even_written_before_its_second_pair_of_eyes(street: Street) -> None:
    held = await street.asha_holds()
    attempt = await street.asha_pays(held.id)
    request_id = await asked(street, held.id)
    write = """
        INSERT INTO refunds (id, transaction_id, amount, currency, origin, request_key, source_account, request_id)
        VALUES ($1, $2, 500, 'INR', 'staff', $3, 'customer_deposits', $4)
    """
    await refuses(street, "refunds_wait_for_second", write, uuid7(), attempt, "one", request_id)
    decide = "UPDATE refund_requests SET decision = $2, decided_by = $3, decided_at = now() WHERE id = $1"
    await street.one(decide, request_id, "refused", DEVI)
    await refuses(street, "refunds_wait_for_second", write, uuid7(), attempt, "two", request_id)


async def test_nobody_agrees_with_herself_and_what_was_decided_stays(street: Street) -> None:
    held = await street.asha_holds()
    request_id = await asked(street, held.id)
    decide = "UPDATE refund_requests SET decision = 'approved', decided_by = $2, decided_at = now() WHERE id = $1"
    await refuses(street, "refund_requests_four_eyes", decide, request_id, CHITRA)
    await refuses(
        street,
        "refund_requests_decided_by_somebody",
        "UPDATE refund_requests SET decision = 'approved' WHERE id = $1",
        request_id,
    )
    await refuses(street, "refund_requests_frozen", "UPDATE refund_requests SET amount = 5 WHERE id = $1", request_id)
    await street.one(decide, request_id, DEVI)
    await refuses(
        street, "refund_requests_frozen", "UPDATE refund_requests SET decision = 'refused' WHERE id = $1", request_id
    )
