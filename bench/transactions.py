"""`bench transactions`: what a page of the list of payments costs, however many there are and however far back it lies; and what it costs the application."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence

from bench import load
from bench.report import Report, Unable
from bench.rounds import Work, compare, take_turns
from bench.stand import POOL, Server, Stand, add_departures, standing, statements
from jklg import staff
from jklg.kit import cursors
from jklg.kit.db import open_database

PATH = "/api/payments/transactions"
FILTER = "status=completed"
SMALL, LARGE, QUICK = 10_000, 10_000_000, 1_000_000
LOOKS = 200
CONNECTIONS = 32
PASSWORD = "seven lakes in eight days"


def run(options: argparse.Namespace) -> Report:
    report = Report("transactions")
    with standing() as stand:
        prepare(stand)
        token = sign_in(stand)
        grow(stand, SMALL)
        report.say(
            f"GET {PATH}?{FILTER}: the first page, and the 10,000th (pages of one), {LOOKS} times each, one client\n"
        )
        with stand.server("jklg") as server:
            small = look(stand, server, token)
        race(report, stand, token, rounds=2 if options.quick else 7, requests=600 if options.quick else 3000)
        large = QUICK if options.quick else LARGE
        began = time.perf_counter()
        grow(stand, large)
        report.say(f"\n  {large:,} payments after {time.perf_counter() - began:.0f} s")
        with stand.server("jklg") as server:
            big = look(stand, server, token)
    for page, before, after in zip(("first page", "10,000th page"), small, big, strict=True):
        report.beside(f"{page} of {SMALL:,}, median", before, " ms")
        report.beside(f"{page} of {large:,}, median", after, " ms")
        report.at_most(f"{page}, {large:,} / {SMALL:,}", after / before, 1.3)
    return report


def prepare(stand: Stand) -> None:
    """A thousand bookings that payments can belong to."""
    departures = add_departures(stand, count=50, allotment=100)
    stand.sql(
        """
        INSERT INTO bookings (id, reference, departure_id, status, payment_status, party, seats, currency, total_price, lines, name, email, phone,
                              hold_expires_at, confirmed_at)
        SELECT gen_random_uuid(), translate(lpad(to_hex(row_number() OVER ()), 6, '0'), '01abcdef', 'GHABCDEF'), d, 'confirmed', 'Paid',
               '{"adult": 2}', 2, 'INR', 9999800, '[]', 'Asha Traveller', 'asha@example.org', '+91 98765 43210', now(), now()
        FROM unnest($1::uuid[]) AS d, generate_series(1, 20)
        """,
        departures,
    )


def grow(stand: Stand, rows: int) -> None:
    """So many completed payments in all, a minute apart, and for every four a failed one. Rules that look at each row rest meanwhile."""
    have = stand.sql("SELECT count(*) FROM transactions WHERE status = 'completed'")[0][0]
    stand.sql("ALTER TABLE transactions DISABLE TRIGGER USER")
    step = 500_000
    for first in range(have, rows, step):
        last = min(first + step, rows)
        stand.sql(
            """
            INSERT INTO transactions (id, booking_id, amount, currency, state, gateway, livemode, transaction_id, request_key, captured_amount,
                                      payment_method, description, created_at, attempted_at, completed_at)
            SELECT gen_random_uuid(), b.ids[1 + n % 1000], 9999800, 'INR', s.state, (ARRAY['stripe', 'paypal', 'razorpay'])[1 + n % 3], true,
                   'pi_' || s.state || n, 'create:' || s.state || n, CASE s.state WHEN 'succeeded' THEN 9999800 ELSE 0 END, 'card', 'Great Lakes of Kashmir',
                   now() - interval '20 years' + n * interval '1 minute', now(), now()
            FROM generate_series($1::int, $2::int - 1) n, (SELECT array_agg(id ORDER BY id) AS ids FROM bookings) b,
                 LATERAL (SELECT 'succeeded' AS state UNION ALL SELECT 'failed' WHERE n % 4 = 0) s
            """,
            first,
            last,
        )
    stand.sql("ALTER TABLE transactions ENABLE TRIGGER USER")
    stand.sql("VACUUM ANALYZE transactions")


def sign_in(stand: Stand) -> str:
    """Chitra's session token."""

    async def enter() -> str:
        db = await open_database(stand.url)
        try:
            email = "chitra@example.org"
            await staff.add(db, email=email, name="Chitra Nair", role="Manager", password=PASSWORD)
            return (
                await staff.sign_in(db, email=email, password=PASSWORD, network="127.0.0.1", user_agent="bench")
            ).token
        finally:
            await db.close()

    return asyncio.run(enter())


