"""Bugs about what a journey is sold under: deposits and balances, giving up, cards by consent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from jklg import app
from jklg.bookings import Booking
from jklg.bookings import queries as booking_queries
from jklg.bookings.cancelling import actions as cancelling_actions
from jklg.bookings.cancelling import rules as cancelling_rules
from jklg.payments import cancellations
from jklg.payments.balances import charging
from jklg.payments.balances import queries as balance_queries
from jklg.payments.cancellations import actions as cancellation_actions
from jklg.payments.desk import actions as desk_actions
from jklg.pricing import terms
from tests.simulation.climates import Climate
from tests.simulation.mutations.tools import Mutation, Patch, asleep, nothing, rewritten

DEPOSITS = Climate(
    turns=250, line=0, crashes=0, scarce=False, terms=("percent", "fixed"),
    habits={"staff": 20, "takes cash": 30, "bank": 0, "goes to pay": 40, "closes the payment": 2, "gives up": 2, "claims another price": 40},
)  # fmt: skip
GIVING_UP = Climate(
    sold=4, turns=250, line=0, crashes=0, scarce=False, days=7, terms=("tiers", "percent"), spans=(5, 60, 300, 4_000, 20_000, 90_000),
    habits={"staff": 6, "bank": 0, "books another": 0, "gives up": 90, "goes to pay": 5, "gives up for them": 30, "changes the terms": 0},
)  # fmt: skip
"""People who have paid, and do not travel after all."""
SLOW_TO_GIVE_UP = replace(
    GIVING_UP, turns=500, spans=(90_000,),
    habits={**GIVING_UP.habits, "customers": 80, "worker": 6, "postman": 2, "teller": 2, "comes back": 20, "gives up as shown": 20},
)  # fmt: skip
SOME_GIVE_UP = replace(GIVING_UP, habits={**GIVING_UP.habits, "gives up for some": 100, "gives up for them": 0})
CARDS = Climate(
    gateways=("stripe",), sold=3, turns=150, line=0, crashes=0, scarce=False, days=9, terms=("percent", "fixed", "per person"),
    spans=(60, 4_000, 20_000, 90_000, 90_000),
    habits={
        "customers": 10, "has a card kept": 100, "staff": 0, "bank": 0, "gives up": 2, "closes the payment": 2, "worker": 50, "card letters": 12,
        "card charges": 40, "stops the card": 4,
    },
)  # fmt: skip
"""People who let us charge the rest."""
REFUSED_CARDS = replace(
    CARDS, turns=600, days=12, spans=(30_000, 50_000), terms=("percent",),
    habits={**CARDS.habits, "has a card that is refused later": 100, "stops the card": 0, "customers": 3, "card letters": 40, "overdue": 40},
)  # fmt: skip


def any_money_confirms(patch: Patch) -> None:
    patch.setattr(Booking, "confirms_at", property(lambda self: 1))


def tomorrow_is_early_enough(patch: Patch) -> None:
    """The tier of a day later."""
    real = terms.tier_on
    patch.setattr(terms, "tier_on", lambda sold, starts_on, today: real(sold, starts_on, today + timedelta(days=1)))


def the_fee_is_sent_back_too(patch: Patch) -> None:
    real = cancelling_rules.work_out

    def generous(booking: Any, leaving: Any, paid: int, kept: Any, **more: int) -> Any:
        return msgspec.structs.replace(real(booking, leaving, paid, kept, **more), refund=paid)

    patch.setattr(cancelling_rules, "work_out", generous)


def what_was_shown_is_not_remembered(patch: Patch) -> None:
    """What comes back is what comes back now, whatever she was shown."""
    real = cancellation_actions.cancel

    async def forgetful(house: Any, booking_id: UUID, *, expected_refund: Any = None, **more: Any) -> Any:
        return await real(house, booking_id, **more)

    patch.setattr(cancellations, "cancel", forgetful)


def who_does_not_travel_keeps_her_seat(patch: Patch) -> None:
    real = booking_queries.take_out

    async def slow(conn: Any, booking_id: UUID, gone: Any, seats: int) -> None:
        await real(conn, booking_id, gone, 0)

    patch.setattr(booking_queries, "take_out", slow)


def what_comes_back_is_never_asked_for(patch: Patch) -> None:
    patch.setattr(desk_actions, "return_of_overpaid", nothing)
    patch.setattr(cancellation_actions.desk, "return_of_overpaid", nothing)


def what_is_given_up_is_still_owed(patch: Patch) -> None:
    patch.setattr(cancelling_actions.booking_actions, "take_off", nothing)


def charge_without_a_letter(patch: Patch) -> None:
    rewritten(
        patch,
        balance_queries,
        "list_to_charge",
        "m.created_at <= house_now() - make_interval(days => $3)",
        "$3::integer IS NOT NULL",
    )


def charge_again_at_once(patch: Patch) -> None:
    patch.setattr(charging, "PAUSE_DAYS", 0)


def never_forget_a_card(patch: Patch) -> None:
    patch.setitem(app.SWEEPS, "forgotten cards", asleep)


TERMS = (
    Mutation("any money confirms", ("its first part came in", "nor for less than its deposit"), DEPOSITS, any_money_confirms),
    Mutation("a day late is early enough", ("as the terms say",), GIVING_UP, tomorrow_is_early_enough),
    Mutation("the fee is sent back too", ("what was paid of the price beyond",), GIVING_UP, the_fee_is_sent_back_too),
    Mutation("what was shown is not remembered", ("what was shown comes back",), SLOW_TO_GIVE_UP, what_was_shown_is_not_remembered),
    Mutation("who does not travel keeps her seat", ("takes no seat",), SOME_GIVE_UP, who_does_not_travel_keeps_her_seat),
    Mutation("what comes back is never asked for", ("promises to send back",), GIVING_UP, what_comes_back_is_never_asked_for),
    Mutation("what is given up is still owed", ("taken off the price",), GIVING_UP, what_is_given_up_is_still_owed),
    Mutation("a card is charged without a letter", ("after a letter",), CARDS, charge_without_a_letter),
    Mutation("a card is charged again at once", ("two days apart",), REFUSED_CARDS, charge_again_at_once),
    Mutation("a card is never forgotten", ("is forgotten when its consent has ended",), CARDS, never_forget_a_card),
)  # fmt: skip
