"""The API is what its description says, whatever is sent to it: Schemathesis reads the document and tries what it allows and forbids.

Never a 5xx, always the one shape of refusals, and every answer as described. Over ASGI, on a real database, with a play bank.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Iterator
from random import Random
from secrets import token_hex
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings, strategies
from schemathesis.generation import GenerationMode
from schemathesis.python import asgi
from schemathesis.specs.openapi import checks as openapi

from jklg import app, demo
from jklg.customers import profile, queries, sessions
from jklg.kit import passwords
from jklg.kit.db import Database, open_database
from jklg.kit.ids import uuid7
from jklg.payments.gateways.sandbox import SandboxGateway
from jklg.sandbox import create_app as create_bank
from jklg.settings import Settings
from jklg.web.schema_page import METHODS
from tests.conftest import SECRET, Server
from tests.front import front_of
from tests.trade import add_departure, add_extra, add_package

pytestmark = pytest.mark.slow
Json = dict[str, Any]
TRIES = 60
CONFORMS = [
    schemathesis.checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_headers_conformance,
    openapi.response_schema_conformance,
]


class Opened:
    """The whole house with the demo agency, as one ASGI application. It opens in the event loop of whoever calls it, and
    again for each test: Schemathesis ends the lifespan with it. What was sold stays."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._inside: Any = None
        self._bank = create_bank(
            key="sandbox_key",
            webhook_secret="sandbox_webhook_secret",
            webhook_url="",
            faults_enabled=False,
            public_url="http://bank.test",
            dice=Random(1),
        )
        self.known: Json = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await self._inside(scope, receive, send)
            return
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=self._bank))
        gateway = SandboxGateway("http://bank.test", "sandbox_key", "sandbox_webhook_secret", client=client)
        house = await app.build_house(
            self.settings, await open_database(self.settings.database_url), {"sandbox": gateway}
        )
        if not self.known:
            await self._move_in(house.db)
        self._inside = front_of(house)
        await self._inside(scope, receive, send)
        await house.close()

    async def _move_in(self, db: Database) -> None:
        await demo.load(db)
        package = await add_package(db)
        pony = await add_extra(db, package)
        departure = await add_departure(db, package_id=package, seats=500, extras={pony: (150_000, 300)})
        self.known = {
            "departure_id": str(departure),
            "party": {"adult": 1},
            "extras": [{"id": str(pony), "quantity": 1}],
            "travellers": [{"name": "Asha Rao"}],
            "customer_name": "Asha Rao",
            "customer_email": "asha@example.org",
            "customer_phone": "+91 98765 43210",
            "special_requests": "A window seat",
            "package": str(package),
            "destination": "dal-lake",
            "gateway": "sandbox",
        }


@pytest.fixture(scope="module")
def opened(server: Server, template: str) -> Iterator[Opened]:
    name = f"jklg_described_{token_hex(6)}"
    asyncio.run(server.create(name, template))
    yield Opened(Settings(secrets=(SECRET,), database_url=server.login_url(name)))
    asyncio.run(server.drop(name))


@pytest.fixture(scope="module")
def api(opened: Opened) -> Any:
    return schemathesis.openapi.from_asgi("/schema/openapi.json", opened)


@pytest.fixture
def known(api: Any, opened: Opened) -> Json:
    """Values that are right, by the name of their field: a booking of Asha's, and the payment that she has begun."""
    with asgi.get_client(opened) as client:
        wish = {name: opened.known[name] for name in ("departure_id", "party", *CONTACT)}
        made = client.post("/api/bookings", json=wish).json()
        booking, token = made["booking"]["id"], made["manage_token"]
        images = client.get("/api/gallery").json()
        said = client.get("/api/testimonials").json()
        started = client.post(
            "/api/payments/create-payment-intent", json={"bookingId": booking, "bookingToken": token}
        ).json()
    return opened.known | {
        "booking_id": booking,
        "bookingId": booking,
        "bookingToken": token,
        "transaction_id": started["transactionId"],
        "request_id": str(uuid7()),
        "image_id": images[0]["id"],
        "testimonial_id": said[0]["id"] if said else str(uuid7()),
        "amount": made["booking"]["amount_due"],
        "currency": "inr",
        "X-Booking-Token": token,
    }


