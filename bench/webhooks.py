"""`bench webhooks`: verify over the raw bytes, store once, answer. What a notice costs the application."""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from typing import Any

from bench import load
from bench.report import Report, Unable
from bench.rounds import Work, compare, take_turns
from bench.stand import POOL, STRIPE_WEBHOOK_SECRET, Server, Stand, standing, statements

PATH = "/api/payments/process-webhook"
CONNECTIONS = 32
TRANSACTION = "019aa000-0000-7000-8000-000000000001"


def run(options: argparse.Namespace) -> Report:
    report = Report("webhooks")
    with standing() as stand:
        race(report, stand, rounds=2 if options.quick else 7, requests=1500 if options.quick else 6000)
    return report


def race(report: Report, stand: Stand, rounds: int, requests: int) -> None:
    """Notices of Stripe, each new: JKLG, the peers and pgbench, in turns, each on an empty inbox."""
    script = pgbench_script()
    example = event("evt_example")
    given = {
        "body": example.decode(),
        "headers": json.dumps(headers_of(example, int(time.time())) | {"content-length": "3200"}),
    }
    report.say(
        f"POST {PATH}: {rounds} rounds of {requests} notices of {len(example)} bytes, {CONNECTIONS} clients, "
        f"{POOL} connections to PostgreSQL each"
    )

    def make(server: Server, number: int) -> Sequence[bytes]:
        return [notice(server.port, event(f"evt_{server.name}_{number}_{n}")) for n in range(requests)]

    def verify() -> None:
        filed, pending = stand.sql("SELECT count(*), count(*) FILTER (WHERE state = 'pending') FROM webhook_inbox")[0]
        if (filed, pending) != (requests, requests):
            raise Unable(f"{requests} notices were taken, {filed} are filed, {pending} of them pending")

    with stand.servers() as servers:
        clear(stand)
        check_same_work(stand, servers)
        work = Work(
            requests=make,
            expected=200,
            reset=lambda: clear(stand),
            verify=verify,
            pgbench=lambda: stand.run_pgbench(script, transactions=requests, variables=given),
        )
        measured, pgbench = take_turns(report, servers, work, rounds=rounds, connections=CONNECTIONS)
    compare(report, measured, pgbench, pgbench_floor=0.45, express_ceiling=0.5)


def notice(port: int, body: bytes) -> bytes:
    return load.request_bytes(port, PATH, body, headers_of(body, int(time.time())))


def headers_of(body: bytes, now: int, secret: str = STRIPE_WEBHOOK_SECRET) -> dict[str, str]:
    """What Stripe sends along, signed over the bytes."""
    signature = hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Accept": "*/*; q=0.5, application/xml",
        "Cache-Control": "no-cache",
        "Stripe-Signature": f"t={now},v1={signature},v0={signature}",
    }


def event(event_id: str) -> bytes:
    """A payment_intent.succeeded of the size and shape Stripe sends, indented as Stripe does."""
    intent: dict[str, Any] = {
        "id": "pi_3SWbench0000000000000001",
        "object": "payment_intent",
        "amount": 12_999_700,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 12_999_700,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": "pi_3SWbench0000000000000001_secret_0123456789abcdefghijklmno",
        "confirmation_method": "automatic",
        "created": 1_795_400_000,
        "currency": "inr",
        "customer": None,
        "description": "Great Lakes of Kashmir, booking K7M2QX",
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": "ch_3SWbench0000000000000001",
        "livemode": False,
        "metadata": {"transaction_id": TRANSACTION, "booking_id": TRANSACTION, "booking_reference": "K7M2QX"},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": "pm_1SWbench0000000000000001",
        "payment_method_configuration_details": {"id": "pmc_1SWbench0000000000000001", "parent": None},
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            },
            "link": {"persistent_token": None},
        },
        "payment_method_types": ["card", "link"],
        "processing": None,
        "receipt_email": "asha@example.com",
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": "K7M2QX",
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }
    envelope = {
        "id": event_id,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": 1_795_400_010,
        "data": {"object": intent},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": "req_bench000000001", "idempotency_key": TRANSACTION},
        "type": "payment_intent.succeeded",
    }
    return json.dumps(envelope, indent=2).encode()


def clear(stand: Stand) -> None:
    stand.sql("DELETE FROM webhook_inbox")
    stand.sql("VACUUM ANALYZE webhook_inbox")


def check_same_work(stand: Stand, servers: Sequence[Server]) -> None:
    """Each refuses a forged notice, files a true one as the same row, and counts a repeat without filing it again."""
    body = event("evt_check")
    filed = []
    for server in servers:
        forged = load.request_bytes(server.port, PATH, body, headers_of(body, int(time.time()), secret="whsec_mallory"))
        statuses = [
            load.ask(server.port, request)[0]
            for request in (forged, notice(server.port, body), notice(server.port, body))
        ]
        rows = stand.sql(
            """
            SELECT gateway, event_id, event_type, livemode, ref, transaction_id, body, body_sha256, state, reason, origin,
                   duplicates, collision, (SELECT array_agg(name ORDER BY name) FROM jsonb_object_keys(headers) AS name)
            FROM webhook_inbox
            """
        )
        clear(stand)
        filed.append((statuses, [tuple(row) for row in rows]))
    for server, same in zip(servers, filed, strict=True):
        if same != filed[0] or same[0] != [400, 200, 200]:
            raise Unable(f"{server.name} does other work than {servers[0].name}:\n{same}\n{filed[0]}")


def pgbench_script() -> str:
    """The statement of the inbox; body and headers travel with each execution, as they do from a server."""
    values = {
        1: "'stripe'",
        2: "'evt_' || :client_id || '_' || :turn",
        3: "'payment_intent.succeeded'",
        4: "false",
        5: "'pi_3SWbench0000000000000001'",
        6: f"'{TRANSACTION}'",
        7: ":body::bytea",
        8: "sha256('evt')",
        9: ":headers::jsonb",
        10: "'pending'",
        11: "NULL",
        12: "'webhook'",
    }
    statement = statements()["inbox"]
    for number in sorted(values, reverse=True):
        statement = statement.replace(f"${number}", values[number])
    return f"\\set turn :turn + 1\n{statement};\n"
