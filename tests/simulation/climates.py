"""What kind of a world it is: who takes the money, under what terms, what goes wrong, and what people are like.

A world that nobody has chosen draws its climate from its seed. A planted bug brings the climate in which it bites.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

GATEWAYS = {
    "sandbox": ("sandbox", "sandbox manual"),
    "stripe": ("stripe", "stripe manual"),
    "paypal": ("paypal",),
    "razorpay": ("razorpay", "razorpay manual"),
}
"""Each as it may be set up: PayPal always waits for our word."""

_TIERS = [{"days_before": 33 - day, "percent": 95 - 11 * day} for day in range(8)]
TERMS: dict[str, dict[str, Any]] = {
    "all at once": {},
    "tiers": {"tiers": _TIERS},
    "percent": {"deposit": {"kind": "percent", "value": 20}, "balance_days": 30, "tiers": _TIERS},
    "fixed": {
        "deposit": {"kind": "fixed", "value": 500_000},
        "balance_days": 28,
        "tiers": [{"days_before": 0, "percent": 50}],
        "keeps_deposit": True,
    },
    "per person": {"deposit": {"kind": "per_person", "value": 300_000}, "balance_days": 29, "tiers": _TIERS},
}
"""The first departure is 33 days away: balances come due while people are busy, and with every day less comes back."""

TROUBLES = (
    "busy", "error_before", "error_after", "drop_after", "truncate", "duplicate_webhooks", "reorder_webhooks", "lose_webhooks",
    "hold_webhooks", "late_success", "refund_pending", "refund_fails", "refund_answers", "capture_pending", "silence",
)  # fmt: skip

SPANS = (*(1, 2, 5) * 3, *(10, 20) * 3, *(61,) * 6, *(120, 180) * 2, 300, 300, 600, 960, 4_000, 20_000, 90_000)
"""Seconds that may pass at once."""

HABITS: dict[str, int] = {
    # whose turn it is to begin something
    "customers": 46, "worker": 20, "postman": 9, "teller": 5, "staff": 10, "bank": 8, "mallory": 1, "late call": 1,
    # customers
    "books another": 8, "goes to pay": 14, "is at the bank": 50, "comes back": 15, "closes the payment": 11, "gives up": 9,
    "stops the card": 1,
    # customers at the bank
    "pays": 10, "is declined": 2, "is asked by her bank": 2, "pays later": 2, "brings a bad card": 2, "leaves": 2,
    # of a hundred customers
    "claims another price": 8, "pays another amount": 10, "has a card kept": 50, "walks away": 60, "pays at once": 50, "comes back at once": 50,
    "gives up as shown": 60, "gives up for some": 50, "has a card that is refused later": 33, "is impatient": 25, "everybody comes back": 2, "pays what is over": 20,
    # staff
    "asks for a refund": 10, "decides": 8, "takes cash": 5, "pays out": 5, "looks": 4, "settles a concern": 4, "tries again": 4,
    "gives up for them": 2, "opens or closes": 6, "changes a price": 6, "changes the terms": 2,
    "applies what lies": 0, "gives a stranger's money": 0, "keeps a stranger's money": 0, "pays what is owed": 0,
    # of a hundred refunds that staff ask for
    "asks for a part": 60,
    # banks
    "repeats itself": 4, "asks about a payment": 2, "takes money back": 2, "goes on with a dispute": 6, "refunds by itself": 2,
    "is paid by a stranger": 1, "pays out to us": 1, "authorizes late": 2, "lapses": 1,
    # the worker
    "notices": 8, "payments": 6, "overdue": 6, "holds": 4, "refunds": 6, "mail": 4, "travelled": 1, "balances": 1, "balance letters": 1,
    "card letters": 3, "card charges": 4, "refused cards": 1, "consents": 2, "forgotten cards": 2, "seals": 1, "put aside": 1, "reconciliation": 3, "daily money": 2,
}  # fmt: skip
"""How often each is done, beside the others of its kind."""


@dataclass(frozen=True, kw_only=True)
class Climate:
    """`line`: of a hundred calls to a gateway so many get lost or come late. `troubles`: what banks may do besides. `always`: those that never end. `habits`: what is
    done more or less often than usual; 0: not at all. `late_money`: payers who change their minds, and banks that pay all the same.
    `crashes`: in so many of a thousand turns a process dies, and in as many a connection breaks. `days`: how long people are busy; `spans`: the steps in which that time passes, in seconds. `sold`: bookings that are
    paid, or their deposits are, before people begin. `departures`: no more than so many are sold. `scarce`: few seats, so that they are somebody else's soon. `later`: seconds by which banks put things off."""

    gateways: tuple[str, ...] = ("sandbox",)
    terms: tuple[str, ...] = ("all at once",)
    troubles: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    line: int = 5
    crashes: int = 4
    people: int = 5
    departures: int = 9
    sold: int = 0
    turns: int = 300
    days: int = 3
    spans: tuple[int, ...] = SPANS
    late_money: bool = False
    scarce: bool = True
    later: tuple[int, ...] = (5, 60, 1_000, 5_000, 90_000)
    reconciles: bool = False
    daily_money: bool = False
    habits: Mapping[str, int] = field(default_factory=dict)

    def weights(self, names: Sequence[str]) -> list[int]:
        return [self.habit(name) for name in names]

    def habit(self, name: str) -> int:
        return self.habits.get(name, HABITS[name])


TREASURY = ("applies what lies", "gives a stranger's money", "keeps a stranger's money", "pays what is owed")
"""What staff do with money that lies with us. A planted bug may want it to lie where it is."""


def draw(dice: Random) -> Climate:
    """The climate of a world that nobody has chosen."""
    gateways = dice.sample(sorted(GATEWAYS), dice.choice((1, 1, 2, 2, 3)))
    reconciles = dice.random() < 0.5
    troubles = dice.sample(TROUBLES, 6)
    habits = dict.fromkeys(TREASURY, 4)
    if not reconciles and "lose_webhooks" in troubles:
        # Nobody asks again after what is done: what banks do by themselves is known from their notices, or from comparing.
        troubles = [each for each in troubles if each != "refund_fails"]
        habits |= dict.fromkeys(UNASKED, 0)
    return Climate(
        gateways=tuple(dice.choice(GATEWAYS[name]) for name in gateways),
        terms=tuple(dice.sample(sorted(TERMS), 2)),
        troubles=tuple(troubles),
        line=dice.choice((0, 5, 15)),
        sold=dice.choice((0, 0, 1, 2)),
        turns=dice.choice((300, 450, 600)),
        days=dice.choice((3, 7)),
        late_money=dice.random() < 0.4,
        scarce=dice.random() < 0.7,
        reconciles=reconciles,
        daily_money=reconciles and dice.random() < 0.6,
        habits=habits,
    )


UNASKED = ("asks about a payment", "takes money back", "refunds by itself", "is paid by a stranger")
"""What banks do to payments that are done, without being asked."""
