"""The page on which a payer pays with play money. Works without JavaScript; each button says what it does."""

from __future__ import annotations

import hmac
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader

from jklg.kit import money
from jklg.sandbox.bank import Bank, Work
from jklg.sandbox.http import Answer, Request, redirect
from jklg.sandbox.things import BankError, Intent

_templates = Environment(loader=PackageLoader("jklg.sandbox"), autoescape=True, trim_blocks=True, lstrip_blocks=True)


async def answer(bank: Bank, request: Request) -> Answer:
    """GET /pay/{id} shows the page. POST with `action` presses a button; both need the intent's client secret.

    Actions: pay, decline, bank_check, approve, refuse, later, finish, back.
    """
    name = request.path.removeprefix("/pay/")
    if name == "style.css":
        return Answer(200, _templates.get_template("style.css").render().encode(), "text/css; charset=utf-8")
    form = request.form() if request.method == "POST" else {}
    secret = form.get("client_secret") or request.query.get("client_secret", "")
    async with bank.work() as work:
        intent = work.find(Intent, name)
        if intent is None or not hmac.compare_digest(secret.encode(), intent.client_secret.encode()):
            return _html(404, "not_found.html", {})
        if request.method != "POST":
            return _page(intent)
        try:
            leave = _press(work, intent, form.get("action", ""))
        except BankError:
            leave = False  # a button of a page that has grown old: show how it stands now
            intent = work.get(Intent, name)
    if leave and intent.return_url:
        return redirect(intent.return_url)
    return _page(intent)


def _press(work: Work, intent: Intent, action: str) -> bool:
    """Do what the button says. True: the payer goes back to the shop."""
    match action:
        case "pay":
            _open(intent)
            work.pay(intent, "play_card")
        case "decline":
            work.decline(intent, "The card was declined.")
            return False
        case "bank_check":
            work.ask_the_bank(intent)
            return False
        case "approve":
            _in(intent, "requires_action")
            work.pay(intent, "play_card")
        case "refuse":
            _in(intent, "requires_action")
            work.decline(intent, "The bank did not approve the payment.")
            return False
        case "later":
            work.pay_later(intent)
        case "finish":
            _in(intent, "processing")
            work.pay(intent, "play_bank_transfer")
        case "back":
            pass
        case _:
            return False
    return True


def _open(intent: Intent) -> None:
    if intent.status == "canceled":
        raise BankError("unexpected_state", "This payment was cancelled.")


def _in(intent: Intent, status: str) -> None:
    if intent.status != status:
        raise BankError("unexpected_state", f"This payment is {intent.status}.")


def _page(intent: Intent) -> Answer:
    amount = money.plain(intent.amount, intent.currency)
    page = _html(200, "pay.html", {"intent": intent, "amount": amount})
    if intent.return_url:
        # The redirect after a button counts as the form's target (CSP level 3, form-action).
        shop = urlsplit(intent.return_url)
        page.headers["Content-Security-Policy"] += f" {shop.scheme}://{shop.netloc}"
    return page


def _html(status: int, template: str, values: dict[str, Any]) -> Answer:
    body = _templates.get_template(template).render(values).encode()
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Answer(status, body, "text/html; charset=utf-8", headers)