@pytest.fixture
def account(opened: Opened) -> Json:
    """Asha's account, signed in just now: the right values by the name of their field."""

    async def open_account() -> Json:
        db = await open_database(opened.settings.database_url)
        email = f"asha.{token_hex(6)}@example.org"
        async with db.transaction() as conn:
            await conn.execute("DELETE FROM limits")  # the stranger has been here
            customer_id = uuid7()
            hashed = await passwords.hash_password(PASSWORD)
            await queries.insert(
                conn, customer_id=customer_id, email=email, password_hash=hashed, name="Asha Rao", phone="", joined_from=""
            )  # fmt: skip
            await queries.verify(conn, customer_id)
            session, other = [
                await sessions.open_session(
                    conn, SECRET, customer_id, address="192.0.2.1", user_agent="", signed_in_by="password"
                )
                for _ in range(2)
            ]
        who = sessions.Visitor(customer_id, session.session_id)
        address = profile.Address(
            id=customer_id, label="Home", street="4 Boulevard Road", city="Srinagar", state="", postal_code="",
            country="India", is_default=True,
        )  # fmt: skip
        added = await profile.add_address(db, who, address)
        await profile.set_picture(db, who, PNG)
        await db.close()
        return {
            "token": session.token, "customer_id": str(customer_id), "email": email, "password": PASSWORD, "name": "Asha Rao",
            "phone": "+91 98765 43210", "session_id": str(other.session_id), "address_id": str(added.id), "passkey_id": str(added.id), "label": "Home",
            "street": "4 Boulevard Road", "city": "Srinagar", "country": "India", "oldPassword": PASSWORD,
            "newPassword": "a longer walk in them", "preferences": {"newsletter": "no"},
        }  # fmt: skip

    return asyncio.run(open_account())


PASSWORD = "a long walk in the hills"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
CONTACT = ("customer_name", "customer_email", "customer_phone")


def operations() -> list[str]:
    document = app.create_app(settings=Settings(secrets=(SECRET,))).openapi_schema.to_schema()
    return [f"{method} {path}" for path, item in document["paths"].items() for method in METHODS if method in item]


def as_described(case: Any, answer: Any, *more: Any) -> None:
    """Schemathesis compares with the document; the shape of refusals is said here once more in our own words."""
    if answer.status_code == 503:  # no Stripe here, and no gateway of that name
        assert "webhook" in case.operation.path
        assert answer.json()["code"] == "webhooks_not_configured"
        return
    checks = [*CONFORMS, *more]
    if answer.status_code == 201 and _says_only_text(case.operation):
        checks.remove(openapi.response_schema_conformance)
    case.validate_response(answer, checks=checks)
    assert answer.headers["x-request-id"]
    if answer.status_code >= 400:
        refusal = answer.json()
        assert set(refusal) <= {"error", "code", "details"}
        assert re.fullmatch("[a-z0-9_]+", refusal["code"])
        assert refusal["error"]


def _says_only_text(operation: Any) -> bool:
    """POST /api/bookings answers with bytes that are ready, and its document says no more than that; this ends when it does."""
    content = operation.definition.raw["responses"].get("201", {}).get("content", {})
    return [media["schema"] for media in content.values()] == [{"type": "string"}]


