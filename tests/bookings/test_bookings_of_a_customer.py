"""Bookings that belong to an account: made signed in, or as a guest and joined after proof of the mailbox; what they count for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from jklg import app, jobs
from jklg.kit.db import Database, claims
from jklg.kit.ids import uuid7
from jklg.kit.money import CURRENCIES, decimals
from jklg.payments import cancellations
from tests import trade
from tests.customers.people import BENS, MALLORYS, People, refused
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.trade import ADULT

Json = dict[str, Any]


class Town:
    """A street with a bank, and people with accounts."""

    def __init__(self, street: Street, people: People) -> None:
        self.street, self.people, self.db = street, people, street.db

    async def book(self, departure: object, token: str = "", status: int = 201, **changes: Any) -> Json:
        body = {
            "departure_id": str(departure), "party": {"adult": 2}, "customer_name": "Asha Rao", "customer_email": "asha@example.org",
            "customer_phone": "+91 98765 43210", **changes,
        }  # fmt: skip
        headers = {"Idempotency-Key": body.pop("key")} if "key" in body else {}
        answer = await self.http("POST", "/api/bookings", body, token, headers)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    async def http(
        self, method: str, path: str, body: Any = None, token: str = "", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.people.app, raise_app_exceptions=False)
        sent = {**(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:3000") as browser:
            return await browser.request(method, path, json=body, headers=sent)

    async def list(self, who: Json, query: str = "") -> Json:
        answer = await self.people.ask("GET", f"/{who['customerId']}/bookings{query}", token=who["token"])
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def pays(self, booking_id: str, token: str) -> str:
        """Asha pays all, with her own token; the house hears of it."""
        intent = await self.http("POST", "/api/payments/create-payment-intent", {"bookingId": booking_id}, token)
        assert intent.status_code == 200, intent.text
        await self.street.pays(intent.json()["paymentIntentId"])
        looked = await self.http("GET", f"/api/payments/{intent.json()['transactionId']}", None, token)
        assert (looked.status_code, looked.json()["bookingStatus"]) == (200, "confirmed"), looked.text
        await self.news()
        return str(intent.json()["transactionId"])

    async def news(self) -> None:
        await jobs.drain(self.people.house, app.LISTENERS)

    async def stats(self, who: Json) -> tuple[int, int, str | None, int]:
        (row,) = await self.people.rows(
            "SELECT total_bookings, total_spent, spent_currency, loyalty_points FROM customers WHERE id = $1::uuid", who["customerId"]
        )  # fmt: skip
        return tuple(row)


@pytest.fixture
async def town(street: Street) -> AsyncIterator[Town]:
    people = People(street.house, street.clock, street.owner_url)  # type: ignore[arg-type]
    async with people.app.lifespan():
        yield Town(street, people)


async def test_what_asha_books_signed_in_is_hers(town: Town) -> None:
    asha = await town.people.join()
    departure = await trade.add_departure(town.db)
    made = await town.book(departure, asha["token"], customer_id=str(uuid7()), party={"adult": 2, "child": 1},
                           travellers=[{"name": "Asha Rao"}, {"name": "Ben Iyer"},
                                       {"name": "Chotu", "category": "child", "date_of_birth": (date.today() - timedelta(days=365 * 6)).isoformat()}])  # fmt: skip
    found = await town.list(asha)
    (booking,) = found["bookings"]
    assert found["next"] is None
    assert list(booking) == [
        "id", "reference", "package_id", "travel_date", "return_date", "num_adults", "num_children", "total_price", "price", "currency",
        "payment_status", "status", "created_at", "packages",
    ]  # fmt: skip
    assert {name: booking[name] for name in booking if name not in ("packages", "created_at")} == {
        name: made["booking"][name] for name in booking if name not in ("packages", "created_at")
    }
    assert set(booking["packages"]) == {"id", "name", "price", "destination_id"}
    assert (booking["num_adults"], booking["num_children"]) == (2, 1)
    assert "booking.held" in [row[0] for row in await town.people.rows(
        "SELECT action FROM history WHERE actor = $1", f"customer:{asha['customerId']}")]  # fmt: skip


async def test_a_dead_session_books_nothing_and_a_guest_needs_none(town: Town) -> None:
    asha = await town.people.join()
    departure = await trade.add_departure(town.db)
    await town.book(departure, asha["token"], key="asha-books-once")
    assert (await town.people.post("/logout", token=asha["token"])).status_code == 200
    for token in (asha["token"], "forged"):
        answer = await town.book(departure, token, status=401)
        assert answer["code"] == "not_signed_in"
        assert (await town.book(departure, token, status=401, key="asha-books-once"))["code"] == "not_signed_in", (
            "nor is the first answer told"
        )
    assert await trade.seats_taken(town.db, departure) == 2
    await town.book(departure)
    ben = await town.people.register("ben@example.org", name="Ben", at=BENS)
    assert (await town.book(departure, ben["token"], status=403))["code"] == "email_not_verified"


async def test_one_key_is_one_booking_for_each_customer(town: Town) -> None:
    asha = await town.people.join()
    ben = await town.people.join("ben@example.org", name="Ben", at=BENS)
    departure = await trade.add_departure(town.db)
    first, again = [await town.book(departure, asha["token"], key="the-same-key") for _ in range(2)]
    bens = await town.book(departure, ben["token"], key="the-same-key")
    assert first == again
    assert bens["booking"]["id"] != first["booking"]["id"]


async def test_pages_of_bookings_have_no_gaps_and_no_doubles_newest_trip_first(town: Town) -> None:
    asha = await town.people.join()
    days = [date.today() + timedelta(days=90 + n // 3) for n in range(7)]
    package = await trade.add_package(town.db)
    made = []
    for day in dict.fromkeys(days):
        departure = await trade.add_departure(town.db, package_id=package, starts_on=day, seats=20)
        made += [(day, (await town.book(departure, asha["token"]))["booking"]["id"]) for _ in range(days.count(day))]
    expected = [booking_id for _, booking_id in sorted(made, key=lambda pair: (pair[0], UUID(pair[1])), reverse=True)]
    for limit in (1, 2, 3, 7, 100):
        seen, cursor = [], ""
        while True:
            page = await town.list(asha, f"?limit={limit}{cursor}")
            assert len(page["bookings"]) <= limit
            seen += [booking["id"] for booking in page["bookings"]]
            assert len(seen) <= len(expected)
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert seen == expected
    for wrong in ("cursor=x", "cursor=2027-13-01_019aa000-0000-7000-8000-000000000001", "cursor=2027-01-01_x", "limit=0", "limit=101", "limit=x"):  # fmt: skip
        answer = await town.people.ask("GET", f"/{asha['customerId']}/bookings?{wrong}", token=asha["token"])
        assert answer.status_code == 400, wrong


async def test_a_departure_that_moves_takes_its_bookings_along(town: Town, db_url: str) -> None:
    asha = await town.people.join()
    departure = await trade.add_departure(town.db)
    await town.book(departure, asha["token"])
    async with town.db.transaction() as conn:
        await conn.execute(
            "UPDATE departures SET starts_on = starts_on + 1, ends_on = ends_on + 1 WHERE id = $1", departure
        )
    (row,) = await town.people.rows(
        "SELECT b.travels_on = d.starts_on FROM bookings b JOIN departures d ON d.id = b.departure_id"
    )
    assert row[0]
    assert (await town.list(asha))["bookings"]


async def test_asha_opens_pays_and_gives_up_her_bookings_with_her_own_token(town: Town) -> None:
    asha = await town.people.join()
    departure = await trade.add_departure(town.db)
    booking = (await town.book(departure, asha["token"]))["booking"]["id"]
    seen = await town.http("GET", f"/api/bookings/{booking}", None, asha["token"])
    assert (seen.status_code, seen.json()["booking"]["amount_due"]) == (200, 2 * ADULT)
    for path in (
        f"/api/bookings/{booking}/cancellation",
        f"/api/payments/booking/{booking}",
        f"/api/payments/methods?bookingId={booking}",
    ):
        assert (await town.http("GET", path, None, asha["token"])).status_code == 200, path
    await town.pays(booking, asha["token"])
    money = (await town.http("GET", f"/api/payments/booking/{booking}", None, asha["token"])).json()
    assert (money["paymentStatus"], money["amountPaid"], len(money["transactions"])) == ("Paid", 2 * ADULT, 1)
    other = (await town.book(departure, asha["token"]))["booking"]["id"]
    given_up = await town.http("POST", f"/api/bookings/{other}/cancel", None, asha["token"])
    assert (given_up.status_code, given_up.json()["booking"]["status"]) == (200, "cancelled")
    actors = await town.people.rows("SELECT DISTINCT actor FROM history WHERE subject_id = $1::uuid", other)
    assert [row[0] for row in actors] == [f"customer:{asha['customerId']}"]


async def test_of_two_one_is_given_up_and_everybody_names_one_adult_and_one_and_the_same_price(town: Town) -> None:
    asha = await town.people.join()
    terms = {"tiers": [{"days_before": 0, "percent": 50}]}
    departure = await trade.add_departure(town.db, package_id=await trade.add_package(town.db, terms=terms))
    made = (await town.book(departure, asha["token"]))["booking"]
    assert (made["party"], made["cancelled_party"], made["price"]) == ({"adult": 2}, {}, 2 * ADULT)
    await town.pays(made["id"], asha["token"])
    await cancellations.cancel(town.street.house, UUID(made["id"]), leaving={"adult": 1}, actor="guest")
    seen = (await town.http("GET", f"/api/bookings/{made['id']}", None, asha["token"])).json()["booking"]
    (listed,) = (await town.list(asha))["bookings"]
    money = (await town.http("GET", f"/api/payments/booking/{made['id']}", None, asha["token"])).json()
    price = 2 * ADULT - ADULT // 2
    assert [seen["price"], listed["price"], money["amount"]] == [price] * 3
    assert [each["total_price"] for each in (seen, listed)] == [sum(line["amount"] for line in seen["lines"])] * 2
    assert [(each["num_adults"], each["num_children"]) for each in (seen, listed)] == [(1, 0)] * 2
    assert (seen["party"], seen["cancelled_party"], seen["seats"]) == ({"adult": 1}, {"adult": 1}, 1)


async def test_mallory_sees_of_ashas_booking_what_she_sees_of_none(town: Town) -> None:
    asha = await town.people.join()
    departure = await trade.add_departure(town.db)
    booking = (await town.book(departure, asha["token"]))["booking"]["id"]
    intent = await town.http("POST", "/api/payments/create-payment-intent", {"bookingId": booking}, asha["token"])
    transaction = intent.json()["transactionId"]
    mallory = await town.people.join("mallory@example.org", name="Mallory", at=MALLORYS)
    ended = await town.people.join("gone@example.org", name="Gone", at=MALLORYS)
    await town.people.post("/logout", token=ended["token"])
    doors = [
        ("GET", "/api/bookings/{}", booking), ("GET", "/api/bookings/{}/cancellation", booking), ("POST", "/api/bookings/{}/cancel", booking),
        ("GET", "/api/payments/booking/{}", booking), ("GET", "/api/payments/methods?bookingId={}", booking),
        ("POST", "/api/payments/create-payment-intent", booking), ("GET", "/api/payments/{}", transaction),
        ("POST", "/api/payments/{}/cancel", transaction),
    ]  # fmt: skip
    for token, status in ((mallory["token"], 404), (ended["token"], 401), ("forged", 401), ("", 404)):
        for method, path, known in doors:
            answers = [
                await town.http(method, path.format(each), {"bookingId": each} if "create" in path else None, token)
                for each in (known, str(uuid7()))
            ]
            assert [(answer.status_code, answer.content) for answer in answers] == [(status, answers[0].content)] * 2, (
                path,
                token,
            )
    assert await trade.status_of(town.db, UUID(booking)) == "held"


# --- guest bookings join ----------------------------------------------------------------------------------------------


async def test_guest_bookings_join_when_the_mailbox_is_proven_and_not_before(town: Town) -> None:
    departure = await trade.add_departure(town.db)
    guest = (await town.book(departure, customer_email="Asha@Example.ORG"))["booking"]["id"]
    bens = (await town.book(departure, customer_email="ben@example.org"))["booking"]["id"]
    made = await town.people.register()
    await town.news()
    refused(
        await town.people.ask("GET", f"/{made['customerId']}/bookings", token=made["token"]), 403, "email_not_verified"
    )
    letter = await town.people.letter("verify_email", "asha@example.org")
    await town.people.post("/verify-email", letter.link, token=made["token"])
    await town.news()
    assert [booking["id"] for booking in (await town.list(made))["bookings"]] == [guest]
    assert (await town.people.rows("SELECT customer_id FROM bookings WHERE id = $1::uuid", bens))[0][0] is None
    for _ in range(2):  # told twice, it is boring
        await app.LISTENERS["customer.verified"][0](town.people.house, {"customer_id": made["customerId"]})
    joined = await town.people.rows(
        "SELECT 1 FROM history WHERE action = 'booking.joined' AND subject_id = $1::uuid", guest
    )
    assert len(joined) == 1


async def test_what_is_booked_as_a_guest_later_joins_when_its_owner_asks(town: Town) -> None:
    asha = await town.people.join()
    await town.news()
    departure = await trade.add_departure(town.db, seats=20)
    later = (await town.book(departure))["booking"]["id"]
    await app.LISTENERS["customer.verified"][0](town.people.house, {"customer_id": asha["customerId"]})
    assert (await town.list(asha))["bookings"] == []
    claim = f"/{asha['customerId']}/claim-bookings"
    answer = await town.people.post(claim, token=asha["token"])
    assert (answer.status_code, answer.json()["joined"]) == (200, 1)
    assert [booking["id"] for booking in (await town.list(asha))["bookings"]] == [later]
    assert (await town.people.post(claim, token=asha["token"])).json()["joined"] == 0
    mallory = await town.people.join("mallory@example.org", name="Mallory", at=MALLORYS)
    assert (await town.people.post(f"/{mallory['customerId']}/claim-bookings", token=mallory["token"])).json()[
        "joined"
    ] == 0
    for _ in range(3):
        await town.people.post(claim, token=asha["token"])
    refused(await town.people.post(claim, token=asha["token"]), 429, "too_many_requests")


async def test_a_booking_of_one_account_never_joins_another(town: Town) -> None:
    asha = await town.people.join()
    departure = await trade.add_departure(town.db)
    gift = (await town.book(departure, asha["token"], customer_email="ben@example.org"))["booking"]["id"]
    ben = await town.people.join("ben@example.org", name="Ben", at=BENS)
    await town.news()
    assert (await town.people.post(f"/{ben['customerId']}/claim-bookings", token=ben["token"])).json()["joined"] == 0
    assert (await town.list(ben))["bookings"] == []
    assert [booking["id"] for booking in (await town.list(asha))["bookings"]] == [gift]


# --- what they count for ----------------------------------------------------------------------------------------------


async def test_points_follow_the_money(town: Town) -> None:
    asha = await town.people.join()
    departure = await trade.add_departure(town.db)
    first = (await town.book(departure, asha["token"]))["booking"]["id"]
    assert await town.stats(asha) == (0, 0, None, 0), "a held booking counts for nothing"
    await town.pays(first, asha["token"])
    assert await town.stats(asha) == (1, 2 * ADULT, "INR", 2 * ADULT // 1000)
    me = (await town.people.ask("GET", "/me", token=asha["token"])).json()["customer"]
    assert me["loyalty_points"] == 2 * ADULT // 1000
    second = (await town.book(departure, asha["token"], party={"adult": 1}))["booking"]["id"]
    await town.http("POST", f"/api/bookings/{second}/cancel", None, asha["token"])
    await town.news()
    assert await town.stats(asha) == (1, 2 * ADULT, "INR", 2 * ADULT // 1000), "what was given up does not count"


async def test_a_refund_at_the_gateway_takes_its_points_away(town: Town) -> None:
    from jklg.sandbox.bank import Intent

    asha = await town.people.join()
    booking = (await town.book(await trade.add_departure(town.db), asha["token"]))["booking"]["id"]
    transaction = await town.pays(booking, asha["token"])
    async with town.street.bank.bank.work() as work:
        ref = (await town.people.rows("SELECT transaction_id FROM transactions WHERE id = $1::uuid", transaction))[0][0]
        work.refund(work.get(Intent, ref), 999_900, {})
    await town.http("GET", f"/api/payments/{transaction}", None, asha["token"])
    await town.news()
    assert await town.stats(asha) == (1, 2 * ADULT - 999_900, "INR", (2 * ADULT - 999_900) // 1000)


async def _paid(
    db: Database, customer: UUID, currency: str, captured: int, refunded: int = 0, status: str = "confirmed"
) -> None:
    departure = await trade.add_departure(db, currency=currency)
    held = await trade.hold(db, departure)
    async with db.transaction() as conn:
        await conn.execute("UPDATE bookings SET customer_id = $2 WHERE id = $1", held.id, customer)
        if status != "held":
            await conn.execute(
                "UPDATE bookings SET status = $2 WHERE id = $1",
                held.id,
                "expired" if status == "expired" else "confirmed",
            )
        if status in ("completed", "cancelled"):
            await conn.execute("UPDATE bookings SET status = $2 WHERE id = $1", held.id, status)
        await conn.execute(
            """
            INSERT INTO transactions (id, booking_id, amount, currency, gateway, livemode, request_key, state, captured_amount, refund_amount)
            VALUES ($1, $2, $3, $4, 'sandbox', false, $1::uuid::text, 'succeeded', $3, $5)
            """,
            uuid7(), held.id, captured, currency, refunded,
        )  # fmt: skip


async def test_currencies_are_never_mixed_and_only_trips_that_were_bought_count(town: Town) -> None:
    asha = await town.people.join()
    customer = UUID(asha["customerId"])
    await _paid(town.db, customer, "INR", 1_234_599)  # 12,345.99: 1234 points
    await _paid(town.db, customer, "INR", 500_000, refunded=400_050)  # 999.50 are left
    await _paid(town.db, customer, "JPY", 12_345, status="completed")  # 1234 points: ten yen each
    await _paid(town.db, customer, "KWD", 25_999)  # 25.999: 2 points
    await _paid(town.db, customer, "USD", 77_700, status="cancelled")
    await _paid(town.db, customer, "USD", 77_700, status="expired")
    async with town.db.transaction() as conn:
        await conn.execute("SELECT update_customer_stats($1)", customer)
        assert await conn.fetchval("SELECT calculate_loyalty_points($1)", customer) == 1334 + 1234 + 2
    assert await town.stats(asha) == (4, 1_334_549, "INR", 2570)


async def test_the_database_knows_the_decimals_of_every_currency(db: Database) -> None:
    async with db.connection() as conn:
        found = await conn.fetch(
            "SELECT c, currency_decimals(c) FROM unnest($1::text[]) AS c", [*sorted(CURRENCIES), "UYI", "UYW"]
        )
    assert {row[0]: row[1] for row in found} == {
        currency: decimals(currency) for currency in [*CURRENCIES, "UYI", "UYW"]
    }


async def test_who_counts_later_has_seen_what_who_counted_before_had_seen(town: Town) -> None:
    """A recount that began before a payment and wrote after it would leave the old count for good."""
    asha = await town.people.join()
    customer = UUID(asha["customerId"])
    await _paid(town.db, customer, "INR", 100_000)

    async def recount() -> None:
        async with town.db.transaction() as conn:
            await conn.execute("SELECT update_customer_stats($1)", customer)

    async with town.db.transaction() as conn:
        await conn.execute("SELECT FROM customers WHERE id = $1 FOR NO KEY UPDATE", customer)
        waiting = asyncio.create_task(recount())
        await asyncio.sleep(0.3)
        await _paid(town.db, customer, "INR", 100_000)
    await waiting
    assert await town.stats(asha) == (2, 200_000, "INR", 200)


# --- the database's own rules -----------------------------------------------------------------------------------------


async def test_a_booking_belongs_to_a_customer_who_exists(town: Town) -> None:
    held = await trade.hold(town.db, await trade.add_departure(town.db))
    async with town.db.transaction() as conn:
        with pytest.raises(asyncpg.ForeignKeyViolationError) as refusal:
            await conn.execute("UPDATE bookings SET customer_id = $2 WHERE id = $1", held.id, uuid7())
    assert refusal.value.constraint_name == "bookings_customer"


async def test_customers_see_their_own_bookings_travellers_and_payments_in_every_table(town: Town) -> None:
    people = {
        name: await town.people.join(f"{name}@example.org", name=name, at=at)
        for name, at in (("asha", "192.0.2.7"), ("ben", BENS))
    }
    package = await trade.add_package(town.db)
    pony = await trade.add_extra(town.db, package)
    departure = await trade.add_departure(town.db, package_id=package, extras={pony: (100, None)}, seats=20)
    for made in people.values():
        booking = await town.book(
            departure,
            made["token"],
            travellers=[{"name": "x"}, {"name": "y"}],
            extras=[{"id": str(pony), "quantity": 1}],
        )
        await town.pays(booking["booking"]["id"], made["token"])
        await town.people.rows(
            "INSERT INTO refunds (id, transaction_id, amount, currency, origin, request_key, source_account)"
            " SELECT gen_random_uuid(), id, 1, 'INR', 'staff', id::text, 'customer_deposits' FROM transactions WHERE booking_id = $1::uuid RETURNING id",
            booking["booking"]["id"],
        )
    for who, made in people.items():
        async with town.db.transaction(claims("customer", sub=made["customerId"], sid=str(uuid7()))) as conn:
            for table, rows in (
                ("bookings", 1),
                ("travellers", 2),
                ("booking_extras", 1),
                ("transactions", 1),
                ("refunds", 1),
            ):
                assert await conn.fetchval(f"SELECT count(*) FROM {table}") == rows, (who, table)
            assert await conn.fetchval("SELECT bool_and(customer_id = $1) FROM bookings", UUID(made["customerId"]))
            assert await conn.execute("UPDATE bookings SET phone = 'x'") == "UPDATE 0"
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await conn.execute(
                    "INSERT INTO travellers (id, booking_id, position, name, category) SELECT gen_random_uuid(), id, 9, 'x', 'adult' FROM bookings"
                )