def look(stand: Stand, server: Server, token: str) -> tuple[float, float]:
    """Median milliseconds of the first page and of the 10,000th, in turns."""
    at = stand.sql(
        "SELECT created_at, id FROM transactions WHERE status = 'completed' ORDER BY created_at DESC, id DESC OFFSET 9998 LIMIT 1"
    )[0]
    cursor = cursors.write(cursors.Place(at["created_at"], at["id"]))
    pages = [
        asks(server.port, token, f"{PATH}?{FILTER}"),
        asks(server.port, token, f"{PATH}?{FILTER}&limit=1&cursor={cursor}"),
    ]
    times: list[list[float]] = [[], []]
    with load.connected(server.port) as conn:
        for turn in range(LOOKS + 20):
            for page, taken in zip(pages, times, strict=True):
                began = time.perf_counter()
                status, answer = load.ask_on(conn, page)
                if status != 200 or not answer["transactions"]:
                    raise Unable(f"{status}: {answer}")
                if turn >= 20:
                    taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(times[0]), statistics.median(times[1])


def asks(port: int, token: str, path: str) -> bytes:
    return load.get_bytes(port, path, {"Cookie": f"jklg_staff={token}", "Accept": "application/json"})


def race(report: Report, stand: Stand, token: str, rounds: int, requests: int) -> None:
    """A page of 20, asked of JKLG and the peers, in turns with pgbench on the same statements."""
    report.say(
        f"\na page of 20: {rounds} rounds of {requests} requests, {CONNECTIONS} clients, {POOL} connections to PostgreSQL each"
    )
    named = statements()
    script = "BEGIN;\n" + "SET LOCAL request.jwt.claims = '{\"role\": \"staff\"}';\n" + "".join(
        " ".join(named[name].split()).replace("$1", "'completed'") + ";\n"
        for name in ("payments_page", "payments_count")
    ) + "COMMIT;\n"  # fmt: skip

    def make(server: Server, _: int) -> Sequence[bytes]:
        return [asks(server.port, token, f"{PATH}?{FILTER}")] * requests

    with stand.servers() as servers:
        answers = [load.ask(server.port, asks(server.port, token, f"{PATH}?{FILTER}")) for server in servers]
        for server, (status, answer) in zip(servers, answers, strict=True):
            if status != 200 or essence(answer) != essence(answers[0][1]):
                raise Unable(f"{server.name} does other work than {servers[0].name}:\n{answer}\n{answers[0]}")
        work = Work(
            requests=make, expected=200, reset=lambda: None, verify=lambda: None,
            pgbench=lambda: stand.run_pgbench(script, transactions=requests),
        )  # fmt: skip
        measured, pgbench = take_turns(report, servers, work, rounds=rounds, connections=CONNECTIONS)
    compare(report, measured, pgbench, express_ceiling=0.7)


def essence(answer: dict[str, object]) -> object:
    """What must be the same, however times are written."""
    rows = answer["transactions"]
    assert isinstance(rows, list)
    return [(row["id"], row["amount"], row["status"], row["bookings"]) for row in rows], answer["pagination"]["total"]  # type: ignore[index]
