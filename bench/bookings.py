"""`bench bookings`: no seat is sold twice under contention, and what a booking costs the application."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from bench import load
from bench.report import Report, Unable
from bench.rounds import Work, compare, take_turns
from bench.stand import POOL, Server, Stand, add_departures, standing, statements

PATH = "/api/bookings"
CONNECTIONS = 32
DEPARTURES = 60
PARTY = {"adult": 2, "child": 1}


def run(options: argparse.Namespace) -> Report:
    report = Report("bookings")
    with standing() as stand:
        contend(report, stand, rounds=5 if options.quick else 100)
        race(report, stand, rounds=2 if options.quick else 7, requests=1000 if options.quick else 4000)
    return report


def contend(report: Report, stand: Stand, rounds: int, clients: int = 200, seats: int = 50) -> None:
    """`clients` ask for one seat each, all at once, on a departure with `seats`. Counted by SQL after every round."""
    report.say(f"contention: {clients} clients for {seats} seats, {rounds} rounds")
    most_sold = uneven = failures = 0
    with stand.server("jklg") as server:
        for departure in add_departures(stand, count=rounds, allotment=seats):
            requests = [booking_request(server.port, departure, n, {"adult": 1}) for n in range(clients)]
            outcome = load.drive(server.port, requests, clients)
            failures += outcome.dropped + sum(n for status, n in outcome.statuses.items() if status not in (201, 409))
            held, sold, taken = stand.sql(
                """
                SELECT count(b.id), coalesce(sum(b.seats), 0), d.seats_taken
                FROM departures d LEFT JOIN bookings b ON b.departure_id = d.id AND b.status = 'held'
                WHERE d.id = $1 GROUP BY d.id
                """,
                departure,
            )[0]
            most_sold = max(most_sold, sold, taken)
            uneven += not held == sold == taken == outcome.statuses.get(201, 0) == seats
    report.at_most("seats sold in the worst round", most_sold, seats)
    report.exactly(f"rounds in which bookings held, seats taken and answers 201 were not all {seats}", uneven, 0)
    report.exactly("answers other than 201 and 409", failures, 0)


def race(report: Report, stand: Stand, rounds: int, requests: int) -> None:
    """Bookings on many departures: JKLG, the peers and pgbench, in turns, each on freshly emptied tables."""
    on_sale = add_departures(stand, count=DEPARTURES, allotment=10_000)
    script = pgbench_script(stand, on_sale)
    report.say(
        f"\nPOST {PATH}: {rounds} rounds of {requests} bookings, {CONNECTIONS} clients, {POOL} connections to PostgreSQL each"
    )

    def make(server: Server, _: int) -> Sequence[bytes]:
        return [booking_request(server.port, on_sale[n % DEPARTURES], n, PARTY) for n in range(requests)]

    def verify() -> None:
        booked, taken = stand.sql("SELECT (SELECT count(*) FROM bookings), (SELECT sum(seats_taken) FROM departures)")[
            0
        ]
        if (booked, taken) != (requests, 3 * requests):
            raise Unable(f"{requests} answers of 201, {booked} bookings, {taken} seats taken")

    with stand.servers() as servers:
        clear(stand)
        check_same_work(stand, servers, on_sale[0])
        work = Work(
            requests=make,
            expected=201,
            reset=lambda: clear(stand),
            verify=verify,
            pgbench=lambda: stand.run_pgbench(script, transactions=requests),
        )
        measured, pgbench = take_turns(report, servers, work, rounds=rounds, connections=CONNECTIONS)
    compare(report, measured, pgbench, pgbench_floor=0.40, express_ceiling=0.8)


def booking_request(port: int, departure: UUID, number: int, party: Mapping[str, int]) -> bytes:
    body = {
        "departure_id": str(departure),
        "party": party,
        "customer_name": f"Asha Traveller {number}",
        "customer_email": f"asha.{number}@example.com",
        "customer_phone": "+91 98765 43210",
        "special_requests": "A room with a view of the lake, please.",
    }
    return load.request_bytes(port, PATH, json.dumps(body).encode())


def clear(stand: Stand) -> None:
    """No bookings, all seats free, no dead rows: every round starts from here."""
    for statement in (
        "DELETE FROM bookings",
        "UPDATE departures SET seats_taken = 0 WHERE seats_taken > 0",
        "VACUUM ANALYZE bookings, departures",
    ):
        stand.sql(statement)


def check_same_work(stand: Stand, servers: Sequence[Server], departure: UUID) -> None:
    """The peers give the same answer and leave the same row as JKLG, but for ids, times and tokens."""
    found = []
    for server in servers:
        status, answer = load.ask(server.port, booking_request(server.port, departure, 1, PARTY))
        if status != 201:
            raise Unable(f"{server.name} answered {status}: {answer}")
        row = stand.sql("SELECT to_jsonb(b) AS row FROM bookings b WHERE id = $1", UUID(answer["booking"]["id"]))[0][
            "row"
        ]
        found.append(
            (_without(answer, "manage_token", "manage_url"), _without(answer["booking"]), _without(json.loads(row)))
        )
    for server, same in zip(servers, found, strict=True):
        if same != found[0]:
            raise Unable(f"{server.name} does other work than {servers[0].name}:\n{same}\n{found[0]}")


def _without(answer: dict[str, object], *more: str) -> dict[str, object]:
    own = {"id", "reference", "hold_expires_at", "created_at", "updated_at", "booking", *more}
    return {name: value for name, value in answer.items() if name not in own}


def pgbench_script(stand: Stand, on_sale: Sequence[UUID]) -> str:
    """Both statements of a booking as JKLG sends them, the second with a body made in place of the application's."""
    version, price_version = stand.sql(
        "SELECT current_setting('server_version_num')::integer, price_version FROM departures WHERE id = $1", on_sale[0]
    )[0]
    body = {
        "id": "<id>",
        "departure_id": "<departure>",
        "price_version": price_version,
        "quote_id": None,
        "party": PARTY,
        "seats": 3,
        "currency": "INR",
        "total_price": 12_999_700,
        "lines": [
            {"label": "Adult", "quantity": 2, "unit_amount": 4_999_900, "amount": 9_999_800, "rule": "adult: 2 x 49,999.00 INR each, age 12 and over on 14 May 2027"},
            {"label": "Child", "quantity": 1, "unit_amount": 2_999_900, "amount": 2_999_900, "rule": "child: 1 x 29,999.00 INR each, age 2 to 11 on 14 May 2027"},
        ],
        "extras": [],
        "travellers": [],
        "name": "Asha Traveller",
        "email": "asha@example.com",
        "phone": "+91 98765 43210",
        "special_requests": "A room with a view of the lake, please.",
        "locale": "en",
        "terms_version": None,
        "source": "Website",
        "hold_seconds": 900,
        "actor": "guest",
        "reference": "<reference>",
    }  # fmt: skip
    departure = f"'{str(on_sale[0])[:-4]}' || lpad(:departure::text, 4, '0')"
    booking = f"'{json.dumps(body)}'"
    for mark, value in {
        "<id>": "uuidv7()" if version >= 180000 else "gen_random_uuid()",
        "<departure>": departure,
        "<reference>": "translate(lpad(to_hex(:number::integer), 6, '0'), '01abcdef', 'GHABCDEF')",
    }.items():
        booking = booking.replace(mark, f"' || {value} || '")
    sql = statements()
    return "\n".join(
        (
            f"\\set departure random(0, {len(on_sale) - 1})",
            "\\set turn :turn + 1",
            "\\set number :client_id * 1000000 + :turn",
            sql["offer"].replace("$1", f"({departure})::uuid") + ";",
            sql["hold"].replace("$1", f"({booking})::jsonb") + ";",
            "",
        )
    )
