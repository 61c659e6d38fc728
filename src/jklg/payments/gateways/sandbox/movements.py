"""The shop's account at the play bank, in the contract's words."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import msgspec

from jklg.payments.gateways.movements import KINDS, Movement


class Line(msgspec.Struct):
    id: str
    type: str
    gross: int
    fee: int
    currency: str
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    about: str
    intent: str | None = None
    payout: str | None = None
    arrives_on: date | None = None
    bank_ref: str | None = None


class Lines(msgspec.Struct):
    data: list[Line]
    has_more: bool


class Held(msgspec.Struct):
    available: int


class Balance(msgspec.Struct):
    currencies: dict[str, Held]


def movement(line: Line) -> Movement:
    """A word that is new to us is an `other`."""
    return Movement(
        ref=line.id,
        kind=line.type if line.type in KINDS else "other",
        gross=line.gross,
        fee=line.fee,
        currency=line.currency,
        happened_at=line.at,
        about=line.about,
        attempt_ref=line.intent,
        payout_ref=line.payout,
        arrives_on=line.arrives_on,
        bank_ref=line.bank_ref,
    )
