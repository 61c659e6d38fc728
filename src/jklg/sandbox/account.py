"""The shop's account at the play bank: every line of it, oldest first, and the payouts to the shop's own bank.

The lines are not kept: they follow from the payments, refunds, disputes and payouts. Amounts are minor units, signed: what the
shop received is positive.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from jklg.sandbox.bank import Work
from jklg.sandbox.things import BankError, Dispute, Intent, Payout, Refund

ARRIVES_AFTER = timedelta(days=2)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `type`: capture, refund, refund_returned, dispute, payout, payout_returned. `about`: the thing it comes from."""

    id: str
    type: str
    gross: int
    fee: int
    currency: str
    at: datetime
    about: str
    intent: str | None = None
    payout: str | None = None

    @property
    def net(self) -> int:
        return self.gross - self.fee


def lines(work: Work) -> list[Line]:
    """All of them, oldest first."""
    payouts = work.all(Payout)
    paid_in = {line: payout.id for payout in payouts if payout.status != "failed" for line in payout.covers}
    found = [*_of_intents(work), *_of_refunds(work), *_of_disputes(work)]
    found = [msgspec.structs.replace(line, payout=paid_in.get(line.id)) for line in found]
    for payout in payouts:
        found.append(_line(payout, "payout", -payout.amount, payout.created_at))
        if payout.status == "failed":
            found.append(_line(payout, "payout_returned", payout.amount, payout.changed_at))
    return sorted(found, key=lambda line: (line.at, line.id))


def _of_intents(work: Work) -> list[Line]:
    return [
        Line(
            id=f"mv_{intent.id}", type="capture", gross=intent.amount_received, fee=intent.fee, currency=intent.currency,
            at=intent.changed_at, about=intent.id, intent=intent.id,
        )
        for intent in work.all(Intent) if intent.amount_received
    ]  # fmt: skip


def _of_refunds(work: Work) -> list[Line]:
    found = []
    for refund in work.all(Refund):
        sent_at = refund.sent_at or (refund.created_at if refund.status == "succeeded" else None)
        sides = [("refund", -refund.amount, sent_at)] if sent_at else []
        if sent_at and refund.status == "failed":
            sides.append(("refund_returned", refund.amount, refund.changed_at))
        found += [
            Line(id=f"mv_{refund.id}_{type_}", type=type_, gross=gross, fee=0, currency=refund.currency, at=at, about=refund.id, intent=refund.intent)
            for type_, gross, at in sides
        ]  # fmt: skip
    return found


def _of_disputes(work: Work) -> list[Line]:
    return [
        Line(
            id=moved.id, type="dispute", gross=moved.amount, fee=moved.fee, currency=dispute.currency,
            at=moved.at or dispute.created_at, about=dispute.id, intent=dispute.intent,
        )
        for dispute in work.all(Dispute) for moved in dispute.movements
    ]  # fmt: skip


def _line(payout: Payout, type_: str, gross: int, at: datetime) -> Line:
    return Line(
        id=f"mv_{payout.id}_{type_}", type=type_, gross=gross, fee=0, currency=payout.currency, at=at, about=payout.id, payout=payout.id,
    )  # fmt: skip


def pay_out(work: Work, currency: str) -> Payout:
    """Everything that has not been paid yet goes to the shop's bank. BankError (nothing_to_pay)."""
    open_ = [line for line in lines(work) if line.currency == currency and line.payout is None]
    amount = sum(line.net for line in open_)
    if amount <= 0:
        raise BankError("nothing_to_pay", f"There is nothing to pay out in {currency}.")
    id_ = work.new_id("po", "payout")
    payout = Payout(
        id=id_, amount=amount, currency=currency, status="paid", created_at=work.now, changed_at=work.now,
        arrives_on=(work.now + ARRIVES_AFTER).date(), bank_ref=f"PLAY{id_.removeprefix('po_').upper()}", covers=[line.id for line in open_],
    )  # fmt: skip
    work.put(payout)
    return payout


def send_back(work: Work, payout: Payout) -> None:
    """The shop's bank did not take it: the money is in the account again."""
    if payout.status == "failed":
        raise BankError("unexpected_state", "This payout came back already.")
    payout.status, payout.changed_at = "failed", work.now
    work.put(payout)


def describe(work: Work, line: Line) -> dict[str, Any]:
    """A line as the shop sees it. Of a payout: when it arrives, and what the shop's bank will write on its statement."""
    payout = work.find(Payout, line.about) if line.type == "payout" else None
    more = {"arrives_on": payout.arrives_on, "bank_ref": payout.bank_ref} if payout else {}
    return {"object": "movement", "net": line.net, **msgspec.to_builtins(line), **more}
