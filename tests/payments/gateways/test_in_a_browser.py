"""The gateways' own pages in a real Chromium: the Payment Element on our page, and the play bank's test page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import pytest
from playwright.async_api import Page, async_playwright, expect

from jklg.payments.gateways.contract import Snapshot, Widget
from jklg.payments.gateways.paypal import PayPalGateway
from jklg.payments.gateways.razorpay import RazorpayGateway
from jklg.payments.gateways.sandbox import SandboxGateway
from jklg.payments.gateways.stripe import StripeGateway
from jklg.sandbox import create_app
from jklg.settings import Settings
from jklg.web.front import content_security_policy
from jklg.web.render import Pages
from jklg.web.static_files import shelf
from tests.chromium import launch
from tests.payments.gateways.counters import order
from tests.peers.loopback import serve
from tests.peers.paypal import PayPalPeer
from tests.peers.razorpay import RazorpayPeer
from tests.peers.stripe import StripePeer

pytestmark = pytest.mark.browser


@asynccontextmanager
async def chromium(**options: Any) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        page = await (await browser.new_context(**options)).new_page()
        page.set_default_timeout(10_000)
        yield page
        await browser.close()


class Shop:
    """One payment page, rendered and guarded as the house does it, and the page the payer returns to."""

    def __init__(self) -> None:
        self.widget: Widget | None = None
        self.pages = Pages(Settings())
        self.handed_over: dict[str, str] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for done in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{done}.complete"})
            return
        headers, body, kind = [], b"<h1>Welcome back</h1>", "text/html; charset=utf-8"
        if scope["path"].startswith("/static/"):
            file = shelf().files[scope["path"]]
            body, kind = file.content, file.media_type
        elif scope["path"] == "/pay":
            assert self.widget is not None
            attempt, booking = SimpleNamespace(id=UUID(int=7)), SimpleNamespace(reference="K7MQ4Z")
            inside = self.pages.render(
                self.widget.template, scope, widget=self.widget, attempt=attempt, booking=booking
            )
            body = b"<!doctype html><title>Pay</title><main>" + inside + b"</main>"
            extra = {name: list(sources) for name, sources in self.widget.csp.items()}
            headers = [(b"content-security-policy", content_security_policy(extra).encode())]
        elif scope["method"] == "POST":
            self.handed_over = {"to": scope["path"], **dict(parse_qsl((await receive())["body"].decode()))}
            headers = [(b"location", b"/return")]
        status = 303 if scope["method"] == "POST" else 200
        await send(
            {"type": "http.response.start", "status": status, "headers": [*headers, (b"content-type", kind.encode())]}
        )
        await send({"type": "http.response.body", "body": body})


class StripeStreet:
    def __init__(self, shop: str, peer: StripePeer, gateway: StripeGateway, created: Snapshot, page: Page) -> None:
        self.shop, self.peer, self.gateway, self.created, self.page = shop, peer, gateway, created, page

    async def types(self, card: str) -> None:
        await self.page.get_by_label("Card number").fill(card)
        await self.page.get_by_label("Expiry date").fill("12/30")
        await self.page.get_by_label("Security code").fill("123")
        await self.page.get_by_role("button", name="Pay ₹").click()

    async def state(self) -> str:
        return (await self.gateway.fetch(self.created.ref)).state


@asynccontextmanager
async def stripe_street(**options: Any) -> AsyncIterator[StripeStreet]:
    shop, peer = Shop(), StripePeer()
    async with serve(peer) as stripe_url, serve(shop) as shop_url, chromium(**options) as page:
        gateway = StripeGateway("sk_test_peer", "pk_test_peer", ["whsec"], stripe_url, f"{stripe_url}/stripe.js")
        created = await gateway.create(order())
        shop.widget = gateway.widget(
            ref=created.ref,
            client_secret=created.client_secret or "",
            amount=created.amount,
            currency=created.currency,
            return_url=f"{shop_url}/return",
        )
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        await page.goto(f"{shop_url}/pay")
        yield StripeStreet(shop_url, peer, gateway, created, page)
        await gateway.close()
        assert [problem for problem in problems if "favicon" not in problem] == []


async def test_asha_pays_by_card_and_comes_back() -> None:
    async with stripe_street() as street:
        await street.types("4242 4242 4242 4242")
        await expect(street.page).to_have_url(f"{street.shop}/return")
        assert await street.state() == "succeeded"


async def test_a_declined_card_is_said_aloud_and_another_one_works() -> None:
    async with stripe_street() as street:
        await street.types("4000 0000 0000 0002")
        await expect(street.page.get_by_role("alert")).to_have_text("Your card was declined.")
        await expect(street.page.get_by_role("button", name="Pay ₹")).to_be_enabled()
        assert await street.state() == "requires_payment_method"
        await street.types("4242424242424242")
        await expect(street.page).to_have_url(f"{street.shop}/return")


async def test_an_empty_form_is_not_sent() -> None:
    async with stripe_street() as street:
        await expect(street.page.get_by_role("button", name="Pay ₹")).to_be_enabled()
        await street.page.get_by_role("button", name="Pay ₹").click()
        await expect(street.page.get_by_role("alert")).to_contain_text("complete your card details")
        assert await street.state() == "requires_payment_method"


@pytest.mark.parametrize(("button", "state"), [("Approve", "succeeded"), ("Refuse", "requires_payment_method")])
async def test_the_bank_asks_and_asha_answers(button: str, state: str) -> None:
    async with stripe_street() as street:
        await street.types("4000000000003220")
        await street.page.get_by_role("dialog", name="Your bank asks").get_by_role("button", name=button).click()
        if button == "Approve":
            await expect(street.page).to_have_url(f"{street.shop}/return")
        else:
            await expect(street.page.get_by_role("alert")).to_contain_text("unable to authenticate")
        assert await street.state() == state


async def test_without_javascript_the_page_says_why_it_cannot_go_on() -> None:
    async with stripe_street(java_script_enabled=False) as street:
        await expect(street.page.locator("noscript p")).to_be_visible()
        await expect(street.page.get_by_role("button", name="Pay ₹")).to_be_disabled()


@pytest.mark.parametrize("script", [True, False])
async def test_the_play_bank_is_paid_with_or_without_javascript(script: bool) -> None:
    shop = Shop()
    bank = create_app(key="key", webhook_secret="s", webhook_url="", faults_enabled=True, public_url="")
    async with serve(bank) as bank_url, serve(shop) as shop_url, chromium(java_script_enabled=script) as page:
        gateway = SandboxGateway(bank_url, "key", "s")
        created = await gateway.create(order(return_url=f"{shop_url}/return"))
        shop.widget = gateway.widget(
            ref=created.ref, client_secret=created.client_secret or "", amount=1, currency="INR", return_url=""
        )
        await page.goto(f"{shop_url}/pay")
        await page.get_by_role("link", name="Continue to the play bank").click()
        await page.get_by_role("button", name="Have the card declined").click()
        await expect(page.get_by_role("alert")).to_contain_text("Nothing was taken")
        await page.get_by_role("button", name="Pay with a check by your bank").click()
        await page.get_by_role("button", name="Approve").click()
        await expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
        assert page.url == f"{shop_url}/return"
        assert (await gateway.fetch(created.ref)).state == "succeeded"
        await gateway.close()


@pytest.mark.parametrize("script", [True, False])
async def test_paypal_is_approved_with_its_buttons_or_on_its_page(script: bool) -> None:
    shop, peer, problems = Shop(), PayPalPeer(), []
    async with serve(peer) as paypal_url, serve(shop) as shop_url, chromium(java_script_enabled=script) as page:
        peer.public_url = peer.bank.public_url = paypal_url
        gateway = PayPalGateway("client_peer", "secret_peer", ["W"], paypal_url, f"{paypal_url}/sdk/js")
        return_url = f"{shop_url}/return?transaction=1"
        created = await gateway.create(order(return_url=return_url))
        shop.widget = gateway.widget(
            ref=created.ref, client_secret=created.client_secret or "", amount=created.amount, currency="INR", return_url=return_url,
        )  # fmt: skip
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        await page.goto(f"{shop_url}/pay")
        if script:
            await page.get_by_role("button", name="Close PayPal").click()
            await expect(page.get_by_role("alert")).to_contain_text("Nothing was taken")
            await page.get_by_role("button", name="PayPal", exact=True).click()
        else:
            await page.get_by_role("link", name="Continue at PayPal").click()
            await page.get_by_role("button", name="Pay Now").click()
        await expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
        assert page.url.startswith(return_url)
        assert (await gateway.fetch(created.ref)).capturable == created.amount
        await gateway.close()
    assert [problem for problem in problems if "favicon" not in problem] == []


async def test_razorpays_window_is_closed_refused_and_paid_and_hands_over_what_it_signed() -> None:
    shop, peer, problems = Shop(), RazorpayPeer(), []
    async with serve(peer) as url, serve(shop) as shop_url, chromium() as page:
        gateway = RazorpayGateway(
            "rzp_test_peer", "secret_peer", ["w"], f"{url}/v1", f"{url}/v1/checkout.js", brand="JKLG"
        )
        created = await gateway.create(order())
        shop.widget = gateway.widget(
            ref=created.ref, client_secret=created.client_secret or "", amount=created.amount, currency="INR", return_url="",
        )  # fmt: skip
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        await page.goto(f"{shop_url}/pay")
        button, alert = page.get_by_role("button", name="Pay ₹"), page.get_by_role("alert")
        await button.click()
        await page.get_by_role("button", name="Close Razorpay").click()
        await expect(alert).to_contain_text("You closed Razorpay's window")
        await button.click()
        await page.get_by_role("button", name="Pay with a card that is declined").click()
        await expect(page.locator("[data-payment-error]")).to_contain_text("declined by the bank")
        await page.get_by_role("button", name="Pay by UPI").click()
        await expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
        said = shop.handed_over
        assert said["to"] == f"/api/payments/razorpay/{UUID(int=7)}/callback/K7MQ4Z"
        assert gateway.proves_payment(created.ref, said["razorpay_payment_id"], said["razorpay_signature"])
        assert (await gateway.fetch(created.ref)).captured == created.amount
        await gateway.close()
    assert [problem for problem in problems if "favicon" not in problem] == []


async def test_without_javascript_razorpays_page_says_why_it_cannot_go_on() -> None:
    shop = Shop()
    async with serve(shop) as shop_url, chromium(java_script_enabled=False) as page:
        gateway = RazorpayGateway("rzp_test_peer", "secret_peer", ["w"], f"{shop_url}/v1", f"{shop_url}/static/none.js")
        shop.widget = gateway.widget(ref="o", client_secret="o", amount=100, currency="INR", return_url="")
        await page.goto(f"{shop_url}/pay")
        await expect(page.locator("noscript p")).to_be_visible()
        await expect(page.get_by_role("button", name="Pay ₹")).to_be_disabled()
        await gateway.close()
