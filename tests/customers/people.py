"""A house with customers: Asha, Ben and Mallory, each at a network of their own, their mailboxes, and a clock that the test moves."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
import pytest

from jklg import app, jobs
from jklg.app import House
from jklg.kit.clock import Clock
from jklg.kit.db import open_database
from jklg.mail import actions as mail
from jklg.mail.queries import Mail
from jklg.settings import Settings
from tests.conftest import FreshDatabase
from tests.front import front_of

Json = dict[str, Any]
ASHAS, BENS, MALLORYS = "192.0.2.1", "198.51.100.2", "203.0.113.66"
PASSWORD = "a long walk in the hills"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class MovedClock(Clock):
    """The wall clock, moved forward by as much as the test wants."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Letter:
    """A mail as it arrives, with what can be clicked and typed."""

    def __init__(self, sent: Mail) -> None:
        self.kind, self.to, self.text, self.html, self.subject = (
            sent.kind,
            sent.to_address,
            sent.text_body,
            sent.html_body,
            sent.subject,
        )

    @property
    def link(self) -> Json:
        """`customerId` and `token` of the link."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.address).query).items()}

    @property
    def address(self) -> str:
        found = re.search(r"https?://\S+[?&]token=\S+", self.text)
        assert found is not None, self.text
        return found[0]

    @property
    def code(self) -> str:
        found = re.search(r"^  ([A-HJ-NP-Z2-9]{6})$", self.text, re.MULTILINE)
        assert found is not None, self.text
        return found[1]


class People:
    """The house and who knocks at its doors."""

    def __init__(self, house: House, clock: MovedClock, owner_url: str) -> None:
        self.house = house
        self.clock = clock
        self.owner_url = owner_url
        self.app = front_of(house)

    def later(self, **by: float) -> None:
        self.clock.ahead += timedelta(**by)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "",
        at: str = ASHAS,
        agent: str = FIREFOX,
        raw: bytes | None = None,
    ) -> httpx.Response:
        """One request to /api/customers from a network address."""
        headers = {"User-Agent": agent, **({"Authorization": f"Bearer {token}"} if token else {})}
        if raw is not None:
            headers["Content-Type"] = "application/json"
        transport = httpx.ASGITransport(app=self.app, client=(at, 4711))
        async with httpx.AsyncClient(transport=transport, base_url=self.house.settings.public_url) as browser:
            return await browser.request(
                method,
                f"/api/customers{path}",
                headers=headers,
                **({"json": body} if raw is None else {"content": raw}),
            )

    async def page(self, path: str, *, cookie: str = "", at: str = ASHAS) -> httpx.Response:
        """One of our pages as a browser sees it, redirects followed."""
        transport = httpx.ASGITransport(app=self.app, client=(at, 4711))
        async with httpx.AsyncClient(
            transport=transport,
            base_url=self.house.settings.public_url,
            follow_redirects=True,
            cookies={"jklg_customer": cookie} if cookie else {},
        ) as browser:
            return await browser.get(path)

    async def post(self, path: str, body: Any = None, **how: Any) -> httpx.Response:
        return await self.ask("POST", path, body, **how)

    async def register(
        self, email: str = "asha@example.org", password: str = PASSWORD, name: str = "Asha Rao", at: str = ASHAS
    ) -> Json:
        answer = await self.post("/register", {"email": email, "password": password, "name": name}, at=at)
        assert answer.status_code == 201, answer.text
        found: Json = answer.json()
        return found

    async def join(
        self, email: str = "asha@example.org", password: str = PASSWORD, name: str = "Asha Rao", at: str = ASHAS
    ) -> Json:
        """Register and confirm: `customerId` and the registration's `token`."""
        made = await self.register(email, password, name, at)
        letter = await self.letter("verify_email", email)
        answer = await self.post("/verify-email", letter.link, token=made["token"], at=at)
        assert answer.status_code == 200, answer.text
        return made

    async def login(
        self, email: str = "asha@example.org", password: str = PASSWORD, at: str = ASHAS, agent: str = FIREFOX
    ) -> httpx.Response:
        return await self.post("/login", {"email": email, "password": password}, at=at, agent=agent)

    async def letters(self) -> list[Letter]:
        """Every mail there is, the newest first, after the worker has done its work."""
        await jobs.drain(self.house, app.LISTENERS)
        return [Letter(mail.opened(self.house.settings, each)) for each in await mail.latest(self.house.db, 1000)]

    async def letter(self, kind: str, to: str) -> Letter:
        """The newest mail of a kind in somebody's mailbox."""
        found = [each for each in await self.letters() if each.kind == kind and each.to == to]
        assert found, f"no {kind} to {to}"
        return found[0]

    async def kinds(self, to: str) -> list[str]:
        """What lies in a mailbox, the oldest first."""
        return [each.kind for each in reversed(await self.letters()) if each.to == to]

    async def rows(self, sql: str, *arguments: Any) -> list[Any]:
        """What the owner of the database sees."""
        conn = await asyncpg.connect(self.owner_url)
        try:
            await conn.execute('SET request.jwt.claims = \'{"role": "system"}\'')
            return list(await conn.fetch(sql, *arguments))
        finally:
            await conn.close()

    async def everything(self) -> str:
        """All rows of all tables, as text."""
        tables = await self.rows(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        found = []
        for (table,) in tables:
            found += [row[0] for row in await self.rows(f"SELECT t::text FROM {table} t")]
        assert len(found) > 5
        return "\n".join(found)

    async def history(self, customer_id: str) -> list[str]:
        await jobs.drain(self.house, app.LISTENERS)
        rows = await self.rows("SELECT action FROM history WHERE subject_id = $1::uuid ORDER BY id", customer_id)
        return [row[0] for row in rows]


@pytest.fixture
async def people(settings: Settings, fresh_database: FreshDatabase) -> AsyncIterator[People]:
    clock = MovedClock()
    database = await open_database(fresh_database.login_url, max_size=20, clock=clock.now)
    house = await app.build_house(settings, database, {}, clock)
    street = People(house, clock, fresh_database.owner_url)
    async with street.app.lifespan():
        yield street
    await database.close()


def refused(answer: httpx.Response, status: int, code: str) -> None:
    """A clear no, in the one shape."""
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
