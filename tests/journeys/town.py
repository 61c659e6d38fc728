"""A whole town for the journeys that need real processes: webs, workers and the play bank as `./jklg up` starts them,
one database, and a post office. Whoever dies is started again by the test, and time passes when the test says so.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx
from aiosmtpd.controller import Controller

from jklg import ledger
from jklg.kit.db import Database, open_database
from jklg.payments.books import CHECKS
from tests.conftest import Server
from tests.invariants import broken
from tests.mail.test_mail import PostOffice

SOURCE = Path(__file__).parents[2] / "src"
KEY = "the key of the town's bank"
Json = dict[str, Any]

TIME_MACHINE = (
    "CREATE TABLE time_machine (ahead interval NOT NULL)",
    "INSERT INTO time_machine VALUES ('0')",
    "GRANT SELECT ON time_machine TO jklg_app",
    "CREATE OR REPLACE FUNCTION house_now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL RESTRICTED"
    " RETURN clock_timestamp() + (SELECT ahead FROM time_machine)",
)
"""The house clock of every session of this database, moved by one row: leases and pauses run out when we say so."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Citizen:
    """One process of the house: `python -m jklg <arguments>`. Dies, and is started again with another failpoint or none."""

    def __init__(self, name: str, arguments: list[str], environment: dict[str, str], log: Path, port: int = 0) -> None:
        self.name = name
        self.port = port
        self.log = log
        self._arguments = arguments
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._armed = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, failpoint: str = "") -> None:
        """Start, and wait until it listens. `failpoint`: where it will be killed."""
        self._armed = bool(failpoint)
        self._process = self._spawn({"JKLG_FAILPOINT": f"{failpoint}:kill"} if failpoint else {})
        if self.port:
            await until(self._listens, 60, f"{self.name} opens")

    def _spawn(self, more: dict[str, str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "jklg", *self._arguments],
                env={**self._environment, **more},
                cwd=self.log.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def _listens(self) -> bool:
        assert self._process is not None
        if self._armed and self._process.poll() == -signal.SIGKILL:
            return True  # the bank was waiting at the door
        assert self._process.poll() is None, self.log.read_text()
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def is_killed(self) -> None:
        """kill -9, wherever it is."""
        assert self._process is not None
        process, self._process = self._process, None
        process.kill()
        await until(lambda: process.poll() is not None, 5, f"{self.name} is dead")

    async def dies(self, seconds: float = 30) -> None:
        """Wait until the failpoint has killed it, and nothing else has."""
        assert self._process is not None
        process = self._process
        await until(lambda: process.poll() is not None, seconds, f"{self.name} reaches its failpoint")
        assert process.returncode == -signal.SIGKILL, self.log.read_text()
        self._process = None

    async def stop(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.terminate()
        try:
            await until(lambda: process.poll() is not None, 15, f"{self.name} stops")
        finally:
            process.kill()
            process.wait()


async def until(
    what: Callable[[], bool | Awaitable[bool]], seconds: float, wish: str, more: Callable[[], object] = str
) -> None:
    """Wait, but not for ever."""
    deadline = time.monotonic() + seconds
    while True:
        answer = what()
        if answer if isinstance(answer, bool) else await answer:
            return
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {wish} {more()}"
        await asyncio.sleep(0.05)


PUBLIC_URL = "http://localhost:3000"
"""All processes of a house have the same: it goes to the gateway, which takes a payment sent again with another one for another."""


class Town:
    """Everything that runs, and what the people in it do."""

    def __init__(self, server: Server, database: str, directory: Path, post_office: PostOffice, smtp_port: int) -> None:
        self._server = server
        self.admin_url = server.admin_url(database)
        self.post_office = post_office
        self.http = httpx.AsyncClient(timeout=10)
        self.directory = directory
        self.citizens: list[Citizen] = []
        self.db: Database
        self._kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        bank_port = free_port()
        self._environment = {
            **self._kept,
            "PYTHONPATH": str(SOURCE),
            "DATABASE_URL": server.login_url(database),
            "JWT_SECRET": "a fixed secret for the town: 0123456789",
            "JKLG_DATA_DIR": str(directory / "data"),
            "JKLG_WORKER_POLL_SECONDS": "0.1",
            "SANDBOX_URL": f"http://127.0.0.1:{bank_port}",
            "SANDBOX_KEY": KEY,
            "SANDBOX_WEBHOOK_SECRET": "the secret of the town's webhooks",
            "SANDBOX_FAULTS": "1",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(smtp_port),
            "SMTP_TLS": "none",
        }
        self.bank_port = bank_port

    def citizen(self, name: str, *arguments: str, port: int = 0, **environment: str) -> Citizen:
        new = Citizen(name, list(arguments), {**self._environment, **environment}, self.directory / f"{name}.log", port)
        self.citizens.append(new)
        return new

    def web(self, name: str) -> Citizen:
        port = free_port()
        return self.citizen(name, "web", "--port", str(port), port=port, JKLG_PUBLIC_URL=PUBLIC_URL)

    def worker(self, name: str) -> Citizen:
        return self.citizen(name, "worker", JKLG_PUBLIC_URL=PUBLIC_URL)

    def bank(self, told: Citizen) -> Citizen:
        """The play bank; it brings its webhooks to `told`."""
        port = str(self.bank_port)
        return self.citizen("bank", "sandbox", "--port", port, port=self.bank_port, PORT=str(told.port))

    def logs(self) -> str:
        return "\n".join(
            f"--- {each.name}\n{each.log.read_text()[-3000:]}" for each in self.citizens if each.log.exists()
        )

    # -- looking -------------------------------------------------------------------------------------------------------

    async def ask(self, sql: str, *values: object) -> Any:
        """One value, seen by a superuser."""
        conn = await asyncpg.connect(self.admin_url)
        try:
            return await conn.fetchval(sql, *values)
        finally:
            await conn.close()

    async def saw_no_deadlock(self) -> None:
        """PostgreSQL had to refuse nobody because two waited for each other."""
        found = await self.ask("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        assert found == 0, self._server.said("deadlock detected")

    async def later(self, minutes: float) -> None:
        """Time passes: for every deadline of the house, and for the leases of news, which its queue counts by itself."""
        await self.ask(
            "UPDATE time_machine SET ahead = ahead + make_interval(secs => $1) RETURNING ahead", minutes * 60
        )
        await self.ask(
            "UPDATE pgqueuer SET heartbeat = heartbeat - make_interval(secs => $1) WHERE status = 'picked' RETURNING 1",
            minutes * 60,
        )

    async def comes_to_rest(self, seconds: float = 60) -> None:
        """Until nothing is on its way any more; then every invariant holds and the books agree with the world."""
        found: list[str] = []

        async def at_rest() -> bool:
            conn = await asyncpg.connect(self.admin_url)
            try:
                found[:] = await broken(conn, quiet=True)
            finally:
                await conn.close()
            return not found

        await until(at_rest, seconds, "the town comes to rest", lambda: "\n".join([*found, self.logs()]))
        findings = await ledger.verify(self.db, CHECKS, keys=["a fixed secret for the town: 0123456789"])
        assert findings.ok, findings.broken

    # -- the bank ------------------------------------------------------------------------------------------------------

    async def at_bank(self, method: str, path: str, **body: Any) -> Json:
        answer = await self.http.request(
            method,
            f"http://127.0.0.1:{self.bank_port}{path}",
            headers={"Authorization": f"Bearer {KEY}"},
            json=body or None,
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def charges(self, booking_id: str) -> list[Json]:
        """What the bank has of a booking, open attempts left out."""
        listed = (await self.at_bank("GET", "/v1/intents?limit=100"))["data"]
        return [each for each in listed if each["metadata"].get("booking_id") == booking_id and each["amount_received"]]

    async def refunds(self, intent: Json) -> list[Json]:
        """What the bank has sent back of a payment."""
        return list((await self.at_bank("GET", f"/v1/refunds?intent={intent['paymentIntentId']}"))["data"])

    async def pays_on_the_banks_page(self, intent: Json, action: str = "pay") -> None:
        answer = await self.http.post(
            f"http://127.0.0.1:{self.bank_port}/pay/{intent['paymentIntentId']}",
            data={"client_secret": intent["clientSecret"], "action": action},
        )
        assert answer.status_code == 303, answer.text

    # -- the post office -----------------------------------------------------------------------------------------------

    def letters(self, address: str) -> list[EmailMessage]:
        return [letter for letter in list(self.post_office.received) if address in str(letter["To"])]


class Busy(Exception):
    """Not now: the same again is right."""


class Customer:
    """Somebody who books and pays over HTTP, and tries again when a page does not come."""

    def __init__(self, town: Town, departure: UUID, name: str = "Asha Rao") -> None:
        self.town = town
        self.email = f"{token_hex(5)}@example.org"
        self.body = {
            "departure_id": str(departure),
            "party": {"adult": 2},
            "customer_name": name,
            "customer_email": self.email,
            "customer_phone": "+91 98765 43210",
        }
        self.key = token_hex(8)
        self.booking: Json = {}
        self.token = ""

    async def books(self, web: Citizen) -> None:
        """Busy while a try that was killed still has its lease, or while the database cannot answer."""
        answer = await self.town.http.post(
            f"{web.url}/api/bookings", json=self.body, headers={"Idempotency-Key": self.key}
        )
        if answer.status_code in (409, 503) and answer.json()["code"] in ("idempotency_in_progress", "unavailable"):
            raise Busy(answer.text)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        self.booking, self.token = made["booking"], made["manage_token"]

    async def starts_to_pay(self, web: Citizen) -> Json:
        """Asks again while the bank has not answered. Raises httpx.TransportError when the web dies under the request."""
        for _ in range(10):
            answer = await self.town.http.post(
                f"{web.url}/api/payments/create-payment-intent",
                json={"bookingId": self.booking["id"], "bookingToken": self.token},
            )
            if answer.status_code == 503:
                raise Busy(answer.text)
            if answer.status_code != 202:
                break
            await asyncio.sleep(0.2)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def comes_back(self, web: Citizen, intent: Json) -> Json:
        """Raises httpx.TransportError when the web dies under the request."""
        answer = await self.town.http.get(
            f"{web.url}/api/payments/{intent['transactionId']}", headers={"X-Booking-Token": self.token}
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def gives_up(self, web: Citizen) -> Json:
        """What she is told, a refusal too. Raises httpx.TransportError when the web dies under the request."""
        answer = await self.town.http.post(
            f"{web.url}/api/bookings/{self.booking['id']}/cancel", headers={"X-Booking-Token": self.token}
        )
        assert answer.status_code in (200, 409), answer.text
        return dict(answer.json())

    async def has_paid_once(self, *, letters_at_most: int = 1) -> None:
        """One booking, confirmed; its price taken once, and in the books; each letter once (or, after a crash in between, again)."""
        town, booking = self.town, self.booking
        assert await town.ask("SELECT count(*) FROM bookings WHERE email = $1", self.email) == 1
        assert await town.ask("SELECT status FROM bookings WHERE id = $1", UUID(booking["id"])) == "confirmed"
        charges = await town.charges(booking["id"])
        assert [charge["amount_received"] for charge in charges] == [booking["total_price"]]
        deposit = "SELECT -sum(amount) FROM ledger_entries WHERE subject_id = $1 AND account = 'customer_deposits'"
        assert await town.ask(deposit, UUID(booking["id"])) == booking["total_price"]
        letters = town.letters(self.email)
        assert len({letter["Message-ID"] for letter in letters}) == 2, [letter["Subject"] for letter in letters]
        assert len({letter["Subject"] for letter in letters}) == 2
        for subject in {letter["Subject"] for letter in letters}:
            assert sum(letter["Subject"] == subject for letter in letters) <= letters_at_most

    async def has_lost_nothing(self) -> None:
        """One booking, expired; nothing was taken and nobody was told otherwise."""
        assert (
            await self.town.ask("SELECT string_agg(status, ' ') FROM bookings WHERE email = $1", self.email)
            == "expired"
        )
        assert await self.town.charges(self.booking["id"]) == []
        assert self.town.letters(self.email) == []


T = TypeVar("T", bound=Town)


@asynccontextmanager
async def build_town(kind: type[T], server: Server, template: str, directory: Path) -> AsyncIterator[T]:
    """An empty town of this kind; its citizens are stopped at the end, and its database is gone."""
    name = f"jklg_town_{token_hex(6)}"
    await server.create(name, template)
    post_office = PostOffice()
    smtp = Controller(post_office, hostname="127.0.0.1", port=free_port())
    smtp.start()
    town = kind(server, name, directory, post_office, smtp.port)
    for statement in TIME_MACHINE:
        await town.ask(statement)
    town.db = await open_database(server.login_url(name))
    try:
        yield town
    finally:
        await asyncio.gather(*(each.stop() for each in town.citizens))
        await town.http.aclose()
        await town.db.close()
        smtp.stop()
        await server.drop(urlsplit(town.admin_url).path.lstrip("/"))
