"""What happens to Asha's journey stands in her account, and on the pages she has open at once, whichever process it happened in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import asyncpg
import httpx
import pytest

from jklg import app, jobs
from jklg.bookings import tidings
from jklg.bookings.tidings import pages
from jklg.kit import bells
from jklg.kit.db import claims
from jklg.kit.ids import uuid7
from tests import trade
from tests.bookings.test_pages_of_a_customer import buy
from tests.customers.people import MALLORYS, PASSWORD, People, people  # noqa: F401  (people is a fixture)
from tests.customers.test_pages import browser, join, sign_in

SOON = 15.0


class Page:
    """A page that is open and listens. `heard` in the order it came."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.heard: list[dict[str, Any]] = []
        self.known_until = ""
        self.over = False
        self.beats = 0
        self._text = ""
        self._more = asyncio.Event()

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        else:
            self._text += message.get("body", b"").decode()
            *whole, self._text = self._text.split("\r\n\r\n")
            for each in whole:
                self._event(dict(line.partition(": ")[::2] for line in each.split("\r\n")))
        self._more.set()

    def _event(self, said: dict[str, str]) -> None:
        if said.get("event") == "tiding":
            self.heard.append(json.loads(said["data"]))
            self.known_until = said["id"]
        self.over |= said.get("event") == "over"
        self.beats += said.get("") == "here"

    async def until(self, true: Any) -> None:
        """Until that is so; a test that waits in vain fails."""
        async with asyncio.timeout(SOON):
            while not true():
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def open_page(people: People, asha: httpx.AsyncClient, since: str = "", last: str = "") -> AsyncIterator[Page]:
    """A page that listens, until it is closed."""
    cookie = "; ".join(f"{name}={value}" for name, value in asha.cookies.items())
    headers = [
        (b"host", b"localhost"),
        (b"cookie", cookie.encode()),
        *([(b"last-event-id", last.encode())] if last else []),
    ]
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": pages.LIVE,
        "raw_path": pages.LIVE.encode(), "root_path": "", "query_string": f"since={quote(since)}".encode() if since else b"",
        "headers": headers, "client": ("192.0.2.1", 4711), "server": ("localhost", 80),
    }  # fmt: skip
    closed, asked = asyncio.Event(), False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await closed.wait()
        return {"type": "http.disconnect"}

    page = Page()
    task = asyncio.create_task(people.app(scope, receive, page.send))  # type: ignore[arg-type]
    try:
        await page.until(lambda: page.beats or page.heard or page.over or page.status >= 300)
        yield page
    finally:
        closed.set()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, SOON)


async def booked(people: People, asha: httpx.AsyncClient, **departure: Any) -> tuple[str, UUID, UUID]:
    """(reference, booking, departure) of Asha, who is signed in."""
    where = await trade.add_departure(people.house.db, **departure)
    reference = await buy(asha, where)
    (row,) = await people.rows("SELECT id FROM bookings WHERE reference = $1", reference)
    return reference, row[0], where


async def arrives(people: People, booking: UUID, amount: int = 100_000, once: UUID | None = None) -> None:
    async with people.house.db.transaction() as conn:
        detail = {"amount": amount, "currency": "INR"}
        await tidings.tell(conn, [tidings.Line(booking, "payment_received", once or uuid7(), detail)])


async def test_what_happens_stands_in_the_account_of_whoever_it_concerns_once(people: People) -> None:
    async with browser(people) as asha, browser(people, MALLORYS) as mallory:
        await join(people, asha)
        reference, booking, _ = await booked(people, asha)
        assert 'data-renew="tidings" hidden' in (await asha.get("/account")).text
        await asha.post(f"/bookings/{reference}/cancel")
        for _ in range(2):
            await jobs.drain(people.house, app.LISTENERS)
            async with people.house.db.transaction() as conn:
                await jobs.announce(conn, "booking.cancelled", {"booking_id": str(booking)})
        await jobs.drain(people.house, app.LISTENERS)
        page = (await asha.get("/account")).text
        assert page.count("Kashmir Bliss was given up.") == 1
        assert page.count('class="tiding-new"') == 1
        answer = await asha.post("/account/tidings/seen")
        assert answer.headers["location"] == "/account"
        seen = (await asha.get("/account")).text
        assert ("was given up" in seen, 'class="tiding-new"' in seen) == (True, False)
        await people.join("mallory@example.net", name="Mallory", at=MALLORYS)
        await mallory.post("/login", data={"email": "mallory@example.net", "password": PASSWORD})
        assert "was given up" not in (await mallory.get("/account")).text
        (stranger,) = await people.rows("SELECT id FROM customers WHERE name = 'Mallory'")
        async with people.house.db.transaction(claims("customer", sub=str(stranger[0]))) as conn:
            assert await conn.fetchval("SELECT count(*) FROM tidings") == 0
            await conn.execute("DELETE FROM tidings")
        assert len(await people.rows("SELECT FROM tidings")) == 1


async def test_a_guest_has_no_account_where_it_could_stand(people: People) -> None:
    async with browser(people) as guest:
        _, booking, _ = await booked(people, guest)
        await arrives(people, booking)
        assert await people.rows("SELECT FROM tidings") == []
        async with open_page(people, guest) as page:
            assert page.status in (303, 401)
        assert people.house.db.bells(pages.CHANNEL).waiting("") == 0


