"""A stage on which every page has something to show: Asha's bookings in every state they can be in, her account, and what staff have before them.

The addresses in `pages.py` name what is here: `/bookings/{held}/pay`.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pyotp
from playwright.async_api import BrowserContext

from jklg import bookings, payments, questions, reviews, staff
from jklg.bookings import TravellerRequest, circulars, travellers
from jklg.bookings.circulars import Audience, Message
from jklg.bookings.travellers.actions import link_token
from jklg.customers import factors, profile, sessions
from jklg.customers.profile.queries import Address
from jklg.kit.ids import uuid7
from jklg.mail import stopping
from jklg.payments import cancellations, desk
from jklg.questions import Question
from jklg.reconciliation import statements
from jklg.reviews import Saying
from jklg.sandbox.things import Intent
from tests.browser.conftest import Shop
from tests.browser.test_accounts import EMAIL, PASSWORD, join
from tests.reconciliation.statements.files import camt
from tests.trade import TERMS, hold

CHITRA = "chitra@example.org"
SLUG = "kashmir-bliss"


async def set_stage(shop: Shop) -> Stage:
    stage = Stage(shop)
    await stage.set()
    return stage


class Stage:
    """`addresses`: what is written into the paths of pages, by name."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.addresses: dict[str, str] = {"package": SLUG}
        self.ids: dict[str, UUID] = {}

    async def set(self) -> None:
        departures = await self._list(
            "SELECT d.id FROM departures d JOIN packages p ON p.id = d.package_id WHERE p.slug = $1 ORDER BY starts_on LIMIT 24",
            SLUG,
        )
        self._dates = iter(departures[8:])
        self.addresses["departure"] = str(departures[4])
        await self._run("UPDATE departures SET seats_taken = allotment WHERE id = $1", departures[5])
        self.addresses["sold_out"] = str(departures[5])
        await self._unpaid()
        await self._paid()
        await self._in_trouble()
        await self._travelled()
        await self._office()
        await self._papers()
        await self._sells_under_terms(TERMS)

    async def _unpaid(self) -> None:
        await self._holds("held")
        await self._attempt(await self._holds("declined"), "decline")
        await self._attempt(await self._holds("waiting"), "pay_later")
        expired = await self._holds("expired")
        await self._run(
            "UPDATE bookings SET hold_expires_at = house_now() - interval '1 second' WHERE id = $1", expired.id
        )
        await bookings.expire_due(self.shop.house.db)

    async def _paid(self) -> None:
        await self._attempt(await self._holds("confirmed"), "pay")
        await self._sells_under_terms(TERMS)
        await self._holds("deposit")
        part = await self._holds("part_paid")
        await self._attempt(part, "pay", amount=part.total_price // 5)
        cancelled = await self._holds("cancelled")
        await self._attempt(cancelled, "pay")
        await cancellations.cancel(
            self.shop.house, cancelled.id, kept=500_000, reason="a broken leg", actor=f"staff:{uuid7()}", by_staff=True
        )
        await self._sells_under_terms({})

    async def _in_trouble(self) -> None:
        """A payment of another sum, one that is disputed, one by hand with money sent back, a statement that nobody knows."""
        house, db = self.shop.house, self.shop.house.db
        wrong = await self._holds("suspense")
        await self._attempt(wrong, "pay", told=wrong.total_price + 50_000)
        disputed = await self._attempt(await self._holds("disputed"), "pay")
        async with self.shop.bank.bank.work() as work:
            work.dispute(work.get(Intent, disputed.ref or ""))
        by_hand = await self._holds("by_hand")
        await desk.record_payment(
            house, payment_id=uuid7(), booking_id=by_hand.id, amount=by_hand.total_price, method="bank_transfer",
            note="UTR 4711", actor=f"staff:{uuid7()}",
        )  # fmt: skip
        await desk.ask_refund(
            house,
            request_id=uuid7(),
            booking_id=by_hand.id,
            amount=125_050,
            reason="a wet tent",
            actor=f"staff:{uuid7()}",
        )
        async with db.transaction() as conn:
            detail: dict[str, object] = {"gateway": "sandbox", "difference": -35_000, "currency": "INR"}
            await payments.report_concern(conn, "balance_differs", "balance:sandbox", detail)
        today = datetime.now(UTC).date().isoformat()
        entries = [
            ("-350.00", today, "Quarterly fee", "NOTPROVIDED"),
            (str(by_hand.total_price // 100) + ".00", today, "Kashmir in May, Rao", "UTR 4711"),
        ]
        closing = str(1000 - 350 + by_hand.total_price // 100)
        await statements.import_file(
            db, camt(entries, closing=closing, days=(today, today)), file_name="november.xml", actor=f"staff:{uuid7()}"
        )

    async def _travelled(self) -> None:
        for name in ("travelled", "reviewed"):
            held = await self._holds(name)
            await self._attempt(held, "pay")
            await self._run("UPDATE bookings SET status = 'completed' WHERE id = $1", held.id)
        async with self.shop.house.db.transaction() as conn:
            booking = await bookings.get_by_reference(conn, self.addresses["reviewed"])
        assert booking is not None
        said = Saying(
            name="Asha", rating=4, message="Cold boats, warm people.\n\nThe pony at Sonmarg was called Badal."
        )
        await reviews.write(self.shop.house.db, booking, said, actor="guest")

    async def _office(self) -> None:
        db = self.shop.house.db
        package = await self.shop.one("SELECT id FROM packages WHERE slug = $1", SLUG)
        asked = Question(name="Ben Okoye", email="ben@example.org", question="Can we bring a dog?")
        await questions.ask(db, package, asked, network="127.0.0.1")
        leaving = await self.shop.one("SELECT departure_id FROM bookings WHERE id = $1", self.ids["confirmed"])
        words = Message(
            subject="Bring warm things", words="It snows at Sonmarg this week.\n\nWe have boots for whoever needs them."
        )
        circular, link = uuid7(), uuid7()
        actor = f"staff:{uuid7()}"
        await circulars.begin(db, circular, Audience(departure_id=leaving), words, expected=1, actor=actor)
        nameless = self.ids["deposit"]
        await travellers.make_link(db, nameless, link_id=link, category="adult", traveller_id=None, actor="guest")
        token = link_token(self.shop.house.settings.secret, link)
        self.addresses |= {"leaving": str(leaving), "circular": str(circular), "link": str(link), "link_token": token}
        await staff.add(db, email=CHITRA, name="Chitra Nair", role="Admin", password=PASSWORD)

    async def _papers(self) -> None:
        """What the worker does with all this, and the names of what it made."""
        named = {
            "invoice": "SELECT count(*) > 5 FROM invoices",
            "dispute": "SELECT id FROM disputes",
            "mismatch": "SELECT id FROM anomalies WHERE kind = 'amount_mismatch'",
            "chargeback": "SELECT id FROM anomalies WHERE kind LIKE 'dispute%'",
            "difference": "SELECT id FROM anomalies WHERE kind = 'balance_differs'",
            "line": "SELECT id FROM bank_lines WHERE state = 'open' ORDER BY amount LIMIT 1",
            "payment": "SELECT t.id FROM transactions t JOIN refunds r ON r.transaction_id = t.id LIMIT 1",
            "ticket": "SELECT id FROM support_tickets ORDER BY created_at LIMIT 1",
            "review": "SELECT id FROM testimonials WHERE status = 'pending'",
            "question": "SELECT id FROM faqs ORDER BY id LIMIT 1",
            "mail": "SELECT id FROM mail_outbox WHERE kind = 'booking_confirmed' LIMIT 1",
            "asked": "SELECT id FROM package_questions WHERE status = 'open'",
        }
        for name, statement in named.items():
            for _ in range(200):
                found = await self.shop.one(statement)
                if found:
                    break
                await asyncio.sleep(0.1)
            else:
                raise AssertionError(f"the stage has no {name}")
            self.addresses[name] = str(found)
        settings = self.shop.house.settings
        self.addresses["stop_token"] = stopping.stop_url(settings, UUID(self.addresses["mail"])).rpartition("/")[2]

    async def asha(self, context: BrowserContext) -> None:
        """Asha opens an account, which takes over what she booked before, and is signed in here; this browser has the key to one booking."""
        page = await context.new_page()
        await join(self.shop, page)
        settings = self.shop.house.settings
        key = bookings.manage_token(settings.secret, self.ids["confirmed"])
        await page.goto(f"/manage/{self.addresses['confirmed']}/{key}")
        token = next(each["value"] for each in await context.cookies() if each["name"] == "jklg_customer")
        who = sessions.rules.read(token, settings.secrets)
        assert who is not None
        home = Address(
            id=who.customer_id, label="Home", street="12 Residency Road", city="Bengaluru", state="Karnataka", postal_code="560025",
            country="India", is_default=True,
        )  # fmt: skip
        db = self.shop.house.db
        self.addresses["address"] = str((await profile.add_address(db, who, home)).id)
        await page.close()
        new = await factors.begin_totp(db, settings, who)
        await factors.confirm_totp(db, settings, who, pyotp.TOTP(new.secret).now())
        # Half of another sign-in: the second step has something to ask.
        await context.request.post(
            "/login", form={"email": EMAIL, "password": PASSWORD}, headers={"Sec-Fetch-Site": "same-origin"}
        )

    async def chitra(self, context: BrowserContext) -> None:
        page = await context.new_page()
        await page.goto("/staff/sign-in")
        await page.fill("[name=email]", CHITRA)
        await page.fill("[name=password]", PASSWORD)
        await page.click("main button[type=submit]")
        await page.wait_for_url("**/staff")
        await page.close()

    # --- how it is done -----------------------------------------------------------------------------------------------

    async def _holds(self, name: str) -> bookings.Held:
        held = await hold(
            self.shop.house.db,
            next(self._dates),
            minutes=60,
            travellers=[TravellerRequest(name="Asha Rao")]
            + ([] if name == "deposit" else [TravellerRequest(name="Ben Okoye")]),
            special_requests="A room that looks at the lake, please." if name == "confirmed" else "",
        )
        self.addresses[name], self.ids[name] = held.reference, held.id
        return held

    async def _attempt(
        self, held: bookings.Held, what: str, *, amount: int | None = None, told: int | None = None
    ) -> payments.Transaction:
        """She tries to pay, and the bank does `what`; of another sum than she was asked for when it is `told`."""
        started = await payments.start(self.shop.house, held.id, "sandbox", claimed_amount=amount)
        async with self.shop.bank.bank.work() as work:
            intent = work.get(Intent, started.transaction.ref or "")
            intent.amount = told or intent.amount
            match what:
                case "pay":
                    work.pay(intent, "play_card")
                case "decline":
                    work.decline(intent, "The card was declined.")
                case "pay_later":
                    work.pay_later(intent)
                    intent.due_at = datetime.now(UTC) + timedelta(hours=1)
                    work.put(intent)
        return (await payments.settle(self.shop.house, started.transaction.id, source="return")).transaction

    async def _sells_under_terms(self, terms: dict[str, Any]) -> None:
        await self._run("UPDATE packages SET sales_terms = $2 WHERE slug = $1", SLUG, terms)

    async def _run(self, statement: str, *values: object) -> None:
        async with self.shop.house.db.transaction() as conn:
            await conn.execute(statement, *values)

    async def _list(self, statement: str, *values: object) -> list[UUID]:
        async with self.shop.house.db.transaction() as conn:
            return [row[0] for row in await conn.fetch(statement, *values)]
