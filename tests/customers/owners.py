"""People who look after the ways into their accounts: signed in just now, with a clock that the test moves."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from litestar import Router

from jklg.app import build_house
from jklg.customers import factors, queries, sessions
from jklg.customers.factors import api, rules
from jklg.customers.sessions.rules import Visitor
from jklg.kit.db import Database, open_database
from jklg.kit.errors import Refusal
from jklg.kit.ids import uuid7
from jklg.settings import Settings
from jklg.web.assembly import assemble
from jklg.web.errors import BAD_INPUT_IS_400
from tests.conftest import FreshDatabase
from tests.customers.authenticator import Authenticator
from tests.customers.people import MovedClock

Json = dict[str, Any]


@dataclass
class Owner:
    """A customer with a session. `device` is theirs."""

    id: UUID
    email: str
    who: Visitor
    token: str
    device: Authenticator


class Town:
    """The house and its doors for factors."""

    def __init__(self, db: Database, settings: Settings, clock: MovedClock, owner_url: str, browser: httpx.AsyncClient):
        self.db, self.settings, self.clock, self.owner_url, self.browser = db, settings, clock, owner_url, browser

    def later(self, **by: float) -> None:
        self.clock.ahead += timedelta(**by)

    def rotated(self) -> Settings:
        """A new secret signs; the old one is still known."""
        return replace(self.settings, secrets=("a new secret of the house, 9876543210", *self.settings.secrets))

    async def owner(self, name: str = "Asha", *, verified: bool = True) -> Owner:
        """Somebody who registered, confirmed and signed in with a password just now."""
        email = f"{name.lower()}@example.org"
        async with self.db.transaction() as conn:
            customer_id = uuid7()
            await queries.insert(
                conn, customer_id=customer_id, email=email, password_hash="a hash", name=name, phone="", joined_from=""
            )  # fmt: skip
            if verified:
                await queries.verify(conn, customer_id)
        opened = await self.sign_in(customer_id)
        return Owner(customer_id, email, Visitor(customer_id, opened.session_id), opened.token, Authenticator())

    async def sign_in(self, customer_id: UUID) -> sessions.Opened:
        async with self.db.transaction() as conn:
            return await sessions.open_session(
                conn, self.settings.secret, customer_id, address="192.0.2.1", user_agent="", signed_in_by="password"
            )

    async def ask(self, owner: Owner | None, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {owner.token}"} if owner else {}
        content = None if body is None else json.dumps(body)  # httpx would not write half a character
        return await self.browser.request(method, f"/api/customers{path}", content=content, headers=headers)

    async def done(self, owner: Owner, method: str, path: str, body: Any = None) -> Json:
        answer = await self.ask(owner, method, path, body)
        assert answer.status_code in (200, 201), answer.text
        found: Json = answer.json()
        return found

    def code(self, secret: str, steps: int = 0) -> str:
        """What the app shows now, or so many steps of 30 seconds later."""
        step = int(self.clock.now().timestamp()) // 30 + steps
        return rules.totp_code(base64.b32decode(secret), step)

    async def with_app(self, owner: Owner) -> tuple[str, list[str]]:
        """Turn an authenticator app on, half a minute ago: its secret, and the recovery codes."""
        secret = (await self.done(owner, "POST", "/factors/totp"))["secret"]
        codes = await self.done(owner, "POST", "/factors/totp/confirm", {"code": self.code(secret)})
        self.later(seconds=90)
        return secret, codes["recovery_codes"]

    async def with_passkey(self, owner: Owner, name: str = "Asha's telephone") -> Json:
        begun = await self.done(owner, "POST", "/factors/passkeys/options")
        made = owner.device.make(begun["options"])
        return await self.done(
            owner, "POST", "/factors/passkeys", {"token": begun["token"], "credential": made, "name": name}
        )

    async def mfa_token(self, owner: Owner) -> str:
        """What a right password gives."""
        async with self.db.transaction() as conn:
            return await factors.begin_second_factor(conn, owner.id)

    async def answer(
        self, owner: Owner, method: str, answer: Any, token: str | None = None, settings: Settings | None = None
    ) -> UUID | str:
        """Who is in, or the code of the refusal."""
        token = token or await self.mfa_token(owner)
        found = await said(factors.answer_second_factor(self.db, settings or self.settings, token, method, answer))
        return found if isinstance(found, str) else found[0]

    async def methods(self, owner: Owner) -> list[str]:
        async with self.db.transaction() as conn:
            return await factors.methods(conn, owner.id)

    async def check(self, owner: Owner, code: str) -> bool:
        async with self.db.transaction() as conn:
            return await factors.check_code(conn, self.settings, owner.id, code)

    async def rows(self, sql: str, *arguments: Any) -> list[Any]:
        """What the owner of the database sees."""
        conn = await asyncpg.connect(self.owner_url)
        try:
            await conn.execute('SET request.jwt.claims = \'{"role": "system"}\'')
            return list(await conn.fetch(sql, *arguments))
        finally:
            await conn.close()

    async def history(self, owner: Owner) -> list[str]:
        rows = await self.rows("SELECT action FROM history WHERE subject_id = $1 ORDER BY id", owner.id)
        return [row[0] for row in rows if row[0] != "customer.signed_in"]

    async def letters(self, owner: Owner) -> list[str]:
        rows = await self.rows(
            "SELECT text_body FROM mail_outbox WHERE to_address = $1 AND kind = 'factor_changed' ORDER BY id",
            owner.email,
        )
        return [row[0] for row in rows]


async def said(verb: Any) -> Any:
    """What a verb answers, or the code of its refusal."""
    try:
        return await verb
    except Refusal as refusal:
        return refusal.code


@pytest.fixture
async def town(settings: Settings, fresh_database: FreshDatabase) -> AsyncIterator[Town]:
    clock = MovedClock()
    db = await open_database(fresh_database.login_url, max_size=20, clock=clock.now)
    house = await build_house(settings, db, {}, clock)
    doors = Router("/api/customers", route_handlers=api.handlers, opt=BAD_INPUT_IS_400)
    app = assemble([doors], settings=settings, lifespan=lambda _: nullcontext())
    app.state.house = house
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=settings.public_url) as browser:
        yield Town(db, settings, clock, fresh_database.owner_url, browser)
    await db.close()


def refused(answer: httpx.Response, status: int, code: str) -> None:
    """A clear no, in the one shape."""
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