async def test_an_open_page_hears_of_a_payment_that_another_process_wrote_down(people: People) -> None:
    async with browser(people) as asha:
        await join(people, asha)
        reference, booking, _ = await booked(people, asha)
        async with open_page(people, asha) as page:
            assert page.headers["content-type"].startswith("text/event-stream")
            assert page.headers["cache-control"] == "no-store"
            await people.rows(
                "INSERT INTO tidings (customer_id, booking_id, kind, once_key, detail)"
                " SELECT customer_id, id, 'payment_received', 'x', '{\"amount\": 9999800, \"currency\": \"INR\"}' FROM bookings WHERE id = $1",
                booking,
            )
            await page.until(lambda: page.heard)
            assert page.heard[0]["says"] == "₹\N{NARROW NO-BREAK SPACE}99,998 for Kashmir Bliss has arrived."
            assert page.heard[0]["leads"] == f"/bookings/{reference}"
            until = page.known_until
        await arrives(people, booking, 5_000)
        async with open_page(people, asha, last=until) as again:
            await again.until(lambda: [each for each in again.heard if "₹\N{NARROW NO-BREAK SPACE}50 " in each["says"]])


async def test_what_was_committed_late_is_heard_although_something_younger_was_heard_before(people: People) -> None:
    async with browser(people) as asha:
        await join(people, asha)
        _, booking, _ = await booked(people, asha)
        async with open_page(people, asha) as page:
            await arrives(people, booking, 200)
            await page.until(lambda: len(page.heard) == 1)
            await people.rows(
                "INSERT INTO tidings (customer_id, booking_id, kind, once_key, created_at)"
                " SELECT customer_id, id, 'booking_confirmed', 'late', house_now() - interval '20 seconds' FROM bookings WHERE id = $1",
                booking,
            )
            await page.until(lambda: len(page.heard) == 2)
            await arrives(people, booking, 300)
            await page.until(lambda: len(page.heard) == 3)
            assert len({each["id"] for each in page.heard}) == 3, "and nothing is told twice"


async def test_a_lost_connection_to_the_database_is_only_a_delay(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bells, "PAUSE_SECONDS", 0.05)
    async with browser(people) as asha:
        await join(people, asha)
        _, booking, _ = await booked(people, asha)
        hangs_up = """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE query ILIKE 'LISTEN%' AND datname = current_database()"""
        async with open_page(people, asha) as page:
            own = await asyncpg.connect(people.house.settings.database_url)
            try:
                async with asyncio.timeout(SOON):
                    while not await own.fetch(hangs_up):  # noqa: ASYNC110  (nothing says when it listens)
                        await asyncio.sleep(0.01)
            finally:
                await own.close()
            await arrives(people, booking)
            await page.until(lambda: page.heard)
            assert len(page.heard) == 1


async def test_signing_out_ends_what_the_other_pages_hear(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "BEAT_SECONDS", 0.05)
    async with browser(people) as asha, browser(people) as phone:
        await join(people, asha)
        await sign_in(phone)
        _, booking, _ = await booked(people, asha)
        async with open_page(people, asha) as page:
            await phone.post("/account/security/end-others")
            await page.until(lambda: page.over)
            await arrives(people, booking)
            assert page.heard == []


async def test_so_many_pages_of_one_customer_and_no_more(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST", 1)
    async with browser(people) as asha:
        await join(people, asha)
        async with open_page(people, asha) as first, open_page(people, asha) as second:
            assert (first.status, second.status) == (200, 429)
        async with open_page(people, asha) as third:
            assert third.status == 200, "a page that was closed takes no place"
        pool = people.house.db.pool
        async with asyncio.timeout(SOON):
            while pool.get_idle_size() < pool.get_size():  # noqa: ASYNC110  (nobody listens for nobody)
                await asyncio.sleep(0.01)


async def test_whoever_moves_a_departure_tells_those_who_have_seats_on_it(people: People) -> None:
    async with browser(people) as asha:
        await join(people, asha)
        _, _, where = await booked(people, asha)
        other, _, elsewhere = await booked(people, asha)
        await asha.post(f"/bookings/{other}/cancel")
        async with people.house.db.transaction() as conn:
            await conn.execute("UPDATE departures SET starts_on = starts_on, ends_on = ends_on")
        assert await people.rows("SELECT FROM tidings") == [], "the same days are no news"
        async with open_page(people, asha) as page:
            async with people.house.db.transaction() as conn:
                await conn.execute(
                    "UPDATE departures SET starts_on = '2027-06-01', ends_on = '2027-06-08' WHERE id IN ($1, $2)",
                    where,
                    elsewhere,
                )
            await page.until(lambda: page.heard)
            assert page.heard[0]["says"] == "Kashmir Bliss has other days now: it leaves on Tuesday 1 June 2027."
        assert len(await people.rows("SELECT FROM tidings")) == 1


async def test_a_moment_that_nobody_can_have_heard_of_is_no_way_to_ask_for_everything(people: People) -> None:
    async with browser(people) as asha:
        await join(people, asha)
        _, booking, _ = await booked(people, asha)
        await arrives(people, booking)
        people.later(minutes=5)
        long_ago = (people.clock.now() - timedelta(days=300)).isoformat()
        for since in (long_ago, "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00", "yesterday", "2026-11-29"):
            async with open_page(people, asha, since) as page:
                assert (page.status, page.heard) == (200, []), since


async def test_the_database_knows_what_can_be_told_and_tells_it_once(people: People) -> None:
    async with browser(people) as asha:
        await join(people, asha)
        _, booking, _ = await booked(people, asha)
    told = "INSERT INTO tidings (customer_id, booking_id, kind, once_key) SELECT customer_id, id, $2, 'x' FROM bookings WHERE id = $1"
    for kinds, constraint in ((("rumour",), "tidings_kind"), (("refund_sent", "refund_sent"), "tidings_once")):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
            for kind in kinds:
                await people.rows(told, booking, kind)
        assert refused.value.constraint_name == constraint
