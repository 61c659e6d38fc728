"""`bench customers`: what a customer's own doors cost the application, and whether a flood of sign-ins slows them down."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import asyncpg
import msgspec

from bench import load
from bench.report import Report, Unable
from bench.rounds import Work, compare, ratio_of_rounds, take_turns
from bench.stand import JWT_SECRET, POOL, Server, Stand, add_departures, standing, statements
from jklg.customers.sessions import rules
from jklg.customers.sessions.rules import Visitor
from jklg.kit import passwords
from jklg.kit.ids import uuid7

ME = "/api/customers/me"
CONNECTIONS = 32
PEOPLE = 1000
BOOKINGS = 20
READS = 200
SIGN_INS = 20
PASSWORD = "seven lakes in eight days"


class Customer(msgspec.Struct, frozen=True):
    """Somebody with an account, signed in."""

    id: UUID
    session: UUID
    token: str

    def asks(self, port: int, path: str) -> bytes:
        return load.get_bytes(port, path, {"Authorization": f"Bearer {self.token}", "Accept": "application/json"})


def run(options: argparse.Namespace) -> Report:
    report = Report("customers")
    with standing() as stand:
        people = move_in(stand, PEOPLE)
        book(stand, people, BOOKINGS)
        rounds, requests = (2, 1500) if options.quick else (7, 6000)
        with stand.servers() as servers:
            check_same_work(stand, servers, people)
            read(report, stand, servers, people, "GET /me", lambda _: ME, "me", rounds, requests, 0.55)
            read(
                report, stand, servers, people, "GET /:id/bookings", path_of_bookings, "customer_bookings",
                rounds, requests, 0.7,
            )  # fmt: skip
        beside_sign_ins(report, stand, people, rounds=1 if options.quick else 5, seconds=4 if options.quick else 15)
    return report


def beside_sign_ins(report: Report, stand: Stand, people: Sequence[Customer], rounds: int, seconds: int) -> None:
    """GET /me at an even pace, alone and beside sign-ins with right and wrong passwords, in turns at one web process."""
    report.say(
        f"\nGET /me, {READS} a second, alone and beside {SIGN_INS} sign-ins a second: {rounds} rounds of twice {seconds} s"
    )
    give_passwords(stand, people)
    alone, beside = [], []
    with stand.server("jklg", JKLG_TRUSTED_PROXIES="127.0.0.1") as server:
        reads = [people[n % len(people)].asks(server.port, ME) for n in range(READS * seconds)]
        for number in range(rounds + 1):
            seen_just_now(stand)
            quiet = load.pace(server.port, reads, READS)
            knocks = [sign_in(server.port, people, number, n) for n in range(SIGN_INS * seconds)]
            with ThreadPoolExecutor(1) as pool:
                knocking = pool.submit(load.pace, server.port, [knock for knock, _ in knocks], SIGN_INS)
                busy = load.pace(server.port, reads, READS)
                signed_in = knocking.result()
            expected = Counter(status for _, status in knocks)
            if (
                signed_in.statuses != expected
                or quiet.statuses != {200: len(reads)}
                or busy.statuses != {200: len(reads)}
            ):
                raise Unable(
                    f"answers {quiet.statuses}, {busy.statuses}, sign-ins {signed_in.statuses}, expected {expected}"
                )
            if number:
                alone.append(quiet.p99)
                beside.append(busy.p99)
                report.say(
                    f"  round {number}: p99 {quiet.p99:.1f} ms alone, {busy.p99:.1f} ms beside sign-ins (p50 {quiet.p50:.1f} and {busy.p50:.1f}; "
                    f"a sign-in p50 {signed_in.p50:.0f}, p99 {signed_in.p99:.0f})"
                )
    report.at_most(
        "p99 beside sign-ins / alone", statistics.median(b / a for a, b in zip(alone, beside, strict=True)), 3.0
    )


def give_passwords(stand: Stand, people: Sequence[Customer]) -> None:
    """Everybody's is `PASSWORD`, hashed as the application does."""
    hashed = asyncio.run(passwords.hash_password(PASSWORD))
    stand.sql("UPDATE customers SET password_hash = $1 WHERE id = ANY($2)", hashed, [one.id for one in people])


