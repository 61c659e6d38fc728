"""The whole application put together: rooms, gateways, who acts on which news, what the worker does. Start here.

`House` is what a running process holds. `create_app` is the web, `run_worker` is the worker; both may run any number
of times against one database.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Any

from jklg import bookings, enquiries, jobs, limits, mail, pricing, questions, reviews, staff
from jklg.bookings import accounts, circulars, reminding, tidings
from jklg.bookings import jobs as booking_jobs
from jklg.bookings.accounts import jobs as account_jobs
from jklg.bookings.moving import jobs as moving_departures
from jklg.catalogue import wishes
from jklg.customers import jobs as customer_jobs
from jklg.customers.joining import jobs as joining_jobs
from jklg.customers.leaving import Export, Parting
from jklg.customers.moving import jobs as moving_jobs
from jklg.customers.recovery import jobs as recovery_jobs
from jklg.invoices import jobs as invoice_jobs
from jklg.kit import failpoints
from jklg.kit.clock import Clock
from jklg.kit.db import Database, open_database
from jklg.kit.embedded_postgres import make_data_dir
from jklg.payments import aside, balances, books, consents
from jklg.payments import jobs as payment_jobs
from jklg.payments.gateways.contract import Gateway
from jklg.reconciliation import list_money_due, reconcile_due
from jklg.reviews import asking
from jklg.reviews import jobs as review_jobs
from jklg.settings import BadSettings, Settings, load
from jklg.web import idempotency

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from litestar import Litestar

Listener = Callable[[Any, dict[str, Any]], Awaitable[None]]
Sweep = Callable[[Any], Awaitable[int]]

LISTENERS: dict[str, list[Listener]] = {
    "customer.registered": [joining_jobs.mail_verification],
    "customer.verification_wanted": [joining_jobs.mail_verification],
    "customer.verified": [account_jobs.join_guest_bookings],
    "customer.sign_in_failed": [customer_jobs.note_failed_sign_in],
    "customer.password_forgotten": [recovery_jobs.mail_reset],
    "customer.password_changed": [recovery_jobs.mail_changed],
    "customer.email_change_asked": [moving_jobs.mail_change],
    "booking.confirmed": [
        booking_jobs.mail_confirmation,
        account_jobs.recount,
        account_jobs.tell_confirmed,
        invoice_jobs.write_papers,
    ],
    "booking.price_reduced": [invoice_jobs.write_papers],
    "booking.cancelled": [booking_jobs.mail_given_up, account_jobs.recount, account_jobs.tell_cancelled],
    "booking.people_cancelled": [booking_jobs.mail_given_up],
    "departure.moved": [moving_departures.mail_departure_moved],
    "booking.erased": [payment_jobs.forget_person, review_jobs.forget, invoice_jobs.forget_person],
    "payment.received": [payment_jobs.mail_receipt, payment_jobs.recount_customer, payment_jobs.tell_received],
    "refund.settled": [payment_jobs.mail_refund, account_jobs.recount, payment_jobs.tell_refund],
    "refund.late_money": [payment_jobs.mail_late_money_refunded],
}
"""News -> who acts on it. News is announced inside the database transaction of the fact and acted on by the worker."""


async def _expire_holds(house: House) -> int:
    return await bookings.expire_due(house.db)


async def _complete_travelled(house: House) -> int:
    return await bookings.complete_due(house.db)


async def _forget_old_news(house: House) -> int:
    return await jobs.forget_told(house.db)


async def _forget_old_keys(house: House) -> int:
    return await idempotency.forget_old(house.db)


async def _forget_old_quotes(house: House) -> int:
    return await pricing.forget_old_quotes(house.db)


async def _forget_last_mails(house: House) -> int:
    return await mail.forget_due(house.db)


async def _forget_full_limits(house: House) -> int:
    return await limits.forget_full(house.db)


async def _forget_staff_sessions(house: House) -> int:
    return await staff.forget_ended(house.db)


SWEEPS: dict[str, Sweep] = {
    "notices": payment_jobs.process_notices,
    "payments": payment_jobs.settle_due,
    "overdue": payment_jobs.close_overdue,
    "holds": _expire_holds,
    "refunds": payment_jobs.send_refunds,
    "reconciliation": reconcile_due,
    "daily money": list_money_due,
    "seals": books.seal,
    "put aside": aside.watch,
    "balances": balances.watch,
    "balance letters": balances.remind,
    "card letters": balances.announce,
    "card charges": balances.charge,
    "refused cards": balances.tell_refused,
    "consents": consents.end_due,
    "forgotten cards": consents.forget_due,
    "departure letters": reminding.remind_of_departures,
    "review letters": asking.ask,
    "circulars": circulars.send,
    "mail": mail.send_due,
    "travelled": _complete_travelled,
    "old quotes": _forget_old_quotes,
    "old news": _forget_old_news,
    "old keys": _forget_old_keys,
    "old limits": _forget_full_limits,
    "old staff sessions": _forget_staff_sessions,
    "people who left": account_jobs.erase_due,
    "last mails": _forget_last_mails,
    "old registrations": customer_jobs.forget_old_pending,
    "old links": customer_jobs.forget_old_proofs,
    "old sessions": customer_jobs.forget_ended_sessions,
    "old challenges": customer_jobs.forget_old_challenges,
}
"""What the worker goes round to look at, in this order. Each answers how much it found to do."""

UNHURRIED = {name for name in SWEEPS if name.startswith("old ") or name.endswith(" letters")} | {
    "balances",
    "travelled",
    "forgotten cards",
    "people who left",
    "last mails",
}
"""What is a matter of days. Once a minute is enough."""

LOOKERS = 16
"""Payments that a worker looks at side by side. They share their statements and database transactions, so that few connections do.

