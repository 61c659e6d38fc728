"""`bench confirming`: from a webhook to a confirmed booking, without a rest, while the worker is killed every ten seconds.

A web process, a worker, PostgreSQL and the load share this machine; Stripe is `bench/quiet_stripe.py`. Four notices ring for each
booking, as Stripe sends them for a card: payment_intent.created, charge.succeeded, payment_intent.succeeded, charge.updated.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from uuid import UUID

from bench import load, processes
from bench.quiet_stripe import AMOUNT
from bench.report import Report
from bench.stand import ROOT, Stand, add_departures, environment, standing
from bench.webhooks import notice
from jklg.app import build_house
from jklg.bookings import HoldRequest, TravellerRequest, hold
from jklg.kit.db import open_database
from jklg.payments import start
from jklg.settings import load as load_settings

RATE = 300
KILL_EVERY = 10.0
BELLS = ("payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "charge.updated")
SOLD_BEFORE = 300
SEATS = 20
"""Of each departure: those who pay for one departure in the same moment wait for each other."""
LEASE = 60
"""Seconds after which another worker takes up what a killed one had in hand (payments/webhooks); it may be killed in its turn."""


def run(options: argparse.Namespace) -> Report:
    report = Report("confirming")
    seconds = 12 if options.quick else 60
    with standing() as stand, contextlib.ExitStack() as stack:
        port = processes.free_port()
        log = stand.folder / "stripe.log"
        command = [sys.executable, "-m", "bench.quiet_stripe", str(port)]
        stack.enter_context(processes.running(command, log=log, cwd=ROOT, env=dict(os.environ)))
        settings = {"STRIPE_API_BASE": f"http://127.0.0.1:{port}", "JKLG_LOG_LEVEL": "WARNING"}
        payments = prepare(stand, settings, SOLD_BEFORE + RATE * seconds // len(BELLS))
        web = stack.enter_context(stand.server("jklg", 0, **settings))
        sell_some(stand, settings, web.port, payments[:SOLD_BEFORE])
        requests = ring(web.port, payments[SOLD_BEFORE:])
        report.say(
            f"{RATE} notices a second for {seconds} s, which are {RATE / len(BELLS):.0f} bookings a second: {len(BELLS)} ring for each, one right after"
            f" the other; the worker is killed every {KILL_EVERY:.0f} s"
        )
        killed = Killed(stand, settings)
        just_made(stand)
        began = time.time()
        with killed:
            outcome = load.pace(web.port, requests, RATE)
            ended = time.time()
            waiting = stand.sql("SELECT count(*) FROM webhook_inbox WHERE state = 'pending'")[0][0]
            wait_until_quiet(stand, 4 * LEASE)
        tell(report, stand, outcome, payments, waiting, (began, ended), killed.times)
    return report


def ring(port: int, payments: list[UUID]) -> list[bytes]:
    """The notices of these payments, one right after the other."""
    return [notice(port, bell(payment, kind)) for payment in payments for kind in BELLS]


def sell_some(stand: Stand, settings: dict[str, str], port: int, payments: list[UUID]) -> None:
    """An agency has sold before, so that PostgreSQL knows what its tables are like. Outside of the measurement."""
    command = [sys.executable, "-m", "jklg", "worker"]
    env = environment(stand, 0) | settings
    with processes.running(command, log=stand.folder / "worker.log", cwd=ROOT, env=env):
        load.pace(port, ring(port, payments), RATE / 2)
        wait_until_quiet(stand, LEASE)
    stand.sql("VACUUM ANALYZE")


class Killed:
    """A worker that is killed again and again while the block lasts: the process that works, of which its foreman forks another (startup/foreman)."""

    def __init__(self, stand: Stand, settings: dict[str, str]) -> None:
        self._command = [sys.executable, "-m", "jklg", "worker"]
        self._env = environment(stand, 0) | settings
        self._log = stand.folder / "worker.log"
        self._over = threading.Event()
        self.times = 0
        self._thread = threading.Thread(target=self._kill)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _kill(self) -> None:
        with self._log.open("ab") as log:
            foreman = subprocess.Popen(self._command, cwd=ROOT, env=self._env, stdout=log, stderr=log)
        while not self._over.wait(KILL_EVERY):
            _, worker = processes.tree(foreman.pid)
            os.kill(worker, signal.SIGKILL)
            self.times += 1
        foreman.kill()
        foreman.wait()


def prepare(stand: Stand, settings: dict[str, str], count: int) -> list[UUID]:
    """So many bookings are held, and each has been to the payment page: one by the house, the others after its example."""
    departures = add_departures(stand, -(-count // SEATS), 2 * SEATS)
    stand.sql("UPDATE departures SET cutoff_at = now() + interval '80 days'")

    async def first() -> UUID:
        given = load_settings(environment(stand, 0) | settings)
        house = await build_house(given, await open_database(stand.url))
        try:
            held = await hold(
                house.db,
                HoldRequest(
                    departure_id=departures[0], party={"adult": 1}, name="Asha Rao", email="asha@example.org", phone="+919876543210",
                    travellers=[TravellerRequest(name="Asha Rao", category="adult")],
                ),
                hold_minutes=60,
            )  # fmt: skip
            return (await start(house, held.id, "stripe")).transaction.id
        finally:
            await house.close()

    example = asyncio.run(first())
    return clone(stand, example, count)


def clone(stand: Stand, example: UUID, count: int) -> list[UUID]:
    """The example's booking, traveller, payment and command, again and again under other ids."""
    stand.sql("CREATE TABLE bench_made (n int, booking uuid, payment uuid, code text)")
    stand.sql(
        """
        INSERT INTO bench_made
        SELECT n, gen_random_uuid(), gen_random_uuid(),
               (SELECT string_agg(substr('ABCDEFGHJKLMNPQRSTUVWXYZ23456789', 1 + (n / (32 ^ k)::int) % 32, 1), '') FROM generate_series(0, 5) k)
        FROM generate_series(2, $1::int) n
        """,
        count,
    )
    booking = stand.sql("SELECT booking_id FROM transactions WHERE id = $1", example)[0][0]
    stand.sql("ALTER TABLE bench_made ADD COLUMN departure uuid")
    stand.sql(
        """
        UPDATE bench_made SET departure = d.id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM departures) d
        WHERE d.place = 1 + n % $1
        """,
        -(-count // SEATS),
    )
    _copy(stand, "bookings", "id", booking, "'id', booking, 'reference', code, 'departure_id', departure")
    _copy(stand, "travellers", "booking_id", booking, "'id', gen_random_uuid(), 'booking_id', booking")
    ours = "'request_key', 'create:' || payment"
    ref = "'transaction_id', 'pi_' || replace(payment::text, '-', '')"
    _copy(stand, "transactions", "id", example, f"'id', payment, 'booking_id', booking, {ours}, {ref}")
    _copy(
        stand,
        "gateway_commands",
        "transaction_id",
        example,
        f"'id', gen_random_uuid(), 'transaction_id', payment, {ours}",
    )
    stand.sql("UPDATE transactions SET check_at = now() + interval '1 hour'")  # until `just_made`
    stand.sql("VACUUM ANALYZE")
    return [example, *(row[0] for row in stand.sql("SELECT payment FROM bench_made ORDER BY n"))]


def _copy(stand: Stand, table: str, key: str, of: UUID, changes: str) -> None:
    """A row of `table` once for each of bench_made, with `changes` (arguments of jsonb_build_object)."""
    names = stand.sql(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        table,
    )
    columns = ", ".join(row[0] for row in names)
    stand.sql(
        f"""
        INSERT INTO {table} ({columns}) SELECT {", ".join(f"(made).{row[0]}" for row in names)}
        FROM (SELECT jsonb_populate_record(x, jsonb_build_object({changes})) AS made FROM bench_made, {table} x WHERE x.{key} = $1) made
        """,
        of,
    )


def just_made(stand: Stand) -> None:
    """Each payment was begun right before its notices ring: what nobody has rung for in five seconds, the worker looks at by itself (payments.rules)."""
    stand.sql(
        """
        UPDATE transactions t SET check_at = now() + (5 + (m.n - $2::int) / $1::float) * interval '1 second'
        FROM bench_made m WHERE m.payment = t.id AND m.n > $2
        """,
        RATE / len(BELLS),
        SOLD_BEFORE,
    )
    stand.sql("VACUUM ANALYZE transactions")


def bell(payment: UUID, kind: str) -> bytes:
    """A notice of one payment, of the size that Stripe sends."""
    ref = f"pi_{payment.hex}"
    thing = {"id": ref, "object": "payment_intent", "amount": AMOUNT, "metadata": {"transaction_id": str(payment)}}
    if kind.startswith("charge."):
        thing |= {"id": f"ch_{payment.hex}", "object": "charge", "payment_intent": ref}
    event = {
        "id": f"evt_{kind}_{payment.hex}", "object": "event", "api_version": "2026-10-28.endive", "created": int(time.time()),
        "livemode": False, "pending_webhooks": 1, "type": kind, "data": {"object": thing | {"padding": "x" * 2000}},
    }  # fmt: skip
    return json.dumps(event, indent=2).encode()


def wait_until_quiet(stand: Stand, seconds: float) -> None:
    """Until no notice and no news waits, or the time is over."""
    over = time.time() + seconds
    while time.time() < over:
        pending, news = stand.sql(
            "SELECT (SELECT count(*) FROM webhook_inbox WHERE state = 'pending'), (SELECT count(*) FROM pgqueuer)"
        )[0]
        if not pending and not news:
            return
        time.sleep(1)


def tell(
    report: Report,
    stand: Stand,
    outcome: load.Outcome,
    payments: list[UUID],
    waiting: int,
    within: tuple[float, float],
    killed: int,
) -> None:
    """Nothing was lost, nothing was done twice, and it kept up."""
    notices = len(payments) * len(BELLS)
    report.exactly("notices answered with 200", outcome.statuses.get(200, 0), notices - SOLD_BEFORE * len(BELLS))
    states: dict[str, int] = {
        row[0]: row[1] for row in stand.sql("SELECT state, count(*) FROM webhook_inbox GROUP BY state")
    }
    report.exactly("notices looked into", states.get("done", 0), notices)
    report.exactly(
        "bookings confirmed", stand.sql("SELECT count(*) FROM bookings WHERE status = 'confirmed'")[0][0], len(payments)
    )
    booked = stand.sql(
        "SELECT coalesce(-sum(amount), 0)::bigint FROM ledger_entries WHERE account = 'customer_deposits'"
    )[0][0]
    report.exactly("money in the books", booked, AMOUNT * len(payments))
    for kind in ("booking_confirmed", "payment_receipt"):
        written = stand.sql("SELECT count(*) FROM mail_outbox WHERE kind = $1", kind)[0][0]
        report.exactly(f"letters {kind}", written, len(payments))
    stand.sql("ANALYZE")  # the stand has no autovacuum that would
    env = environment(stand, 0)
    verified = subprocess.run(
        [sys.executable, "-m", "jklg", "ledger", "verify"], env=env, cwd=ROOT, capture_output=True, check=False
    )
    report.exactly("jklg ledger verify", verified.returncode, 0)
    if verified.returncode:
        report.say((verified.stdout + verified.stderr).decode())
    report.exactly("concerns", stand.sql("SELECT count(*) FROM anomalies")[0][0], 0)
    within_it = "BETWEEN to_timestamp($1) AND to_timestamp($2)"
    done = stand.sql(f"SELECT count(*) FROM webhook_inbox WHERE done_at {within_it}", *within)[0][0]
    report.at_least("notices looked into a second, while they came", done / outcome.seconds, 0.95 * RATE)
    confirmed = stand.sql(f"SELECT count(*) FROM bookings WHERE confirmed_at {within_it}", *within)[0][0]
    report.beside("bookings confirmed a second, while they came", confirmed / outcome.seconds)
    report.beside("left when the last had come", waiting)
    report.beside("times the worker was killed", killed)
    p50, p99 = stand.sql(
        """
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY w), percentile_cont(0.99) WITHIN GROUP (ORDER BY w)
        FROM (SELECT extract(epoch FROM done_at - received_at)::float AS w FROM webhook_inbox
              WHERE received_at >= to_timestamp($1)) waits
        """,
        within[0],
    )[0]
    report.beside("from intake to looked into, median", p50, " s")
    report.beside("the same, 99th percentile", p99, " s")
