"""Bugs in comparing: what no notice has told, strangers' money, and the accounts at the gateways."""

from __future__ import annotations

from itertools import count
from typing import Any

from jklg.payments import concerns, strays
from jklg.reconciliation import actions as reconciliation_actions
from jklg.reconciliation.movements import rules as movement_rules
from tests.simulation.climates import Climate
from tests.simulation.mutations.attempts import BANK_AND_BOOKS
from tests.simulation.mutations.tools import Mutation, Patch, asleep, nothing

UNTOLD = Climate(
    sold=3, turns=350, line=0, crashes=0, scarce=False, reconciles=True, always=("lose_webhooks",),
    habits={
        "customers": 10, "staff": 0, "bank": 40, "refunds by itself": 20, "takes money back": 15, "is paid by a stranger": 15, "gives up": 2,
        "reconciliation": 10, "postman": 20, "notices": 20,
    },
)  # fmt: skip
"""Notices get lost, and banks do things by themselves."""
ACCOUNTS = Climate(
    sold=2, turns=150, line=0, crashes=0, scarce=False, reconciles=True, daily_money=True, days=4, spans=(60, 4_000, 20_000, 90_000),
    habits={"customers": 10, "staff": 0, "bank": 25, "pays out to us": 20, "is paid by a stranger": 10, "daily money": 15, "gives up": 2},
)  # fmt: skip


def nobody_collects_what_was_not_told(patch: Patch) -> None:
    patch.setattr(reconciliation_actions, "_collect_events", asleep)


def strangers_money_is_left_alone(patch: Patch) -> None:
    """It is put before a person, and in no book."""
    patch.setattr(strays, "park", nothing)


def nobody_is_told_of_strangers(patch: Patch) -> None:
    real = concerns.report_concern

    async def discreet(conn: Any, kind: str, *what: Any, **more: Any) -> Any:
        return False if kind == "unmatched_gateway_object" else await real(conn, kind, *what, **more)

    patch.setattr(concerns, "report_concern", discreet)


def a_line_is_booked_each_time_it_is_listed(patch: Patch) -> None:
    number = count()
    real = movement_rules.fact_id
    patch.setattr(movement_rules, "fact_id", lambda *what: f"{real(*what)}:{next(number)}")


def fees_are_small_change(patch: Patch) -> None:
    _postings_without(patch, "gateway_fee")


def payouts_are_the_banks_business(patch: Patch) -> None:
    _postings_without(patch, "payout")


def _postings_without(patch: Patch, kind: str) -> None:
    real = movement_rules.postings
    patch.setattr(
        movement_rules, "postings", lambda *what: [posting for posting in real(*what) if posting.kind != kind]
    )


COMPARING = (
    Mutation("nobody collects what was not told", (BANK_AND_BOOKS,), UNTOLD, nobody_collects_what_was_not_told),
    Mutation("strangers' money is left alone", (BANK_AND_BOOKS,), UNTOLD, strangers_money_is_left_alone),
    Mutation("nobody is told of strangers", ("known to somebody",), UNTOLD, nobody_is_told_of_strangers),
    Mutation("a line is booked under another name", ("in the books", BANK_AND_BOOKS), ACCOUNTS, a_line_is_booked_each_time_it_is_listed),
    Mutation("fees are small change", (BANK_AND_BOOKS, "a line of a gateway's account"), ACCOUNTS, fees_are_small_change),
    Mutation("payouts are the bank's business", (BANK_AND_BOOKS, "a line of a gateway's account"), ACCOUNTS, payouts_are_the_banks_business),
)  # fmt: skip
