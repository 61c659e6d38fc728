"""From held seats to a paid booking, and the booking's own page. What a browser says on return is never believed: `settle` asks.

The booking page is here, not in bookings, because it shows payments, and bookings do not know them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.params import FromPath

from jklg import payments
from jklg.bookings import cancelling
from jklg.bookings import travellers as people
from jklg.bookings.key_ring import OpenBooking, open_booking
from jklg.kit import money
from jklg.kit.errors import BadInput, Conflict, Unavailable
from jklg.payments import consents, queries, rules, silences
from jklg.payments.gateways.contract import MethodKeeping
from jklg.payments.queries import Transaction
from jklg.payments.words import GATEWAY_WORDS
from jklg.web.bodies import read_form
from jklg.web.render import go, page

log = logging.getLogger(__name__)
Ask = Request[Any, Any, State]

WAITS = (2, 3, 4, 6, 10, 15, 30)
"""Seconds between two looks of a page that waits for the bank, so that it is quick at first and patient later."""
UNPAID = ("requires_payment_method", "requires_action")
ENDED = ("failed", "canceled", "expired")


@get("/bookings/{reference:str}", include_in_schema=False)
async def booking_page(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """Confirmation and manage-my-booking in one: the reference, how it stands, who travels, what was paid."""
    seen = await open_booking(request, reference)
    return page(
        request,
        "payments/booking.html",
        personal=True,
        booking=seen.booking,
        travellers=seen.travellers,
        paid=seen.paid,
        due=seen.due,
        transactions=await _transactions(request, seen),
        gateway_words=GATEWAY_WORDS,
        parts=_parts(seen),
        card=await _card(request, seen),
        given=await _given_up(request, seen),
        may_give_up=cancelling.by_herself(seen.booking),
        may_name=people.may_change(seen.booking),
        missing=sum(people.missing(seen.booking, seen.travellers).values()),
    )


@get("/bookings/{reference:str}/pay", include_in_schema=False)
async def pay_page(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """The gateway's widget for what is due. Opening the page opens the one attempt, or finds it: a reload opens no second."""
    seen = await open_booking(request, reference)
    if seen.booking.status not in ("held", "confirmed") or seen.due == 0:
        return _to_booking(seen)
    house = request.app.state.house
    open_attempt = next((each for each in await _transactions(request, seen) if each.state in rules.OPEN), None)
    if open_attempt is None and seen.booking.status == "held" and seen.booking.hold_seconds_left == 0:
        return _to_booking(seen)
    if not house.gateways:
        raise Unavailable(
            "no_gateway", "There is no way to pay here at the moment. Your seats stay held; please write to us."
        )
    gateway = open_attempt.gateway if open_attempt else next(iter(house.gateways)) if len(house.gateways) == 1 else None
    if gateway is None or (open_attempt is None and len(_parts(seen)) > 1):
        return await _choose(request, seen, {})
    await payments.may_look(house.db, seen.booking.id)
    try:
        settled = await payments.start(house, seen.booking.id, gateway)
    except Conflict as refusal:
        log.info("no payment for %s: %s", seen.booking.reference, refusal.code)
        return _to_booking(seen)
    return await _show_attempt(request, await open_booking(request, reference), settled)


async def _choose(
    request: Ask, seen: OpenBooking, form: dict[str, str], refusal: BadInput | None = None
) -> Response[bytes]:
    """How much, and how. What she typed before is still there."""
    return page(
        request, "payments/choose.html", personal=True, status=refusal.status if refusal else 200, booking=seen.booking, due=seen.due,
        parts=_parts(seen), least=_least(seen), gateways=list(request.app.state.house.gateways), silent=await _silent(request), words=GATEWAY_WORDS, form=form,
        error=refusal.sentence if refusal else "", agreed=_agreed(seen) if _keeping(request) else "",
    )  # fmt: skip