thorough = settings(
    max_examples=TRIES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize("name", operations())
def test_a_stranger_gets_what_is_described(api: Any, name: str) -> None:
    method, path = name.split(" ")
    operation = api[path][method]

    @thorough
    @given(case=operation.as_strategy(GenerationMode.POSITIVE) | operation.as_strategy(GenerationMode.NEGATIVE))
    def ask(case: Any) -> None:
        as_described(case, case.call(), openapi.negative_data_rejection)

    ask()


NO_FINE_ANSWER = {
    "post /api/payments/process-webhook", "post /api/payments/webhooks/{gateway}",  # nothing unsigned is taken there
    "post /api/payments/paypal/{transaction_id}/capture",  # there is no PayPal here; tests/payments/gateways asks it
    "post /api/payments/razorpay/{transaction_id}/verify",  # nor Razorpay
    "post /api/payments/refund", "post /api/payments/refund/{request_id}/approve", "post /api/payments/refund/{request_id}/refuse",  # for staff
    "post /api/gallery", "put /api/gallery/{image_id}", "delete /api/gallery/{image_id}",
    "post /api/testimonials", "put /api/testimonials/{testimonial_id}", "delete /api/testimonials/{testimonial_id}",
    "patch /api/testimonials/{testimonial_id}/approve",
    "get /api/payments/transactions", "get /api/payments/transactions/{transaction_id}",
    "post /api/customers/verify-email", "post /api/customers/reset-password", "post /api/customers/confirm-email",
    "post /api/customers/undo-email-change", "post /api/customers/change-email",  # nobody here reads the mail
    "post /api/customers/login/second-factor", "post /api/customers/login/second-factor/options", "post /api/customers/passkey",
    "post /api/customers/prove/passkey", "post /api/customers/prove/passkey/options", "post /api/customers/factors/totp/confirm",
    "delete /api/customers/factors/totp", "post /api/customers/factors/passkeys", "post /api/customers/factors/passkeys-only",
    "delete /api/customers/factors/passkeys/{passkey_id}", "delete /api/customers/factors/recovery-codes",  # nor has a device
    "post /api/customers/factors/recovery-codes", "put /api/customers/{customer_id}/avatar",  # a picture is no JSON
}  # fmt: skip


@pytest.mark.parametrize("name", operations())
def test_asha_gets_what_is_described(api: Any, known: Json, account: Json, name: str) -> None:
    """With what exists and is hers in most places, so that the tries get far."""
    of_customers = "/api/customers" in name
    known = account if of_customers else known
    headers = {"Authorization": f"Bearer {account['token']}"} if of_customers else {}
    method, path = name.split(" ")
    operation = api[path][method]
    statuses = set()

    @thorough
    @given(case=operation.as_strategy(GenerationMode.POSITIVE), dice=strategies.randoms(use_true_random=False))
    def ask(case: Any, dice: Random) -> None:
        for place in (case.path_parameters, case.query, case.headers, case.body):
            if isinstance(place, dict) or place is case.headers:
                _put_right(place, known, dice, _fields(operation, place is case.body))
        answer = case.call(headers=headers)
        statuses.add(answer.status_code)
        as_described(case, answer)

    ask()
    assert name in NO_FINE_ANSWER or min(statuses) < 300, statuses


def _fields(operation: Any, of_body: bool) -> set[str]:
    """The names that the document has for a body, or for everything else."""
    raw = operation.definition.raw
    if not of_body:
        return {parameter["name"] for parameter in raw.get("parameters", ())}
    if "requestBody" not in raw:
        return set()
    (content,) = raw["requestBody"]["content"].values()
    schema = content["schema"]
    named = next(
        each for each in schema.get("oneOf", [schema]) if "$ref" in each
    )  # a body that may be left out is one of two
    name = named["$ref"].rpartition("/")[2]
    return set(operation.schema.raw_schema["components"]["schemas"][name]["properties"])


def _put_right(place: Any, known: Json, dice: Random, fields: set[str]) -> None:
    """Most fields as they should be; some of those that may be missing are."""
    sloppy = dice.choice((0.0, 0.0, 0.1, 0.5))
    for field in sorted(fields | set(place)):
        if dice.random() < sloppy:
            continue
        if field in fields and field in known:
            place[field] = known[field]
        elif field in fields or field == "Idempotency-Key":
            place.pop(field, None)
