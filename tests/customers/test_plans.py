"""With a million customers, what is asked about one of them still goes by an index. The plans are those of PostgreSQL, not ours to claim."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from jklg.kit.db import SYSTEM, Database, claims
from tests import trade
from tests.customers.test_row_level_security import STATEMENTS

pytestmark = pytest.mark.slow

CUSTOMERS, BOOKINGS = 1_000_000, 300_000
BIG = ("customers", "customer_sessions", "bookings")
ASHA, HER_SESSION = UUID(int=0x019A_0000_0000_7000_8000 << 48 | 4711), UUID(int=0x019B_0000_0000_7000_8000 << 48 | 4711)

MOVE_IN = f"""
SET session_replication_role = replica;
INSERT INTO customers (id, email, name, status, is_email_verified, email_verified_at, created_at)
SELECT ('019a0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'customer.' || n || '@example.org', 'Customer ' || n,
       CASE WHEN n % 50 = 0 THEN 'pending' ELSE 'active' END, n % 50 <> 0, CASE WHEN n % 50 <> 0 THEN now() END, now() - n % 1000 * interval '1 hour'
FROM generate_series(1, {CUSTOMERS}) n;
INSERT INTO customer_sessions (id, customer_id, token_hash, expires_at, last_seen_at)
SELECT ('019b0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, ('019a0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       int8send(n), now() + interval '7 days', now()
FROM generate_series(1, {CUSTOMERS}) n;
INSERT INTO bookings (id, reference, departure_id, customer_id, status, party, seats, currency, total_price, lines, name, email, phone,
                      hold_expires_at, travels_on, erase_when_over)
SELECT ('019c0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       translate(lpad(to_hex(n), 6, '0'), '01abcdef', 'GHABCDEF'), $departure$,
       CASE WHEN n % 3 > 0 THEN ('019a0000-0000-7000-8000-' || lpad(to_hex(CASE WHEN n % 20 = 1 THEN 4711 ELSE 1 + n % 20000 END), 12, '0'))::uuid END, 'confirmed', '{{"adult": 2}}', 2,
       'INR', 100, '[]', 'x', 'customer.' || n || '@example.org', 'x', now(), current_date + n % 500, false
FROM generate_series(1, {BOOKINGS}) n;
SET session_replication_role = origin;
"""


@pytest.fixture
async def town(db: Database, server_admin: Any) -> Database:
    """A million customers, each with a session; every third of the bookings is a guest's."""
    departure = await trade.add_departure(db)
    await server_admin.execute(MOVE_IN.replace("$departure$", f"'{departure}'::uuid"))
    await server_admin.execute("VACUUM ANALYZE customers")
    await server_admin.execute("VACUUM ANALYZE customer_sessions")
    await server_admin.execute("VACUUM ANALYZE bookings")
    return db


def _value(kind: str) -> Any:
    if kind.endswith("[]"):
        return [_value(kind[:-2])]
    return {
        "uuid": ASHA, "text": "customer.4711@example.org", "bytea": b"x", "int4": 90, "int8": 90, "bool": True, "date": date(2027, 1, 1),
        "timestamptz": datetime.now(UTC), "jsonb": {}, "float8": 1.0, "numeric": 1, "inet": "192.0.2.1", "cidr": "192.0.2.0/24",
    }[kind]  # fmt: skip


_SCANS = "SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE relname = ANY($1)"


async def _walked_through(conn: Any, sql: str, values: list[Any] | None = None, who: str = SYSTEM) -> list[str]:
    """The big tables that a statement has read from end to end, functions and triggers within it included. What it did is undone."""
    await conn.execute(f"BEGIN; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL request.jwt.claims = '{who}'")
    try:
        before = dict(await conn.fetch(_SCANS, BIG))  # of earlier database transactions, not yet handed in
        prepared = await conn.prepare(sql)
        given = [_value(kind.name) for kind in prepared.get_parameters()] if values is None else values
        if values is None and re.search("::(inet|cidr)", sql):
            given = ["192.0.2.0/24" if each == _value("text") else each for each in given]
        try:
            await prepared.fetch(*given)
        except (
            asyncpg.IntegrityConstraintViolationError,
            asyncpg.InsufficientPrivilegeError,
        ):  # what we made up cannot be written: it was looked for all the same
            await conn.execute("ROLLBACK")
            return []
        return [table for table, scans in await conn.fetch(_SCANS, BIG) if scans > before[table]]
    finally:
        await conn.execute("ROLLBACK")


async def _plan(conn: Any, sql: str, who: str = SYSTEM) -> str:
    await conn.execute(f"BEGIN; SET LOCAL request.jwt.claims = '{who}'")
    try:
        return "\n".join(row[0] for row in await conn.fetch(f"EXPLAIN {sql}"))
    finally:
        await conn.execute("ROLLBACK")


BOOKINGS_OF_A_CUSTOMER = f"""
SELECT b.id FROM bookings b WHERE b.customer_id = '{ASHA}' AND (b.travels_on, b.id) < ('2030-01-01'::date, '{ASHA}'::uuid)
ORDER BY b.travels_on DESC, b.id DESC LIMIT 21
"""
AS_ASHA = claims("customer", sub=str(ASHA), sid=str(HER_SESSION))
PLANS = {
    "the account of a proven address": (
        "SELECT id FROM customers WHERE mailbox = lower('Customer.4711@example.org') AND is_email_verified LIMIT 1", SYSTEM,
        "customers_email_verified_once|customers_of_email",
    ),
    "the newest claim to an address": (
        "SELECT id FROM customers WHERE mailbox = lower('Customer.50@example.org') AND NOT is_email_verified ORDER BY created_at DESC LIMIT 1",
        SYSTEM, "customers_of_email",
    ),
    "old registrations": (
        "SELECT id FROM customers WHERE status = 'pending' AND created_at < now() - interval '40 days' LIMIT 100", SYSTEM, "customers_pending_by_age",
    ),
    "a customer's devices": (
        f"SELECT id FROM active_customer_sessions WHERE customer_id = '{ASHA}' ORDER BY last_seen_at DESC", AS_ASHA, "customer_sessions_of_customer",
    ),
    "a page of a customer's bookings": (BOOKINGS_OF_A_CUSTOMER, AS_ASHA, "bookings_of_customer"),
    "guest bookings of a mailbox": (
        "SELECT id FROM bookings WHERE mailbox = lower('Customer.4712@example.org') AND customer_id IS NULL", SYSTEM, "bookings_of_mailbox",
    ),
}  # fmt: skip
FUNCTIONS = {
    "SELECT customer_me($1, $2)": [ASHA, HER_SESSION],
    "SELECT customer_bookings($1, $2)": [ASHA, HER_SESSION],
    "SELECT customer_bookings($1, $2, '2027-06-01', $1, 50)": [ASHA, HER_SESSION],
    "SELECT * FROM customers_me(ARRAY[$1::uuid], ARRAY[$2::uuid])": [ASHA, HER_SESSION],
    "SELECT update_customer_stats($1)": [ASHA],
    "SELECT calculate_loyalty_points($1)": [ASHA],
    "UPDATE bookings SET customer_id = $1 WHERE mailbox = lower($2) AND customer_id IS NULL RETURNING id": [
        ASHA,
        "customer.3@example.org",
    ],
    "SELECT id FROM bookings WHERE erase_when_over AND status IN ('cancelled', 'expired', 'completed') AND NOT payment_open AND email <> '' "
    "ORDER BY id LIMIT 100": [],
}


async def test_what_is_asked_about_one_of_a_million_goes_by_an_index(
    town: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = []
    async with town.connection() as conn:
        assert await conn.fetchval("SELECT claim('role')") is None
        for what, (sql, who, index) in PLANS.items():
            plan = await _plan(conn, sql, who)
            print(f"\n{what}:\n{plan}")
            if not re.search(rf"Index (Only )?Scan.*({index})|Bitmap Index Scan on ({index})", plan) or re.search(
                rf"Seq Scan on ({'|'.join(BIG)})", plan
            ):
                wrong.append(f"{what}:\n{plan}")
        assert "Sort" not in await _plan(conn, BOOKINGS_OF_A_CUSTOMER, AS_ASHA), "the index has the order of the page"
        for sql, values in FUNCTIONS.items():
            if walked := await _walked_through(conn, sql, values):
                wrong.append(f"{sql} reads all of {walked}")
        for name, sql in STATEMENTS:
            walked = [await _walked_through(conn, sql, None, who) for who in (SYSTEM, AS_ASHA)]
            if any(walked):
                wrong.append(f"{name} reads all of {walked}:\n{sql}")
        assert await _walked_through(conn, "SELECT count(*) FROM customers WHERE phone = $1") == ["customers"], (
            "else nothing would be seen here"
        )
    assert not wrong, "\n\n".join(wrong)