def sign_in(port: int, people: Sequence[Customer], turn: int, number: int) -> tuple[bytes, int]:
    """A sign-in of one of them from an address that nobody else has, and the status it deserves: every other password is wrong."""
    wrong = number % 2
    body = {
        "email": f"asha.{number % len(people) + 1}@example.com",
        "password": "a wrong one, sadly" if wrong else PASSWORD,
    }
    address = f"10.{turn}.{number >> 8}.{number & 255}"
    request = load.request_bytes(port, "/api/customers/login", json.dumps(body).encode(), {"X-Forwarded-For": address})
    return request, 401 if wrong else 200


def path_of_bookings(customer: Customer) -> str:
    return f"/api/customers/{customer.id}/bookings"


def read(
    report: Report,
    stand: Stand,
    servers: Sequence[Server],
    people: Sequence[Customer],
    name: str,
    path: Callable[[Customer], str],
    statement: str,
    rounds: int,
    requests: int,
    express_ceiling: float,
) -> None:
    """One door, asked by everybody in turn: JKLG, the peers and pgbench, in turns."""
    report.say(f"\n{name}: {rounds} rounds of {requests} requests of {len(people)} customers, {CONNECTIONS} clients, "
               f"{POOL} connections to PostgreSQL each")  # fmt: skip
    script = pgbench_script(statements()[statement], people)

    def work(count: int) -> Work:
        def make(server: Server, _: int) -> Sequence[bytes]:
            asked = [one.asks(server.port, path(one)) for one in people]
            return [asked[n % len(asked)] for n in range(count)]

        return Work(
            requests=make,
            expected=200,
            reset=lambda: seen_just_now(stand),
            verify=lambda: None,
            pgbench=lambda: stand.run_pgbench(script, transactions=count),
        )

    measured, pgbench = take_turns(report, servers, work(requests), rounds=rounds, connections=CONNECTIONS)
    compare(report, measured, pgbench, express_ceiling=express_ceiling, of=f" of {name}")
    report.say("\n  one client at a time, who shares nothing with anybody")
    lonely, _ = take_turns(report, servers, work(requests // 3), rounds=max(1, rounds // 2), connections=1)
    for peer in ("express", "fastify"):
        ratio = ratio_of_rounds(lonely["jklg"].cpu, lonely[peer].cpu)
        report.beside(f"CPU a request / {peer.title()} of {name}, one client", ratio)


def move_in(stand: Stand, count: int) -> list[Customer]:
    """Customers with a proven mailbox and a session of today. Their ids end in their number: pgbench picks them by it."""
    one, other = uuid7().hex[:28], uuid7().hex[:28]
    now = int(time.time())
    people = []
    for n in range(count):
        visitor = Visitor(UUID(f"{one}{n:04d}"), UUID(f"{other}{n:04d}"))
        token = rules.mint(JWT_SECRET, visitor, issued_at=now, expires_at=now + rules.DAYS * 86400)
        people.append(Customer(visitor.customer_id, visitor.session_id, token))

    async def add() -> None:
        conn = await asyncpg.connect(stand.owner_url)
        try:
            await conn.execute('SET request.jwt.claims = \'{"role": "system"}\'')
            await conn.execute(
                """
                INSERT INTO customers (id, email, name, phone, address, city, country, status, is_email_verified, email_verified_at)
                SELECT id, 'asha.' || n || '@example.com', 'Asha Traveller ' || n, '+91 98765 43210', '12 Boulevard Road', 'Srinagar',
                       'IN', 'active', true, now()
                FROM unnest($1::uuid[]) WITH ORDINALITY AS c(id, n)
                """,
                [one.id for one in people],
            )
            await conn.execute(
                """
                INSERT INTO customer_sessions (id, customer_id, token_hash, expires_at, ip_address, user_agent, device_info)
                SELECT id, customer_id, sha256(id::text::bytea), now() + interval '7 days', '192.0.2.1', 'Mozilla/5.0', 'Firefox on Linux'
                FROM unnest($1::uuid[], $2::uuid[]) AS s(id, customer_id)
                """,
                [one.session for one in people],
                [one.id for one in people],
            )
            await conn.execute("VACUUM ANALYZE customers, customer_sessions")
        finally:
            await conn.close()

    asyncio.run(add())
    return people


def book(stand: Stand, people: Sequence[Customer], each: int) -> None:
    """Every customer has so many confirmed bookings, each on another departure."""
    departures = add_departures(stand, count=each, allotment=3 * len(people))

    async def add() -> None:
        conn = await asyncpg.connect(stand.owner_url)
        try:
            await conn.execute(
                """
                INSERT INTO bookings (id, reference, departure_id, customer_id, status, payment_status, party, seats, currency, total_price,
                                      lines, name, email, phone, hold_expires_at, confirmed_at)
                SELECT gen_random_uuid(), translate(lpad(to_hex(row_number() OVER ()), 6, '0'), '01abcdef', 'GHABCDEF'), d.id, c.id,
                       'confirmed', 'Paid', '{"adult": 2, "child": 1}', 3, 'INR', 12999700, '[]', 'Asha Traveller', 'asha@example.com',
                       '+91 98765 43210', now(), now()
                FROM unnest($1::uuid[]) AS d(id), unnest($2::uuid[]) AS c(id)
                """,
                departures,
                [one.id for one in people],
            )
            await conn.execute("VACUUM ANALYZE")
        finally:
            await conn.close()

    asyncio.run(add())


def seen_just_now(stand: Stand) -> None:
    """`last_seen_at` is written every five minutes: in the measured time by nobody."""
    stand.sql("UPDATE customer_sessions SET last_seen_at = now() WHERE last_seen_at < now() - interval '2 minutes'")
    stand.sql("VACUUM ANALYZE customer_sessions")


def check_same_work(stand: Stand, servers: Sequence[Server], people: Sequence[Customer]) -> None:
    """The same answers from all: to Asha, to Asha at Ben's door, to who has no token, a forged one, or one whose session ended."""
    asha, ben, gone = people[:3]
    stand.sql("UPDATE customer_sessions SET is_active = false, revoked_at = now() WHERE id = $1", gone.session)
    now = int(time.time())
    foreign = rules.mint(
        "a secret of Mallory's, not ours", Visitor(ben.id, ben.session), issued_at=now, expires_at=now + 900
    )
    mallory = Customer(ben.id, ben.session, foreign)
    asked: list[tuple[int, Callable[[int], bytes]]] = [
        (200, lambda port: asha.asks(port, ME)),
        (200, lambda port: asha.asks(port, path_of_bookings(asha))),
        (404, lambda port: asha.asks(port, path_of_bookings(ben))),
        (401, lambda port: load.get_bytes(port, ME, {})),
        (401, lambda port: mallory.asks(port, ME)),
        (401, lambda port: mallory.asks(port, path_of_bookings(ben))),
        (401, lambda port: gone.asks(port, ME)),
        (401, lambda port: gone.asks(port, path_of_bookings(gone))),
    ]
    for expected, request in asked:
        answers = [load.ask(server.port, request(server.port)) for server in servers]
        for server, answer in zip(servers, answers, strict=True):
            if answer != answers[0] or answer[0] != expected:
                raise Unable(f"{server.name} does other work than {servers[0].name}:\n{answer}\n{answers[0]}")
    stand.sql("UPDATE customer_sessions SET is_active = true, revoked_at = NULL WHERE id = $1", gone.session)


def pgbench_script(statement: str, people: Sequence[Customer]) -> str:
    for place, first in (("$1", people[0].id), ("$2", people[0].session)):
        statement = statement.replace(place, f"('{str(first)[:-4]}' || lpad(:person::text, 4, '0'))::uuid")
    return f"\\set person random(0, {len(people) - 1})\n{statement};\n"
