"""Asha takes everything along and goes. Who she was is forgotten; what was sold stays in the books."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from jklg import app, bookings, mail
from jklg.customers import queries
from jklg.customers.leaving import actions as leaving
from tests import trade
from tests.bookings.test_bookings_of_a_customer import Town
from tests.customers.people import BENS, FIREFOX, MALLORYS, PASSWORD, People, refused
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.trade import ADULT

Json = dict[str, Any]


@pytest.fixture
async def town(street: Street) -> AsyncIterator[Town]:
    people = People(street.house, street.clock, street.owner_url)  # type: ignore[arg-type]
    async with people.app.lifespan():
        yield Town(street, people)


async def _leave(town: Town, who: Json, **body: Any) -> Any:
    return await town.people.ask("DELETE", f"/{who['customerId']}", body or {"password": PASSWORD}, token=who["token"])


async def _sweep(town: Town, *names: str) -> None:
    for name in names or ("people who left", "last mails"):
        while await app.SWEEPS[name](town.people.house):
            pass
    await town.news()


async def test_asha_leaves_with_her_password_and_is_gone_at_once(town: Town) -> None:
    asha = await town.people.join()
    phone = (await town.people.login(agent="a telephone")).json()["token"]
    assert (await _leave(town, asha)).status_code == 200
    for token in (asha["token"], phone):
        refused(await town.people.ask("GET", "/me", token=token), 401, "not_signed_in")
    refused(await town.people.login(), 401, "invalid_credentials")
    refused(await _leave(town, asha), 401, "not_signed_in")
    (row,) = await town.people.rows("SELECT status, email, name, password_hash FROM customers")
    assert tuple(row) == ("deleted", "", "", None)
    again = await town.people.join()
    assert again["customerId"] != asha["customerId"], "her address is free for a new account"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"password": "not her password"}, 401, "invalid_credentials"),
        ({"password": None}, 400, "password_missing"),
        ({"freshProof": False}, 400, "password_missing"),
        ({"password": 7}, 400, "wrong_type"),
        ({"passwort": PASSWORD}, 422, "unknown_field"),
    ],
)
async def test_whoever_has_only_her_token_deletes_nothing(town: Town, body: Json, status: int, code: str) -> None:
    asha = await town.people.join()
    refused(await _leave(town, asha, **body), status, code)
    assert (await town.people.ask("GET", "/me", token=asha["token"])).status_code == 200
    refused(await town.people.ask("DELETE", f"/{asha['customerId']}", {}, token=asha["token"]), 400, "password_missing")


async def test_guessing_the_password_here_is_counted_like_signing_in(town: Town) -> None:
    asha = await town.people.join()
    codes = [(await _leave(town, asha, password=f"guess number {n}")).json()["code"] for n in range(12)]
    assert codes[0] == "invalid_credentials"
    assert codes[-1] == "too_many_tries"
    refused(await _leave(town, asha), 429, "too_many_tries")


async def test_a_fresh_proof_does_instead_of_a_password(town: Town) -> None:
    asha = await town.people.join()
    town.people.later(minutes=16)
    refused(await _leave(town, asha, freshProof=True), 403, "proof_needed")
    proved = await town.people.post("/prove", {"password": PASSWORD}, token=asha["token"])
    assert proved.status_code == 200, proved.text
    assert (await _leave(town, asha, freshProof=True)).status_code == 200


async def test_who_never_proved_the_mailbox_goes_without_a_trace_and_its_owner_notices_nothing(town: Town) -> None:
    asha = await town.people.join()
    await town.people.login(agent="Firefox on Linux of Asha")
    before = await town.people.kinds("asha@example.org")
    mallory = await town.people.register("Asha@example.org", "mallorys own password", "Mallory", at=MALLORYS)
    await town.news()
    answer = await town.people.ask(
        "DELETE", f"/{mallory['customerId']}", {"freshProof": True}, token=mallory["token"], at=MALLORYS
    )
    assert answer.status_code == 200, answer.text
    kinds = await town.people.kinds("asha@example.org")
    assert [kind for kind in kinds if kind != "already_have_account"] == before
    assert "goodbye" not in kinds
    assert (await town.people.ask("GET", "/me", token=asha["token"])).status_code == 200


async def test_mails_are_forgotten_and_the_last_one_an_hour_after_it_left(town: Town) -> None:
    asha = await town.people.join()
    ben = await town.people.join("ben@example.org", name="Ben", at=BENS)
    await town.people.login(agent="a new telephone")
    await _leave(town, asha)
    assert await town.people.kinds("asha@example.org") == ["goodbye"]
    assert "Asha Rao" in (await town.people.letter("goodbye", "asha@example.org")).text
    await _sweep(town)
    assert await town.people.kinds("asha@example.org") == ["goodbye"], "it has not left yet"
    await mail.send_due(town.people.house)
    town.people.later(minutes=61)
    await _sweep(town)
    assert await town.people.kinds("asha@example.org") == []
    assert (await town.people.kinds("ben@example.org"))[:1] == ["verify_email"], "others keep theirs"
    states = await town.people.rows("SELECT DISTINCT state FROM mail_outbox WHERE to_address = ''")
    assert [row[0] for row in states] == ["erased"]
    assert ben["token"]


async def test_trips_to_come_are_flown_and_forgotten_afterwards(town: Town) -> None:
    asha = await town.people.join()
    departure = await trade.add_departure(town.db, starts_on=date.today() + timedelta(days=10),
                                          cutoff_at=datetime.now(UTC) + timedelta(days=9))  # fmt: skip
    travellers = [{"name": "Asha Rao", "date_of_birth": "1990-02-28"}, {"name": "Ben Iyer"}]
    booked = await town.book(departure, asha["token"], travellers=travellers, special_requests="a window for Asha")
    booking = booked["booking"]["id"]
    await town.pays(booking, asha["token"])
    money = await town.street.balance("customer_deposits"), await town.street.balance("gateway_clearing:sandbox")
    await _leave(town, asha)
    await _sweep(town)
    guest = {"X-Booking-Token": booked["manage_token"]}
    seen = (await town.http("GET", f"/api/bookings/{booking}", headers=guest)).json()["booking"]
    assert (seen["status"], seen["customer_name"]) == ("confirmed", "Asha Rao"), (
        "somebody must know whom to fetch at the airport"
    )
    refused(await town.http("GET", f"/api/bookings/{booking}", None, asha["token"]), 401, "not_signed_in")
    assert (
        await town.street.balance("customer_deposits"),
        await town.street.balance("gateway_clearing:sandbox"),
    ) == money
    town.people.later(days=20)
    assert await bookings.complete_due(town.db) == 1
    await _sweep(town)
    seen = (await town.http("GET", f"/api/bookings/{booking}", headers=guest)).json()["booking"]
    assert (seen["status"], seen["customer_name"], seen["customer_email"], seen["customer_phone"], seen["special_requests"]) == (
        "completed", "", "", "", "",
    )  # fmt: skip
    assert seen["total_price"] == 2 * ADULT
    rows = await town.people.rows("SELECT name, date_of_birth FROM travellers")
    assert [tuple(row) for row in rows] == [("", None), ("", None)]
    assert await town.street.balance("travel_revenue") == -2 * ADULT
    assert await _sweep_finds(town) == 0, "and the second time it is boring"


async def _sweep_finds(town: Town) -> int:
    return int(await app.SWEEPS["people who left"](town.people.house))


async def test_what_she_booked_as_a_guest_with_her_mailbox_is_forgotten_as_well(town: Town) -> None:
    asha = await town.people.join()
    departure = await trade.add_departure(town.db, seats=20)
    guest = await town.book(departure, key="a-guest-books-once")
    bens = (await town.book(departure, customer_email="ben@example.org", customer_name="Ben Iyer"))["booking"]["id"]
    await town.http(
        "POST", f"/api/bookings/{guest['booking']['id']}/cancel", headers={"X-Booking-Token": guest["manage_token"]}
    )
    await _leave(town, asha)
    await _sweep(town)
    names = await town.people.rows("SELECT id::text, name FROM bookings")
    assert {row[0]: row[1] for row in names} == {guest["booking"]["id"]: "", bens: "Ben Iyer"}
    assert await town.people.rows("SELECT 1 FROM idempotency_keys") == []


async def test_money_that_comes_late_for_somebody_forgotten_confirms_nothing_and_is_sent_back(town: Town) -> None:
    asha = await town.people.join()
    booking = UUID((await town.book(await trade.add_departure(town.db), asha["token"]))["booking"]["id"])
    async with town.db.transaction() as conn:
        await trade.let_hold_run_out(conn, booking)
    await bookings.expire_due(town.db)
    await _leave(town, asha)
    await _sweep(town)
    async with town.db.transaction() as conn:
        received = await bookings.receive_money(
            conn, await bookings.lock(conn, booking), fact=("transaction", "late"), amount=2 * ADULT, currency="INR",
            from_account="gateway_clearing:sandbox",
        )  # fmt: skip
    assert (received.confirmed, received.suspense_reason) == (False, "seats_gone")
    async with town.db.transaction() as conn:  # and news that was under way finds nobody to write to
        await conn.execute("UPDATE bookings SET status = 'confirmed' WHERE id = $1", booking)
    await app.LISTENERS["booking.confirmed"][0](town.people.house, {"booking_id": str(booking)})
    assert await town.people.rows("SELECT 1 FROM mail_outbox WHERE kind = 'booking_confirmed'") == []


async def test_asha_takes_everything_along(town: Town) -> None:
    asha = await town.people.join()
    me = f"/{asha['customerId']}"
    await town.people.ask("PUT", me, {"city": "Srinagar", "date_of_birth": "1990-02-28"}, token=asha["token"])
    await town.people.post(
        f"{me}/addresses",
        {"label": "Home", "street": "12 Boulevard Road", "city": "Srinagar", "country": "IN"},
        token=asha["token"],
    )
    await town.people.ask("PUT", f"{me}/preferences", {"preferences": {"diet": "vegetarian"}}, token=asha["token"])
    booking = (
        await town.book(
            await trade.add_departure(town.db), asha["token"], travellers=[{"name": "Asha Rao"}, {"name": "Ben Iyer"}]
        )
    )["booking"]["id"]
    await town.pays(booking, asha["token"])
    ben = await town.people.join("ben@example.org", name="Ben", at=BENS)
    await town.book(
        await trade.add_departure(town.db), ben["token"], customer_name="Ben", customer_email="ben@example.org"
    )
    answer = await town.people.ask("GET", f"{me}/export", token=asha["token"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith("attachment")
    found = answer.json()
    assert set(found) == {
        "profile", "addresses", "preferences", "sessions", "second_factors", "bookings", "payments", "tidings", "wishes", "enquiries", "questions", "reviews", "mails", "history",
    }  # fmt: skip
    assert (found["profile"]["city"], found["profile"]["date_of_birth"]) == ("Srinagar", "1990-02-28")
    assert found["addresses"][0]["street"] == "12 Boulevard Road"
    assert found["preferences"] == {"diet": "vegetarian"}
    assert found["sessions"][0]["user_agent"] == FIREFOX
    assert [traveller["name"] for traveller in found["bookings"][0]["travellers"]] == ["Asha Rao", "Ben Iyer"]
    assert [payment["captured"] for payment in found["payments"]] == [2 * ADULT]
    assert {"verify_email", "booking_confirmed", "payment_receipt"} <= {each["kind"] for each in found["mails"]}
    assert "customer.verified" in [event["action"] for event in found["history"]]
    text = json.dumps(found)
    for secret in ("argon2", "password_hash", "token_hash", asha["token"], "ben@example.org"):
        assert secret not in text
    town.people.later(minutes=16)
    refused(await town.people.ask("GET", f"{me}/export", token=asha["token"]), 403, "proof_needed")


@pytest.mark.parametrize(
    ("table", "change", "constraint"),
    [
        ("customers", "status = 'deleted'", "customers_erased_hold_nothing"),
        ("customers", "is_email_verified = false, email_verified_at = NULL", "customers_active_means_verified"),
        ("customers", "email_verified_at = NULL", "customers_verified_at_some_time"),
        ("mail_outbox", "state = 'erased'", "mail_outbox_erased_holds_nobody"),
        ("mail_outbox", "state = 'lost'", "mail_outbox_state_check"),
    ],
)
async def test_the_database_refuses_a_tombstone_with_a_name_on_it(
    town: Town, table: str, change: str, constraint: str
) -> None:
    await town.people.join()
    async with town.db.transaction() as conn:
        with pytest.raises(asyncpg.CheckViolationError) as refusal:
            await conn.execute(f"UPDATE {table} SET {change}")
    assert refusal.value.constraint_name == constraint


async def test_an_account_that_is_gone_is_gone_for_every_later_wish(town: Town) -> None:
    """Two devices delete at once: the second finds nobody signed in."""
    asha = await town.people.join()
    other = (await town.people.login()).json()["token"]
    answers = await asyncio.gather(_leave(town, asha), _leave(town, {**asha, "token": other}))
    assert sorted(answer.status_code for answer in answers) == [200, 401]
    assert len(await town.people.rows("SELECT 1 FROM history WHERE action = 'customer.erased'")) == 1


async def test_what_waits_for_an_erasure_finds_nobody_signed_in(town: Town) -> None:
    """A booking, a profile and an address on their way while the account is erased: none of them may bring the person back."""
    asha = await town.people.join()
    departure = await trade.add_departure(town.db)
    me = f"/{asha['customerId']}"
    async with town.db.transaction() as conn:
        account = await queries.get_locked(conn, UUID(asha["customerId"]))
        assert account is not None
        address = {"label": "Home", "street": "1", "city": "Leh", "country": "IN"}
        late = [
            asyncio.create_task(town.book(departure, asha["token"], status=401)),
            asyncio.create_task(town.people.ask("PUT", me, {"name": "Asha"}, token=asha["token"])),
            asyncio.create_task(town.people.post(f"{me}/addresses", address, token=asha["token"])),
        ]
        await asyncio.sleep(0.5)
        assert not any(each.done() for each in late), "they wait"
        await leaving._erase(conn, town.people.house.settings, account, app.PARTINGS)
    booked, *others = await asyncio.gather(*late)
    assert booked["code"] == "not_signed_in"
    for answer in others:
        refused(answer, 401, "not_signed_in")
    assert await town.people.rows("SELECT 1 FROM bookings UNION ALL SELECT 1 FROM customer_addresses") == []
