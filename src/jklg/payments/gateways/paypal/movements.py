"""Our account at PayPal: Transaction Search and balances v1 (its T-code reference and both pages, read 2026-11).

Both may be three hours behind. The group of a T-code (its second and third digit) says what a line is; an id may occur twice with
different codes, so that a line is known by both. Holds keep money from us and do not take it: they are no movement.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from jklg.payments.gateways.contract import GatewayUnknown
from jklg.payments.gateways.movements import Movement
from jklg.payments.gateways.paypal.amounts import from_paypal
from jklg.payments.gateways.paypal.calls import Calls
from jklg.payments.gateways.paypal.orders import Amount
from jklg.payments.gateways.signatures import uuid

LONGEST_SEARCH = timedelta(days=31)
_HOLDS = re.compile(r"T15..|T21..|T1105|T1110|T1111")
_GROUPS = {"00": "capture", "01": "fee", "02": "exchange", "04": "payout", "12": "dispute"}
_CODES = {
    "T0106": "dispute",  # the fee of a chargeback
    "T1101": "payout_returned",
    "T1106": "dispute",  # PayPal took it back
    "T1107": "refund",
    "T1108": "fee",
    "T1109": "fee",
    "T1119": "refund_returned",
}
_OFFSET = re.compile(r"([+-]\d\d)(\d\d)$")


class Info(msgspec.Struct):
    transaction_id: str
    transaction_event_code: str = ""
    transaction_initiation_date: str = ""
    transaction_status: str = "S"
    transaction_amount: Amount | None = None
    fee_amount: Amount | None = None
    paypal_reference_id: str | None = None
    custom_field: str | None = None
    bank_reference_id: str | None = None


class Detail(msgspec.Struct):
    transaction_info: Info


class Found(msgspec.Struct):
    transaction_details: list[Detail] = []
    total_pages: int = 1


class Balance(msgspec.Struct):
    currency: str
    total_balance: Amount


class Balances(msgspec.Struct):
    balances: list[Balance] = []


async def search(calls: Calls, start: datetime, end: datetime) -> list[Info]:
    """Every line of at most 31 days, every page. Raises what `Calls.get` raises."""
    query = {
        "start_date": moment(start),
        "end_date": moment(end + timedelta(seconds=1)),
        "fields": "transaction_info",
        "page_size": "500",
    }
    found: list[Info] = []
    page, pages = 1, 1
    while page <= pages:
        answer = await calls.get("/v1/reporting/transactions", Found, query | {"page": str(page)})
        found += [each.transaction_info for each in answer.transaction_details]
        page, pages = page + 1, answer.total_pages
    return found


async def list_movements(calls: Calls, start: datetime, end: datetime) -> AsyncIterator[Movement]:
    """Every line of the span that is done and moved money. Raises what `Calls.get` raises."""
    while start < end:
        upto = min(start + LONGEST_SEARCH, end)
        for info in await search(calls, start, upto):
            if info.transaction_status in ("S", "V") and not _HOLDS.fullmatch(info.transaction_event_code):
                yield _movement(info)
        start = upto


async def balances(calls: Calls) -> Mapping[str, int]:
    """What PayPal holds, withheld or not. Raises what `Calls.get` raises."""
    told = await calls.get("/v1/reporting/balances", Balances, {"currency_code": "ALL"})
    return {each.currency: _minor(each.total_balance) for each in told.balances}


def moment(at: datetime) -> str:
    """A time as PayPal's queries want it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _movement(info: Info) -> Movement:
    if info.transaction_amount is None:
        raise GatewayUnknown("unreadable_answer", "a transaction without an amount")
    code = info.transaction_event_code
    kind = _CODES.get(code) or _GROUPS.get(code[1:3], "other")
    gross = _minor(info.transaction_amount)
    fee = -_minor(info.fee_amount) if info.fee_amount else 0
    if kind == "capture" and gross < 0:
        kind = "other"  # we paid somebody
    if kind == "fee":
        gross, fee = 0, fee - gross
    transaction_id, attempt_ref = _ours(info.custom_field)
    return Movement(
        ref=f"{info.transaction_id}:{code}",
        kind=kind,
        gross=gross,
        fee=fee,
        currency=info.transaction_amount.currency_code,
        happened_at=_read_moment(info.transaction_initiation_date),
        about=info.paypal_reference_id or info.transaction_id,
        attempt_ref=attempt_ref,
        transaction_id=transaction_id,
        payout_ref=info.transaction_id if kind.startswith("payout") else None,
        bank_ref=(info.bank_reference_id or info.transaction_id) if kind == "payout" else None,
    )


def _ours(custom: str | None) -> tuple[UUID | None, str | None]:
    """A payment bears our id, a refund of ours '<its id>:<order>' (gateway.refund)."""
    _, colon, order = (custom or "").partition(":")
    return (None, order or None) if colon else (uuid(custom), None)


def _minor(amount: Amount) -> int:
    sign, value = (-1, amount.value[1:]) if amount.value.startswith("-") else (1, amount.value)
    try:
        return sign * from_paypal(value, amount.currency_code)
    except ValueError as problem:
        raise GatewayUnknown("unreadable_amount", str(problem)) from problem


def _read_moment(text: str) -> datetime:
    """PayPal writes its offset without a colon: 2026-11-23T10:00:00+0000."""
    try:
        at = datetime.fromisoformat(_OFFSET.sub(r"\1:\2", text))
    except ValueError as problem:
        raise GatewayUnknown("unreadable_time", "a time that we cannot read") from problem
    return at if at.tzinfo else at.replace(tzinfo=UTC)