@post("/bookings/{reference:str}/pay", include_in_schema=False, status_code=200)
async def choose_gateway(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """Start with the chosen gateway and amount; an open attempt that differs is closed first, and its amount is kept unless she chose another."""
    seen = await open_booking(request, reference)
    form = await read_form(request)
    house = request.app.state.house
    gateway = form.get("gateway", "")
    attempts = await _transactions(request, seen)
    try:
        amount = _chosen(seen, form, attempts)
    except BadInput as refusal:
        return await _choose(request, seen, form, refusal)
    wanted = form.get("keep") and form.get("part") == "deposit" and gateway in _keeping(request)
    agreed = _agreed(seen) if wanted else ""
    card = await _card(request, seen)
    await payments.may_look(house.db, seen.booking.id)
    for attempt in attempts:
        another = attempt.gateway != gateway or amount not in (None, attempt.amount)
        another = another or bool(agreed) != (card is not None and card.transaction_id == attempt.id)
        if attempt.state in rules.OPEN and another and gateway in house.gateways:
            await payments.cancel_attempt(house, attempt.id, actor="guest")
    try:
        await payments.start(house, seen.booking.id, gateway, claimed_amount=amount, agreed=agreed or None)
    except Conflict as refusal:
        if refusal.code != "payment_open":
            return _to_booking(seen)
    except BadInput:
        log.info("%s asked for the gateway %r", seen.booking.reference, gateway)
    return go(f"/bookings/{seen.booking.reference}/pay")


def _chosen(seen: OpenBooking, form: dict[str, str], attempts: Sequence[Transaction]) -> int | None:
    """The amount that she chose: a part, another amount that she typed, or that of the `attempt` she changes or tries again. None: she left
    it to us. BadInput: amount_invalid, amount_mismatch."""
    parts, currency = _parts(seen), seen.booking.currency
    if form.get("part") == "other" and parts:
        try:
            typed = money.read(form.get("amount", ""), currency)
        except ValueError:
            raise BadInput("amount_invalid", "Please give an amount such as 1250.50.") from None
        return rules.payable(parts, _least(seen), typed, None, currency)
    named = next((part.amount for part in parts if part.kind == form.get("part")), None)
    before = next((each.amount for each in attempts if str(each.id) == form.get("attempt")), None)
    return named or (before if before is not None and _least(seen) <= before <= seen.due else None)


async def _show_attempt(request: Ask, seen: OpenBooking, settled: payments.Settled) -> Response[bytes]:
    """The page that fits the state of an attempt."""
    house, attempt, booking = request.app.state.house, settled.transaction, seen.booking
    if attempt.state == "succeeded":
        return _to_booking(seen)
    if attempt.state in ENDED:
        return _declined(request, seen, attempt, status=200)
    if attempt.ref is None or attempt.state not in UNPAID or settled.capturing:
        return await _waiting(request, seen, attempt, reached=attempt.ref is not None)
    widget = house.gateways[attempt.gateway].widget(
        ref=attempt.ref,
        client_secret=attempt.client_secret or "",
        amount=attempt.amount,
        currency=attempt.currency,
        return_url=f"{house.settings.public_url}/bookings/{booking.reference}/return?transaction={attempt.id}",
    )
    return page(
        request,
        "payments/pay.html",
        personal=True,
        csp=widget.csp,
        # A gateway's own window must be able to tell ours that it is done.
        headers={"Cross-Origin-Opener-Policy": "same-origin-allow-popups"},
        booking=booking,
        attempt=attempt,
        due=seen.due,
        parts=_parts(seen),
        least=_least(seen),
        widget=widget,
        others=[name for name in house.gateways if name != attempt.gateway],
        words=GATEWAY_WORDS,
    )


@get("/bookings/{reference:str}/return", include_in_schema=False)
async def return_page(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """Where a gateway sends the customer back to. Shows what the gateway says now, whatever the address claims."""
    seen = await open_booking(request, reference)
    attempt = await _attempt(request, seen)
    if attempt is None:
        return _to_booking(seen)
    await payments.may_look(request.app.state.house.db, seen.booking.id)
    settled = await payments.settle(request.app.state.house, attempt.id, source="return")
    now = settled.transaction
    seen = await open_booking(request, reference)
    if now.state == "succeeded" or seen.due == 0:
        return _to_booking(seen)
    if settled.unknown or now.state not in (*UNPAID, *ENDED):
        return await _waiting(request, seen, now, reached=settled.unknown is None, asked=settled.retry_after)
    if seen.booking.status not in ("held", "confirmed"):
        return _to_booking(seen)
    return _declined(request, seen, now, status=200)


async def _attempt(request: Ask, seen: OpenBooking) -> Transaction | None:
    """The attempt named in the address, if it is this booking's; else the latest one."""
    attempts = await _transactions(request, seen)
    named = request.query_params.get("transaction", "")
    return next((each for each in attempts if str(each.id) == named), attempts[0] if attempts else None)


async def _waiting(
    request: Ask, seen: OpenBooking, attempt: Transaction, *, reached: bool, asked: float = 0
) -> Response[bytes]:
    """Not known yet. The page looks again by itself, with or without JavaScript, and no sooner than a busy gateway has `asked` (seconds)."""
    looked = request.query_params.get("looked", "0")
    looks = min(int(looked), 1000) if looked.isascii() and looked.isdigit() and len(looked) < 6 else 0
    where = f"/bookings/{seen.booking.reference}/return?transaction={attempt.id}&looked={looks + 1}"
    if attempt.ref is None:
        where = f"/bookings/{seen.booking.reference}/pay?looked={looks + 1}"
    wait = max(WAITS[min(looks, len(WAITS) - 1)], int(asked))
    return page(
        request, "payments/waiting.html", personal=True, headers={"Refresh": f"{wait}; url={where}"},
        booking=seen.booking, attempt=attempt, reached=reached, again=where, wait=wait,
        silent=attempt.gateway in await _silent(request),
    )  # fmt: skip


async def _silent(request: Ask) -> list[str]:
    """Gateways that have not answered anybody for a while."""
    house = request.app.state.house
    async with house.db.transaction() as conn:
        return [each.gateway for each in await silences.list_long(conn, house.gateways)]


def _declined(request: Ask, seen: OpenBooking, attempt: Transaction, *, status: int) -> Response[bytes]:
    return page(request, "payments/declined.html", status=status, personal=True, booking=seen.booking, attempt=attempt)


@post("/bookings/{reference:str}/card/stop", include_in_schema=False, status_code=200)
async def stop_card(request: Ask, reference: FromPath[str]) -> Response[bytes]:
    """Nothing more is taken from her card. Twice is as good as once."""
    seen = await open_booking(request, reference)
    await consents.stop(request.app.state.house.db, seen.booking.id, actor="guest")
    return _to_booking(seen)


async def _card(request: Ask, seen: OpenBooking) -> consents.Consent | None:
    """The card that the rest is to be taken from, once it is known to be kept, or will be."""
    async with request.app.state.house.db.transaction() as conn:
        return await consents.find_living(conn, seen.booking.id)


def _keeping(request: Ask) -> list[str]:
    return [name for name, each in request.app.state.house.gateways.items() if isinstance(each, MethodKeeping)]


def _agreed(seen: OpenBooking) -> str:
    """The words beside the box that lets us charge her card; '' when nothing would be left to charge."""
    first, *rest = _parts(seen)
    if not rest or first.balance_due_on is None:
        return ""
    return consents.wording(seen.due - first.amount, seen.booking.currency, first.balance_due_on)


def _parts(seen: OpenBooking) -> list[rules.Part]:
    """What may be paid now, the default first."""
    return rules.payables(seen.due, _first_due(seen), seen.booking.balance_due_on) if seen.due else []


def _least(seen: OpenBooking) -> int:
    return rules.least(seen.due, _first_due(seen))


def _first_due(seen: OpenBooking) -> int:
    """What is missing for the booking to be confirmed."""
    return max(seen.booking.confirms_at - seen.paid, 0)


def _to_booking(seen: OpenBooking) -> Response[bytes]:
    return go(f"/bookings/{seen.booking.reference}")


async def _given_up(request: Ask, seen: OpenBooking) -> cancelling.Given | None:
    """How the whole booking ended that had been confirmed: by whom, and what was kept."""
    if seen.booking.status != "cancelled":
        return None
    async with request.app.state.house.db.transaction(seen.claims) as conn:
        given = await cancelling.list_of_booking(conn, seen.booking.id)
    return next((each for each in given if each.whole), None)


async def _transactions(request: Ask, seen: OpenBooking) -> list[Transaction]:
    """Every attempt of the booking, newest first, read with the guest's own rights."""
    async with request.app.state.house.db.transaction(seen.claims) as conn:
        return await queries.list_of_booking(conn, seen.booking.id)


router = Router(
    path="/",
    route_handlers=[booking_page, pay_page, choose_gateway, return_page, stop_card],
)
