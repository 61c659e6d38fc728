"""What a stranger would try at every door, and what Asha would do without meaning harm: twice, backwards, in two tabs.

The first half asks every door that the application has, so that a new one is asked too.
"""

from __future__ import annotations

import asyncio
import html
import itertools
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import msgspec
import pytest

from jklg import bookings, payments, staff
from jklg.app import create_app
from jklg.sandbox.deliveries import sign
from jklg.settings import Settings
from tests.conftest import SECRET
from tests.front import front_of
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.trade import add_departure, hold, status_of
from tests.web.test_checkout import ashas, open_checkout

ELSEWHERE = "evil.example"
PASSWORD = "a long password of hers"
SAME = {"Sec-Fetch-Site": "same-origin"}


def doors(method: str) -> list[str]:
    application = create_app(settings=Settings(secrets=(SECRET,)))
    return sorted(route.path for route in application.routes if method in getattr(route, "methods", ()))


def addresses(door: str, value: str) -> str:
    """The door with the same value in the place of each parameter."""
    return re.sub(r"\{[^}]+\}", value, door)


@pytest.fixture
async def application(street: Street) -> AsyncIterator[Any]:
    application = front_of(street.house)
    async with application.lifespan():
        yield application


def visitor(application: Any, *, own_accidents: bool = False, **cookies: str) -> httpx.AsyncClient:
    """A browser. An accident of ours is an exception, unless `own_accidents` shows it as the page it becomes."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=application, raise_app_exceptions=not own_accidents),
        base_url="http://localhost:3000",
        headers=SAME,
        cookies=cookies,
    )


def key_of(street: Street, held: bookings.Held) -> str:
    return f"{held.reference}.{held.id.hex}.{bookings.manage_token(street.house.settings.secret, held.id)}"


# --- every door -------------------------------------------------------------------------------------------------------

HOSTILE = (
    "%00", "%ff%fe", "%ed%a0%80", "..", "%2e%2e%2f%2e%2e%2fsettings.py", "%5c%5cevil.example", "%2f%2fevil.example", "'--", "{{7*7}}",
    "%3Cscript%3E", "%0d%0aSet-Cookie:%20x=y", "null", "-1", "1e999", "9" * 400, "%E2%80%AE", "__class__", "*", "00000000-0000-7000-8000-000000000000",
)  # fmt: skip
QUESTIONS = (
    "departure", "attempt", "adult", "child", "next", "transaction", "looked", "month", "q", "region", "theme", "cursor", "limit", "from", "to",
    "bookingId", "budget", "days", "page", "sort", "destination", "travellers", "duration", "price",
)  # fmt: skip


async def test_whatever_is_written_into_an_address_no_door_breaks_or_leads_elsewhere(
    street: Street, application: Any
) -> None:
    held = await street.asha_holds()
    await staff.add(street.db, email="chitra@example.org", name="Chitra", role="Admin", password=PASSWORD)
    inside = await staff.sign_in(
        street.db, email="chitra@example.org", password=PASSWORD, network="192.0.2.1", user_agent=""
    )
    async with visitor(application, jklg_bookings=key_of(street, held), jklg_staff=inside.token) as somebody:
        for door, hostile in itertools.product(doors("GET"), HOSTILE):
            question = "&".join(f"{name}={hostile}" for name in QUESTIONS)
            for value in {hostile, held.reference} if "{" in door else {hostile}:
                answer = await somebody.get(f"{addresses(door, value)}?{question}")
                assert answer.status_code < 500, (door, value, answer.text)
                assert not leads_elsewhere(answer), (door, value, answer.headers["location"])
                assert "set-cookie" not in answer.headers or "x=y" not in answer.headers["set-cookie"]
                assert "<script>" not in answer.text.replace("<script>alert(1)</script>", "")


def leads_elsewhere(answer: httpx.Response) -> bool:
    target = answer.headers.get("location", "/")
    return not re.match(r"/(?![/\\])", target) or "\n" in target


@pytest.mark.parametrize("address", [f"//{ELSEWHERE}", f"//{ELSEWHERE}/%2e%2e", f"/\\{ELSEWHERE}", f"/%2f%2f{ELSEWHERE}/", f"//{ELSEWHERE}//"])  # fmt: skip
async def test_an_address_that_looks_like_another_site_is_not_followed(application: Any, address: str) -> None:
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": address.replace("%2f", "/"),
        "raw_path": address.encode(), "query_string": b"", "root_path": "", "headers": [(b"host", b"localhost")], "client": None, "server": None,
    }  # fmt: skip
    said: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        said.append(message)

    await application(scope, receive, send)
    assert said[0]["status"] == 404
    assert ELSEWHERE.encode() not in b"".join(value for _, value in said[0]["headers"])


@pytest.mark.parametrize("door", [door for door in doors("POST") if not door.startswith("/api/")])
async def test_no_form_is_taken_from_another_site(street: Street, application: Any, door: str) -> None:
    held = await street.asha_holds()
    async with visitor(application, jklg_bookings=key_of(street, held)) as asha:
        for lie in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost:3000"},
        ):
            for path in (addresses(door, held.reference), f"/{addresses(door, held.reference)}"):
                refused = await asha.post(path, headers=lie, data={"gateway": "sandbox"})
                assert refused.status_code == 403, (path, lie)
    assert await status_of(street.db, held.id) == "held"
    assert await street.intents() == []


@pytest.mark.parametrize("door", doors("POST"))
async def test_a_body_beyond_one_mebibyte_is_refused_at_every_door(street: Street, application: Any, door: str) -> None:
    held = await street.asha_holds()
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(1000):
            taken += 65_536
            yield b"x" * 65_536

    async with visitor(application, jklg_bookings=key_of(street, held)) as mallory:
        address = addresses(door, held.reference if door.startswith("/bookings") else "sandbox")
        kind = "application/json" if door.startswith("/api/") else "application/x-www-form-urlencoded"
        answer = await mallory.post(address, content=endless(), headers={"Content-Type": kind})
    assert answer.status_code == 413 or (answer.status_code < 500 and taken == 0), (
        "or nobody has looked at the body at all"
    )
    assert await status_of(street.db, held.id) in ("held", "cancelled")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "BREW"])
async def test_a_method_that_a_door_does_not_have_is_405(application: Any, method: str) -> None:
    async with visitor(application) as mallory:
        for door in {*doors("GET"), *doors("POST")} - {*doors(method)}:
            answer = await mallory.request(method, addresses(door, "x"))
            assert answer.status_code == 405, (door, answer.text)
            assert method not in answer.headers["allow"]


async def test_what_is_personal_is_kept_by_no_cache(street: Street, application: Any) -> None:
    held = await street.asha_holds()
    token = {"X-Booking-Token": bookings.manage_token(street.house.settings.secret, held.id)}
    started = await street.start(held.id)
    async with visitor(application, jklg_bookings=key_of(street, held)) as asha:
        for address in (
            f"/bookings/{held.reference}", f"/bookings/{held.reference}/pay", f"/bookings/{held.reference}/return", "/bookings",
            f"/api/bookings/{held.id}", f"/api/bookings/{held.id}/cancellation", f"/api/payments/booking/{held.id}",
            f"/api/payments/{started.transaction.id}", "/staff/sign-in", "/dev/mail",
        ):  # fmt: skip
            answer = await asha.get(address, headers=token)
            assert answer.status_code == 200, address
            assert answer.headers["cache-control"] == "no-store", address


# --- money ------------------------------------------------------------------------------------------------------------


async def test_a_return_page_believes_nothing_in_its_address(street: Street, application: Any) -> None:
    ashas_, bens = await street.asha_holds(), await street.asha_holds(name="Ben Rao", email="ben@example.org")
    await street.start(ashas_.id)
    of_ben = await street.start(bens.id)
    await street.pays(of_ben.transaction.ref or "")
    lies = "redirect_status=succeeded&status=completed&payment_intent_client_secret=x&amount=1&looked=-1&looked=99999999999999"
    async with visitor(application, jklg_bookings=key_of(street, ashas_)) as asha:
        for transaction in (of_ben.transaction.id, of_ben.transaction.ref, "x", ""):
            answer = await asha.get(
                f"/bookings/{ashas_.reference}/return?transaction={transaction}&{lies}", follow_redirects=True
            )
            assert answer.status_code == 200
            told = re.sub(
                r'<nav class="languages".*?</nav>', "", answer.text, flags=re.S
            )  # each leads to this very address
            assert bens.reference not in told
            assert str(of_ben.transaction.id) not in told
            assert (await street.booking(ashas_.id)).status == "held"
        stolen = await asha.get(f"/bookings/{bens.reference}/return?transaction={of_ben.transaction.id}")
        assert stolen.status_code == 404
    assert (await street.booking(bens.id)).status == "held"  # nobody has looked at it yet


async def ring(
    somebody: httpx.AsyncClient, street: Street, body: bytes, secret: bytes = b"sandbox_webhook_secret"
) -> int:
    answer = await somebody.post(
        "/api/payments/webhooks/sandbox",
        content=body,
        headers={"Sandbox-Signature": sign(secret, body, street.clock.unix()), "Sec-Fetch-Site": "cross-site"},
    )
    return answer.status_code


async def test_a_notice_that_is_played_again_and_again_counts_once(street: Street, application: Any) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    bodies = [body for _, body in await street.notices()]
    async with visitor(application) as mallory:
        for _ in range(3):
            assert {await ring(mallory, street, body) for body in bodies} == {200}
            assert set(await asyncio.gather(*(ring(mallory, street, body) for body in bodies * 5))) == {200}
            await street.work()
        changed = bodies[-1].replace(b'"succeeded"', b'"canceled"')
        assert await ring(mallory, street, changed) == 200  # the same id with another body: kept as a collision
        await street.work()
        old = {"Sandbox-Signature": sign(b"sandbox_webhook_secret", bodies[0], street.clock.unix() - 301)}
        assert (await mallory.post("/api/payments/webhooks/sandbox", content=bodies[0], headers=old)).status_code == 400
    assert await street.one("SELECT count(*) FROM webhook_inbox") == len(bodies)
    assert await street.balance("customer_deposits") == -held.total_price
    assert (await street.booking(held.id)).status == "confirmed"


async def test_a_notice_of_the_other_mode_changes_nothing(street: Street, application: Any) -> None:
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    (body, *_) = [body for _, body in await street.notices() if b"succeeded" in body]
    event = msgspec.json.decode(body)
    live = msgspec.json.encode({**event, "id": "evt_live", "livemode": True})
    async with visitor(application) as mallory:
        assert await ring(mallory, street, live) == 200
        await street.work(rounds=1)
        assert await street.one("SELECT state || ' ' || reason FROM webhook_inbox") == "ignored other_mode"
        assert (await street.booking(held.id)).status == "held"
        assert await ring(mallory, street, body, b"") == 400
        assert await ring(mallory, street, body, b"another secret") == 400
    assert await street.one("SELECT count(*) FROM webhook_inbox") == 1


async def test_after_paying_the_back_button_and_old_pages_take_nothing_more(street: Street, application: Any) -> None:
    async with visitor(application) as asha:
        page = await open_checkout(asha, await add_departure(street.db))
        form = ashas(page)
        sent = await asha.post("/checkout", data=form)
        reference = sent.headers["location"].split("/")[2]
        await asha.get(f"/bookings/{reference}/pay")
        (intent,) = await street.intents()
        await street.pays(intent.id)
        returned = await asha.get(f"/bookings/{reference}/return")
        assert returned.headers["location"] == f"/bookings/{reference}"
        for old in (
            asha.get(f"/bookings/{reference}/pay"),
            asha.post(f"/bookings/{reference}/pay", data={"gateway": "sandbox"}),
            asha.post(f"/bookings/{reference}/cancel"),
            asha.post("/checkout", data=form),
            asha.get(f"/bookings/{reference}/return?transaction={UUID(int=0)}"),
        ):
            answer = await old
            assert answer.status_code == 303
            assert answer.headers["location"] in (f"/bookings/{reference}", f"/bookings/{reference}/pay")
        shown = await asha.get(f"/bookings/{reference}")
        assert "paid" in shown.text.lower()
    assert len(await street.intents()) == 1
    assert await street.one("SELECT count(*) FROM bookings") == 1
    assert await street.one("SELECT status FROM bookings") == "confirmed"
    assert await street.one("SELECT count(*) FROM transactions") == 1


async def test_every_button_of_the_payment_pressed_twice_at_once_in_two_tabs_opens_one_payment(
    street: Street, application: Any
) -> None:
    held = await street.asha_holds()
    async with visitor(application, jklg_bookings=key_of(street, held)) as asha:
        answers = await asyncio.gather(
            *(asha.post(f"/bookings/{held.reference}/pay", data={"gateway": "sandbox"}) for _ in range(4)),
            *(asha.get(f"/bookings/{held.reference}/pay") for _ in range(4)),
        )
        assert {answer.status_code for answer in answers} <= {200, 303}
        (intent,) = await street.intents()
        await street.pays(intent.id)
        answers = await asyncio.gather(
            *(asha.get(f"/bookings/{held.reference}/return") for _ in range(3)),
            *(asha.post(f"/bookings/{held.reference}/cancel") for _ in range(3)),
            *(asha.get(f"/bookings/{held.reference}/pay") for _ in range(3)),
        )
        assert {answer.status_code for answer in answers} <= {200, 303}
    await street.deliver()
    await street.work()
    assert await status_of(street.db, held.id) == "confirmed"
    assert await street.balance("customer_deposits") == -held.total_price


async def test_nobody_pays_cancels_or_sees_with_the_key_of_another_booking(street: Street, application: Any) -> None:
    ashas_, mallorys = await street.asha_holds(), await street.asha_holds(name="Mallory", email="m@example.org")
    started = await street.start(ashas_.id)
    secret = street.house.settings.secret
    right, wrong = bookings.manage_token(secret, ashas_.id), bookings.manage_token(secret, mallorys.id)
    rings = (
        f"{ashas_.reference}.{ashas_.id.hex}.{wrong}",  # her own token on Asha's booking
        f"{ashas_.reference}.{mallorys.id.hex}.{wrong}",  # her own booking under Asha's reference
        f"{ashas_.reference}.{ashas_.id.hex}.{right[:-1]}",
        f"{ashas_.reference}.{ashas_.id.hex}.{right}x",
        f"{ashas_.reference.lower()}.{ashas_.id.hex}.{right}",
        "~".join([key_of(street, mallorys)] * 8 + [key_of(street, ashas_)]),  # beyond the eight that are kept
    )
    for ring_ in rings:
        async with visitor(application, jklg_bookings=ring_) as mallory:
            for path in ("", "/pay", "/return"):
                answer = await mallory.get(f"/bookings/{ashas_.reference}{path}")
                assert answer.status_code == 404, (ring_, path)
                assert ashas_.email not in answer.text
            for path in ("/pay", "/cancel"):
                assert (await mallory.post(f"/bookings/{ashas_.reference}{path}")).status_code == 404
            assert ashas_.reference not in (await mallory.get("/bookings")).text
    async with visitor(application) as mallory:
        for token in (wrong, right[:-1], f"{right}=", right.upper(), "", "null", "\xff"):
            header = {"X-Booking-Token": token.encode("latin-1")}
            for method, path in (
                ("GET", f"/api/bookings/{ashas_.id}"),
                ("POST", f"/api/bookings/{ashas_.id}/cancel"),
                ("GET", f"/api/payments/{started.transaction.id}"),
                ("POST", f"/api/payments/{started.transaction.id}/cancel"),
            ):
                answer = await mallory.request(method, path, headers=header)
                assert answer.status_code == 404, (token, path)
                assert ashas_.email not in answer.text
    assert (await street.booking(ashas_.id)).status == "held"
    async with street.db.transaction() as conn:
        (attempt,) = await payments.list_of_booking(conn, ashas_.id)
    assert attempt.state == "requires_payment_method"


# --- letters and headers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["name", "email", "phone", "special_requests"])
async def test_no_field_of_a_form_becomes_a_header(street: Street, application: Any, field: str) -> None:
    async with visitor(application) as mallory:
        page = await open_checkout(mallory, await add_departure(street.db))
        for line_end in ("\r\n", "\n", "\r", "\x0b", "\u2028", "\x85"):
            poisoned = ashas(page, **{field: f"{ashas(page).get(field, '')}{line_end}Bcc: mallory@{ELSEWHERE}"})
            answer = await mallory.post("/checkout", data=poisoned)
            assert answer.status_code in (303, 409, 422)
            assert not leads_elsewhere(answer)
            assert all("\n" not in value and "Bcc" not in value for _, value in answer.headers.multi_items())
            assert "Bcc: mallory" not in answer.text or html.escape("Bcc: mallory") in answer.text
    assert await street.one("SELECT count(*) FROM bookings WHERE name ~ '[[:cntrl:]]' OR email ~ '[[:cntrl:] ]' OR phone ~ '[[:cntrl:]]'") == 0  # fmt: skip


def traversals() -> Iterator[str]:
    for up in ("../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "....//", "%252e%252e%252f", "/", "%00"):
        yield from (f"{up * 3}settings.py", f"{up * 8}etc/passwd", f"house.css/{up}house.css/{up * 2}render.py")


@pytest.mark.parametrize("shelf", ["/static/", "/static/fonts/", "/pictures/"])
async def test_only_what_lies_on_the_shelf_is_served(application: Any, shelf: str) -> None:
    async with visitor(application) as mallory:
        for path in traversals():
            answer = await mallory.get(httpx.URL("http://localhost:3000", raw_path=f"{shelf}{path}".encode()))
            assert answer.status_code == 404, path
            assert "import" not in answer.text
            again = await mallory.get(f"{shelf}{quote(path)}")
            assert again.status_code == 404, path


async def test_a_hold_that_is_asked_for_while_another_holds_the_last_seat_tells_nothing_of_that_person(
    street: Street, application: Any
) -> None:
    departure = await add_departure(street.db, seats=2)
    held = await hold(street.db, departure)
    async with visitor(application) as mallory:
        answer = await mallory.post(
            "/api/bookings",
            json={
                "departure_id": str(departure), "party": {"adult": 2}, "customer_name": "Mallory",
                "customer_email": "m@example.org", "customer_phone": "+91 98765 43210",
            },
        )  # fmt: skip
    assert answer.status_code == 409
    assert answer.json()["code"] == "sold_out"
    for secret in (held.reference, str(held.id), held.email, held.name):
        assert secret not in answer.text