Stripe allows 100 requests a second in live mode, and 25 of one kind unless it has agreed to more (docs.stripe.com/rate-limits, an excerpt
read 2026-11). A burst of notices may go beyond that: what is answered with 429 is asked again later (payments/webhooks)."""

WORKER_CONNECTIONS = 4
"""Of a worker. Each has to learn every statement anew; what runs side by side shares them (kit/together.py)."""

EXPORTS: dict[str, Export] = {
    "bookings": accounts.export,
    "payments": payment_jobs.export,
    "tidings": tidings.export,
    "wishes": wishes.export,
    "enquiries": enquiries.export,
    "questions": questions.export,
    "reviews": reviews.export,
}
"""What the rooms above customers hold on one of them, for their export."""

PARTINGS: tuple[Parting, ...] = (accounts.leave, tidings.leave, wishes.leave, enquiries.leave, questions.leave)
"""What the rooms above customers do when one of them leaves, in the database transaction of the erasure."""


@dataclass(kw_only=True)
class House:
    """What a running process holds."""

    settings: Settings
    db: Database
    gateways: Mapping[str, Gateway]
    clock: Clock = field(default_factory=Clock)
    dice: Random = field(default_factory=SystemRandom)
    lookers: int = 1
    """Payments that webhooks ring for and that are looked at side by side; more than one in a worker."""
    exports: Mapping[str, Export] = field(default_factory=lambda: EXPORTS)
    partings: tuple[Parting, ...] = PARTINGS

    async def close(self) -> None:
        for gateway in self.gateways.values():
            await gateway.close()
        await self.db.close()


def open_gateways(settings: Settings) -> dict[str, Gateway]:
    """The gateways that are configured, in the order they are offered."""
    gateways: dict[str, Gateway] = {}
    if settings.stripe_secret_key:
        from jklg.payments.gateways.stripe import StripeGateway

        gateways["stripe"] = StripeGateway(
            settings.stripe_secret_key,
            settings.stripe_publishable_key,
            settings.stripe_webhook_secrets,
            settings.stripe_api_base,
            settings.stripe_js_url,
            manual_capture=settings.stripe_capture == "manual",
        )
    if settings.paypal_client_id:
        from jklg.payments.gateways.paypal import PayPalGateway

        gateways["paypal"] = PayPalGateway(
            settings.paypal_client_id,
            settings.paypal_secret,
            settings.paypal_webhook_ids,
            settings.paypal_api_base,
            settings.paypal_js_url,
            brand=settings.agency_name,
        )
    if settings.razorpay_key_id:
        from jklg.payments.gateways.razorpay import RazorpayGateway

        gateways["razorpay"] = RazorpayGateway(
            settings.razorpay_key_id,
            settings.razorpay_key_secret,
            settings.razorpay_webhook_secrets,
            settings.razorpay_api_base,
            settings.razorpay_js_url,
            brand=settings.agency_name,
        )
    if settings.sandbox_url:
        from jklg.payments.gateways.sandbox import SandboxGateway

        gateways["sandbox"] = SandboxGateway(
            settings.sandbox_url, settings.sandbox_key, settings.sandbox_webhook_secret
        )
    return gateways


async def build_house(
    settings: Settings,
    db: Database | None = None,
    gateways: Mapping[str, Gateway] | None = None,
    clock: Clock | None = None,
    dice: Random | None = None,
) -> House:
    """Open what a process needs. Tests hand in their own parts."""
    return House(
        settings=settings,
        db=db or await open_database(settings.database_url),
        gateways=open_gateways(settings) if gateways is None else gateways,
        clock=clock or Clock(),
        dice=dice or SystemRandom(),
    )


def create_app(house: House | None = None, settings: Settings | None = None) -> Litestar:
    """The web application. With a ready `house` it uses that and leaves it open; else it opens one from `settings` at start."""
    from jklg.catalogue.api import picture_of
    from jklg.pricing import spoken
    from jklg.web.assembly import assemble

    app = assemble(
        _routers(), settings=house.settings if house else settings or load(), lifespan=_open_for_business(settings)
    )
    app.state.pages.environment.filters["price_rule"] = spoken.rule
    app.state.pages.environment.globals["picture_of"] = picture_of
    app.state.house = house
    return app


def _routers() -> list[Any]:
    """Every door of the house."""
    import jklg.kit.guessing  # noqa: F401  (so that the first who chooses a password does not wait for it)
    from jklg.backoffice import doors as office
    from jklg.bookings import api as bookings_api
    from jklg.bookings import pages as bookings_pages
    from jklg.bookings.accounts import api as accounts_api
    from jklg.bookings.accounts import pages as accounts_pages
    from jklg.bookings.agreements import pages as agreements_pages
    from jklg.bookings.guests import pages as guests_pages
    from jklg.bookings.tidings import pages as tidings_pages
    from jklg.bookings.travellers import pages as travellers_pages
    from jklg.catalogue import api as catalogue_api
    from jklg.catalogue import pages as catalogue_pages
    from jklg.catalogue.gallery import api as gallery_api
    from jklg.catalogue.gallery import pages as gallery_pages
    from jklg.catalogue.pictures import pages as photos
    from jklg.catalogue.wishes import pages as wishes_pages
    from jklg.customers import api as customers_api
    from jklg.customers import pages as customers_pages
    from jklg.departures import api as departures_api
    from jklg.enquiries import pages as enquiries_pages
    from jklg.mail import pages as mail_pages
    from jklg.payments import api as payments_api
    from jklg.payments import pages as payments_pages
    from jklg.payments.browsing import api as browsing_api
    from jklg.payments.callbacks import api as callbacks_api
    from jklg.payments.cancellations import api as cancellations_api
    from jklg.payments.cancellations import pages as cancellations_pages
    from jklg.payments.desk import api as desk_api
    from jklg.payments.papers import pages as papers_pages
    from jklg.payments.webhooks import api as webhooks_api
    from jklg.pricing import api as pricing_api
    from jklg.questions import pages as questions_pages
    from jklg.reviews import api as reviews_api
    from jklg.reviews import pages as reviews_pages
    from jklg.site import api as site_api
    from jklg.site import pages as site_pages
    from jklg.site.embed import pages as embed_pages
    from jklg.site.journey import pages as journey_pages
    from jklg.site.letters import pages as letter_pages
    from jklg.site.sharing import pages as sharing_pages
    from jklg.staff import pages as staff_pages
    from jklg.web.design import pages as design_pages

    return [
        site_pages.router,
        site_api.router,
        journey_pages.router,
        sharing_pages.router,
        embed_pages.router,
        design_pages.router,
        catalogue_pages.router,
        gallery_pages.router,
        photos.router,
        wishes_pages.router,
        enquiries_pages.router,
        questions_pages.router,
        reviews_pages.router,
        bookings_pages.router,
        guests_pages.router,
        agreements_pages.router,
        travellers_pages.router,
        payments_pages.router,
        cancellations_pages.router,
        papers_pages.router,
        papers_pages.account_router,
        customers_pages.router,
        accounts_pages.router,
        tidings_pages.router,
        staff_pages.router,
        office.router,
        mail_pages.router,
        letter_pages.router,
        catalogue_api.router,
        gallery_api.router,
        reviews_api.router,
        customers_api.router,
        departures_api.router,
        pricing_api.router,
        bookings_api.router,
        accounts_api.router,
        payments_api.router,
        callbacks_api.router,
        cancellations_api.router,
        browsing_api.router,
        desk_api.router,
        webhooks_api.router,
    ]


def _open_for_business(settings: Settings | None) -> Callable[[Litestar], Any]:
    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        if app.state.house is not None:
            yield
            return
        app.state.house = await build_house(settings or load())
        try:
            yield
        finally:
            await app.state.house.close()

    return lifespan


def application() -> Litestar:
    """The factory a server is pointed at: settings from the environment."""
    settings = load()
    _arm(settings)
    return create_app(settings=settings)


def run_worker(settings: Settings, gateways: Mapping[str, Gateway]) -> None:
    """Work until SIGTERM or SIGINT, finishing what is in hand. Closes the gateways at the end."""
    _arm(settings)
    try:
        make_data_dir(settings.data_dir)
    except OSError as error:  # a worker can do without; what it cannot note there, it says
        logging.getLogger(__name__).warning("no data directory: %s", error)
    try:
        import uvloop

        uvloop.run(_work(settings, gateways))
    except ImportError:
        asyncio.run(_work(settings, gateways))


async def _work(settings: Settings, gateways: Mapping[str, Gateway]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    house = await build_house(
        settings, await open_database(settings.database_url, max_size=WORKER_CONNECTIONS), gateways
    )
    try:
        house.lookers = LOOKERS
        await jobs.run(house, LISTENERS, SWEEPS, stop, UNHURRIED)
    finally:
        await house.close()


def _arm(settings: Settings) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # below, every call
    try:
        failpoints.arm(settings.failpoint)
    except ValueError as error:
        raise BadSettings(f"JKLG_FAILPOINT: {error}") from error
