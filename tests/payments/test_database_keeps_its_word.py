"""What the database itself refuses, whoever asks: payments.md 1.2, 1.3 and 4.7 (L06, L07)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from jklg.kit.db import SYSTEM, Connection, Database, claims, open_database
from jklg.kit.ids import uuid7
from jklg.payments import rules
from tests.trade import add_departure, hold


@pytest.fixture
async def booking_id(db: Database) -> UUID:
    return (await hold(db, await add_departure(db))).id


@pytest.fixture
async def owner(db_url: str) -> AsyncIterator[Connection]:
    """The owner of the tables: stronger than the application will ever be."""
    conn = await asyncpg.connect(db_url)
    await conn.execute(f"SET request.jwt.claims = '{SYSTEM}'")
    yield conn
    await conn.close()


async def attempt(
    conn: Connection, booking_id: UUID, state: str = "submitting", captured: int = 0, amount: int = 10_000
) -> UUID:
    transaction_id = uuid7()
    await conn.execute(
        """
        INSERT INTO transactions (id, booking_id, amount, currency, state, gateway, livemode, request_key, captured_amount)
        VALUES ($1, $2, $3, 'INR', $4, 'sandbox', false, $5, $6)
        """,
        transaction_id,
        booking_id,
        amount,
        state,
        f"create:{transaction_id}",
        captured,
    )
    return transaction_id


async def refuses(conn: Connection, constraint: str, sql: str, *args: object) -> None:
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await conn.execute(sql, *args)
    assert getattr(refusal.value, "constraint_name", None) == constraint


async def refund(conn: Connection, transaction_id: UUID, amount: int, state: str = "reserved") -> UUID:
    refund_id = uuid7()
    await conn.execute(
        """
        INSERT INTO refunds (id, transaction_id, amount, currency, state, origin, request_key, source_account)
        VALUES ($1, $2, $3, 'INR', $4, 'staff', $5, 'customer_deposits')
        """,
        refund_id,
        transaction_id,
        amount,
        state,
        str(refund_id),
    )
    return refund_id


async def test_every_move_of_an_attempt_is_legal_or_refused(owner: Connection, booking_id: UUID) -> None:
    legal = {(row[0], row[1]) for row in await owner.fetch("SELECT from_state, to_state FROM transaction_moves")}
    assert len(legal) == 40
    change = "UPDATE transactions SET state = $2, captured_amount = greatest(captured_amount, $3) WHERE id = $1"
    for before, after in itertools.permutations(rules.RANK, 2):
        money = 10_000 if after == "succeeded" else 0
        trial = owner.transaction()
        await trial.start()
        transaction_id = await attempt(owner, booking_id, before, captured=10_000 if before == "succeeded" else 0)
        if (before, after) in legal:
            await owner.execute(change, transaction_id, after, money)
        else:
            await refuses(owner, "transactions_move_legally", change, transaction_id, after, money)
        await trial.rollback()


async def test_the_words_and_ranks_in_python_are_those_of_the_database(owner: Connection) -> None:
    rows = await owner.fetch("SELECT state, rank, is_open, public_status FROM transaction_states")
    assert {row["state"]: row["rank"] for row in rows} == rules.RANK
    assert {row["state"] for row in rows if row["is_open"]} == set(rules.OPEN)
    assert {row["state"]: row["public_status"] for row in rows} == rules.STATUS_WORDS
    for row in rows:
        derived = await owner.fetchval("SELECT transaction_status($1, 0, 0)", row["state"])
        assert derived == row["public_status"]


async def test_a_booking_has_one_open_attempt(owner: Connection, booking_id: UUID) -> None:
    await attempt(owner, booking_id, "requires_payment_method")
    with pytest.raises(asyncpg.UniqueViolationError) as refusal:
        await attempt(owner, booking_id, "submitting")
    assert refusal.value.constraint_name == "transactions_one_open_attempt"


async def test_what_was_asked_of_the_gateway_is_frozen_and_captured_money_only_grows(
    owner: Connection, booking_id: UUID
) -> None:
    transaction_id = await attempt(owner, booking_id, "succeeded", captured=10_000)
    await owner.execute("UPDATE transactions SET transaction_id = 'pi_1' WHERE id = $1", transaction_id)
    for change in (
        "amount = 1",
        "currency = 'USD'",
        "gateway = 'stripe'",
        "livemode = true",
        "request_key = 'x'",
        "transaction_id = 'pi_2'",
    ):
        await refuses(
            owner, "transactions_request_frozen", f"UPDATE transactions SET {change} WHERE id = $1", transaction_id
        )
    await refuses(
        owner,
        "transactions_captured_only_grows",
        "UPDATE transactions SET captured_amount = 9999 WHERE id = $1",
        transaction_id,
    )


async def test_a_success_without_money_is_refused(owner: Connection, booking_id: UUID) -> None:
    transaction_id = await attempt(owner, booking_id, "processing")
    await refuses(
        owner,
        "transactions_succeed_with_money",
        "UPDATE transactions SET state = 'succeeded' WHERE id = $1",
        transaction_id,
    )


async def test_a_gateway_object_belongs_to_one_attempt(owner: Connection, db: Database, booking_id: UUID) -> None:
    other = await hold(db, await add_departure(db))
    first, second = await attempt(owner, booking_id), await attempt(owner, other.id)
    await owner.execute("UPDATE transactions SET transaction_id = 'pi_1' WHERE id = $1", first)
    await refuses(
        owner,
        "transactions_gateway_object_once",
        "UPDATE transactions SET transaction_id = 'pi_1' WHERE id = $1",
        second,
    )


async def test_twenty_refunds_of_700_against_10000_make_fourteen(
    db_url: str, owner: Connection, booking_id: UUID
) -> None:
    transaction_id = await attempt(owner, booking_id, "succeeded", captured=10_000)
    many = await open_database(db_url, max_size=10)

    async def one() -> None:
        async with many.transaction() as conn:
            await refund(conn, transaction_id, 700)

    results = await asyncio.gather(*(one() for _ in range(20)), return_exceptions=True)
    refused = [r for r in results if isinstance(r, asyncpg.CheckViolationError)]
    assert [r.constraint_name for r in refused] == ["refunds_never_exceed_captured"] * 6
    assert await owner.fetchval("SELECT refund_reserved FROM transactions WHERE id = $1", transaction_id) == 9_800
    await many.close()


async def test_a_refund_that_fails_later_gives_its_capacity_back(owner: Connection, booking_id: UUID) -> None:
    transaction_id = await attempt(owner, booking_id, "succeeded", captured=10_000)
    refund_id = await refund(owner, transaction_id, 10_000)
    status = "SELECT status FROM transactions WHERE id = $1"
    await owner.execute("UPDATE refunds SET state = 'succeeded' WHERE id = $1", refund_id)
    assert await owner.fetchval(status, transaction_id) == "refunded"
    await owner.execute("UPDATE refunds SET state = 'failed' WHERE id = $1", refund_id)
    assert await owner.fetchval(status, transaction_id) == "completed"
    await refuses(owner, "refunds_end_once", "UPDATE refunds SET state = 'succeeded' WHERE id = $1", refund_id)
    await refuses(owner, "refunds_request_frozen", "UPDATE refunds SET amount = 1 WHERE id = $1", refund_id)
    await refund(owner, transaction_id, 4_000, "succeeded")
    assert await owner.fetchval(status, transaction_id) == "partially_refunded"


async def test_a_refund_or_a_command_under_the_same_key_is_refused(owner: Connection, booking_id: UUID) -> None:
    transaction_id = await attempt(owner, booking_id, "succeeded", captured=10_000)
    refund_id = await refund(owner, transaction_id, 1_000)
    await refuses(
        owner,
        "refunds_once",
        """INSERT INTO refunds (id, transaction_id, amount, currency, origin, request_key, source_account)
           VALUES ($1, $2, 1, 'INR', 'staff', $3, 'customer_deposits')""",
        uuid7(),
        transaction_id,
        str(refund_id),
    )
    command = "INSERT INTO gateway_commands (id, transaction_id, kind, request_key) VALUES ($1, $2, 'cancel', 'same')"
    await owner.execute(command, uuid7(), transaction_id)
    await refuses(owner, "gateway_commands_once", command, uuid7(), transaction_id)


@pytest.mark.parametrize("table", ["history", "transaction_audit_logs", "gateway_facts"])
async def test_what_was_recorded_is_never_rewritten(
    owner: Connection, db: Database, booking_id: UUID, table: str
) -> None:
    transaction_id = await attempt(owner, booking_id)
    await owner.execute(
        """INSERT INTO gateway_facts (transaction_id, gateway, livemode, object_id, fact_type, source)
           VALUES ($1, 'sandbox', false, 'pi_1', 'processing', 'poll')""",
        transaction_id,
    )
    assert await owner.fetchval(f"SELECT count(*) FROM {table}") > 0
    column = {"history": "action", "transaction_audit_logs": "action", "gateway_facts": "source"}[table]
    await refuses(owner, f"{table}_append_only", f"UPDATE {table} SET {column} = 'x'")
    await refuses(owner, f"{table}_append_only", f"DELETE FROM {table}")
    await refuses(owner, f"{table}_append_only", f"TRUNCATE {table} CASCADE")
    async with db.transaction() as conn:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.execute(f"DELETE FROM {table}")


async def test_a_fact_an_anomaly_and_a_notice_are_kept_once(owner: Connection, booking_id: UUID) -> None:
    transaction_id = await attempt(owner, booking_id)
    fact = """INSERT INTO gateway_facts (transaction_id, gateway, livemode, object_id, fact_type, source)
              VALUES ($1, 'sandbox', false, 'pi_1', 'processing', $2)"""
    await owner.execute(fact, transaction_id, "webhook")
    await refuses(owner, "gateway_facts_once", fact, transaction_id, "poll")
    anomaly = "INSERT INTO anomalies (id, kind, once_key) VALUES ($1, 'x', 'same')"
    await owner.execute(anomaly, uuid7())
    await refuses(owner, "anomalies_once", anomaly, uuid7())
    notice = """INSERT INTO webhook_inbox (gateway, event_id, event_type, livemode, body, body_sha256, headers)
                VALUES ('sandbox', 'evt_1', 'x', false, '', '', '{}')"""
    await owner.execute(notice)
    await refuses(owner, "webhook_inbox_once", notice)
    await owner.execute("UPDATE webhook_inbox SET delivery_id = 'tx-1'")
    of_another = """INSERT INTO webhook_inbox (gateway, event_id, event_type, livemode, body, body_sha256, headers, delivery_id)
                    VALUES ('sandbox', 'evt_2', 'x', false, '', '', '{}', 'tx-1')"""
    await refuses(owner, "webhook_inbox_one_body_a_delivery", of_another)


async def test_a_booking_with_money_cannot_be_deleted(owner: Connection, booking_id: UUID) -> None:
    await attempt(owner, booking_id, "succeeded", captured=10_000)
    with pytest.raises((asyncpg.ForeignKeyViolationError, asyncpg.RestrictViolationError)):
        await owner.execute("DELETE FROM bookings WHERE id = $1", booking_id)


async def test_a_second_attempt_does_not_unpay_a_paid_booking(owner: Connection, booking_id: UUID) -> None:
    """The old trigger looked at one row: an abandoned second tab made a paid booking Pending (predecessor 5, 6)."""
    total = await owner.fetchval("SELECT total_price FROM bookings WHERE id = $1", booking_id)
    status = "SELECT payment_status, payment_open, payment_date IS NOT NULL FROM bookings WHERE id = $1"
    failed = await attempt(owner, booking_id, "submitting", amount=total)
    assert tuple(await owner.fetchrow(status, booking_id)) == ("Pending", True, False)
    await owner.execute("UPDATE transactions SET state = 'failed' WHERE id = $1", failed)
    assert tuple(await owner.fetchrow(status, booking_id)) == ("Failed", False, False)
    paid = await attempt(owner, booking_id, "submitting", amount=total)
    await owner.execute(
        "UPDATE transactions SET state = 'succeeded', captured_amount = amount, completed_at = house_now() WHERE id = $1",
        paid,
    )
    assert tuple(await owner.fetchrow(status, booking_id)) == ("Paid", False, True)
    await attempt(owner, booking_id, "submitting", amount=total)
    await owner.execute("UPDATE transactions SET metadata = '{\"touched\": true}' WHERE id = $1", failed)
    assert tuple(await owner.fetchrow(status, booking_id)) == ("Paid", True, True)
    await refund(owner, paid, 1, "succeeded")
    assert (await owner.fetchrow(status, booking_id))[0] == "Partial"
    await refund(owner, paid, total - 1, "succeeded")
    assert (await owner.fetchrow(status, booking_id))[0] == "Refunded"


async def test_the_public_status_cannot_be_written_by_hand(owner: Connection, booking_id: UUID) -> None:
    transaction_id = await attempt(owner, booking_id)
    with pytest.raises(asyncpg.PostgresError, match="status"):
        await owner.execute("UPDATE transactions SET status = 'completed' WHERE id = $1", transaction_id)


async def test_every_change_of_an_attempt_leaves_an_audit_row_with_its_author(db: Database, booking_id: UUID) -> None:
    async with db.transaction(claims("system", actor="gateway:sandbox", reason="webhook")) as conn:
        transaction_id = await attempt(conn, booking_id)
        await conn.execute(
            "UPDATE transactions SET state = 'succeeded', captured_amount = 10000 WHERE id = $1", transaction_id
        )
        rows = await conn.fetch(
            "SELECT action, old_status, new_status, changed_by, change_reason FROM transaction_audit_logs WHERE transaction_id = $1 ORDER BY id",
            transaction_id,
        )
    assert [tuple(row) for row in rows] == [
        ("created", None, "submitting", "gateway:sandbox", "webhook"),
        ("captured", "submitting", "succeeded", "gateway:sandbox", "webhook"),
    ]


async def test_the_client_secret_is_forgotten_when_the_attempt_ends(owner: Connection, booking_id: UUID) -> None:
    transaction_id = await attempt(owner, booking_id)
    await owner.execute("UPDATE transactions SET client_secret = 'secret' WHERE id = $1", transaction_id)
    await owner.execute("UPDATE transactions SET state = 'canceled' WHERE id = $1", transaction_id)
    assert await owner.fetchval("SELECT client_secret FROM transactions WHERE id = $1", transaction_id) is None
