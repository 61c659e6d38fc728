"""Our account at Stripe: its balance transactions and its balance (SDK 16.1, API version 2026-10-28.endive, read 2026-11).

A balance transaction names what it comes from only by id, so that is expanded: a charge, refund or dispute names its PaymentIntent.
Which payout a line left with is asked for payout by payout; Stripe knows it of automatic payouts only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import stripe
from stripe.params import BalanceTransactionListParams

from jklg.payments.gateways import signatures
from jklg.payments.gateways.contract import GatewayRefused, GatewayUnknown
from jklg.payments.gateways.movements import Movement
from jklg.payments.gateways.stripe.amounts import minor
from jklg.payments.gateways.stripe.calls import call

_KINDS = {
    "charge": "capture",
    "payment": "capture",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund_returned",
    "payment_failure_refund": "refund_returned",
    "stripe_fee": "fee",
    "stripe_fx_fee": "fee",
    "tax_fee": "fee",
    "payout": "payout",
    "payout_failure": "payout_returned",
    "payout_cancel": "payout_returned",
}


class _Line(msgspec.Struct):
    id: str
    type: str
    amount: int
    fee: int
    currency: str
    created: int
    source: str | dict[str, Any] | None = None


class _Lines(msgspec.Struct):
    data: list[_Line]
    has_more: bool


class _Part(msgspec.Struct):
    amount: int
    currency: str


class _Balance(msgspec.Struct):
    available: list[_Part]
    pending: list[_Part]


async def list_movements(client: stripe.StripeClient, start: datetime, end: datetime) -> AsyncIterator[Movement]:
    """Every line of the span; the lines of a payout after it once more, with its id. Raises what `calls.call` raises."""
    span = {"gte": max(int(start.timestamp()), 0), "lte": int(end.timestamp()) + 1}
    async for line in _list(client, {"created": span}):  # type: ignore[typeddict-item]
        found = _movement(line, None)
        yield found
        if found.kind == "payout" and found.about:
            try:
                async for paid in _list(client, {"payout": found.about}):
                    if paid.id != line.id:
                        yield _movement(paid, found.about)
            except GatewayRefused:  # a payout by hand: Stripe does not say what is in it
                continue


async def balances(client: stripe.StripeClient) -> dict[str, int]:
    """Available and pending together. Raises what `calls.call` raises."""
    told = await call(client.v1.balance.retrieve_async(), _Balance)
    held: dict[str, int] = {}
    for part in (*told.available, *told.pending):
        currency = part.currency.upper()
        held[currency] = held.get(currency, 0) + minor(part.amount, currency)
    return held


async def _list(client: stripe.StripeClient, which: BalanceTransactionListParams) -> AsyncIterator[_Line]:
    params: BalanceTransactionListParams = {**which, "limit": 100, "expand": ["data.source"]}
    while True:
        page = await call(client.v1.balance_transactions.list_async(params), _Lines)
        for line in page.data:
            yield line
        if not page.has_more or not page.data:
            return
        params["starting_after"] = page.data[-1].id


def _movement(line: _Line, payout: str | None) -> Movement:
    source = line.source if isinstance(line.source, dict) else {"id": line.source}
    kind = _kind(line, source)
    currency = line.currency.upper()
    gross, fee = minor(line.amount, currency), minor(line.fee, currency)
    if kind == "fee":
        gross, fee = 0, fee - gross
    asked, asked_currency = _asked(line, source, kind)
    about = signatures.text(source.get("id"))
    arrival = signatures.moment(source.get("arrival_date"))
    return Movement(
        ref=line.id,
        kind=kind,
        gross=gross,
        fee=fee,
        currency=currency,
        happened_at=_moment(line.created),
        asked=asked,
        asked_currency=asked_currency,
        about=about,
        attempt_ref=_attempt(source),
        payout_ref=about if kind.startswith("payout") else payout,
        arrives_on=arrival.date() if kind == "payout" and arrival else None,
        bank_ref=_bank_ref(source) if kind == "payout" else None,
    )


def _kind(line: _Line, source: dict[str, Any]) -> str:
    """An adjustment is a dispute's when it comes from one."""
    if line.type == "adjustment" and source.get("object") == "dispute":
        return "dispute"
    return _KINDS.get(line.type, "other")


def _asked(line: _Line, source: dict[str, Any], kind: str) -> tuple[int | None, str | None]:
    """What moved in the payment's currency, where Stripe exchanged it."""
    amount, currency = source.get("amount"), source.get("currency")
    if kind not in ("capture", "refund", "refund_returned", "dispute") or not isinstance(amount, int) or not currency:
        return None, None
    if str(currency).lower() == line.currency.lower():
        return None, None
    captured = source.get("amount_captured")
    amount = captured if kind == "capture" and isinstance(captured, int) else amount
    return minor(amount if line.amount > 0 else -amount, str(currency).upper()), str(currency).upper()


def _attempt(source: dict[str, Any]) -> str | None:
    intent = source.get("payment_intent")
    return signatures.text(intent.get("id") if isinstance(intent, dict) else intent)


def _bank_ref(source: dict[str, Any]) -> str | None:
    trace = source.get("trace_id")
    said = trace.get("value") if isinstance(trace, dict) else None
    return signatures.text(said) or signatures.text(source.get("statement_descriptor"))


def _moment(unix: int) -> datetime:
    try:
        return datetime.fromtimestamp(unix, UTC)
    except (OverflowError, ValueError, OSError) as problem:
        raise GatewayUnknown("unreadable_time", str(unix)) from problem
