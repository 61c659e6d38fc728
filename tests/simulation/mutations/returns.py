"""Bugs in sending money back: refunds, the desk and its four eyes, cash, disputes, and what gateways do by themselves."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any
from uuid import UUID

import msgspec

from jklg import bookings
from jklg.kit.ids import uuid7
from jklg.payments import desk, refunds
from jklg.payments import rules as payment_rules
from jklg.payments.desk import actions as desk_actions
from jklg.payments.desk import by_hand
from jklg.payments.desk import queries as desk_queries
from jklg.payments.desk import rules as desk_rules
from jklg.payments.desk import second as desk_second
from jklg.payments.disputes import actions as dispute_actions
from jklg.payments.disputes import rules as dispute_rules
from jklg.payments.gateways.contract import GatewayError, GatewayRefused
from jklg.payments.gateways.sandbox import SandboxGateway
from jklg.payments.gateways.sandbox import gateway as sandbox_gateway
from jklg.payments.refunds import actions as refund_actions
from jklg.payments.refunds import answers as refund_answers
from jklg.payments.refunds import calls as refund_calls
from jklg.payments.refunds import rules as refund_rules
from tests.simulation.climates import Climate
from tests.simulation.mutations.attempts import BANK_AND_BOOKS
from tests.simulation.mutations.tools import Mutation, Patch, nothing, rewritten, same_but

_CALM = {"gives up": 2, "closes the payment": 2, "mallory": 0, "customers": 10}
"""Most have paid before, and do little now."""
DESK = Climate(
    sold=3, turns=250, line=0, crashes=0, scarce=False,
    habits={**_CALM, "staff": 50, "bank": 0, "asks for a refund": 40, "decides": 25, "takes cash": 0, "gives up for them": 0},
)  # fmt: skip
"""Staff who send much money back."""
FOUR_EYES = replace(DESK, turns=400, habits={**DESK.habits, "customers": 3, "staff": 80, "decides": 60})
BIT_BY_BIT = replace(
    DESK, sold=1, people=1, turns=350, habits={**DESK.habits, "customers": 3, "decides": 2, "asks for a part": 100}
)
LOST_ANSWERS = replace(DESK, turns=350, line=25, troubles=("refund_answers",) * 4, always=("lose_webhooks",))
UNTOLD_RETURNS = replace(DESK, always=("refund_pending", "lose_webhooks"), later=(5_000, 90_000))
CASH = replace(
    DESK, terms=("percent",), turns=300,
    habits={**_CALM, "staff": 60, "bank": 0, "takes cash": 50, "asks for a refund": 40, "pays out": 40, "decides": 20, "gives up for them": 0},
)  # fmt: skip
DISPUTES = Climate(
    sold=3, turns=250, line=0, crashes=0, scarce=False,
    habits={**_CALM, "staff": 4, "bank": 40, "takes money back": 20, "goes on with a dispute": 20, "refunds by itself": 0, "is paid by a stranger": 0},
)  # fmt: skip
"""Payers who complain to their banks."""
DISPUTED_DESK = replace(
    DISPUTES, gateways=("razorpay",), sold=4, turns=600,
    habits={
        **DISPUTES.habits, "customers": 2, "takes money back": 60, "asks about a payment": 0, "goes on with a dispute": 0, "staff": 40, "asks for a refund": 80,
        "asks for a part": 100, "bank": 10, "postman": 25, "worker": 40, "notices": 80,
    },
)  # fmt: skip
"""Razorpay leaves the money with us until it is lost."""
DASHBOARD = Climate(
    sold=3, turns=200, line=0, crashes=0, scarce=False,
    habits={**_CALM, "staff": 0, "bank": 30, "refunds by itself": 30, "takes money back": 0, "asks about a payment": 0},
)  # fmt: skip
"""Somebody sends money back in the bank's own dashboard."""


def a_new_key_at_each_try(patch: Patch) -> None:
    real = SandboxGateway.refund
    number = count()

    async def forgetful(self: Any, *, request_key: str, **more: Any) -> Any:
        return await real(self, request_key=f"{request_key}:{next(number)}", **more)

    patch.setattr(SandboxGateway, "refund", forgetful)
    patch.setattr(
        refund_calls, "_look", nothing
    )  # nor does anybody look whether it was made before: either of the two is enough


def a_lost_refund_is_given_up(patch: Patch) -> None:
    """No answer to a refund frees its capacity, as if it had been refused and looked for in vain; and what turns up is not believed."""
    real = SandboxGateway.refund

    async def impatient(self: Any, **what: Any) -> Any:
        try:
            return await real(self, **what)
        except GatewayError as silence:
            raise GatewayRefused(silence.code, silence.detail) from silence

    patch.setattr(SandboxGateway, "refund", impatient)
    patch.setattr(refund_calls, "_look", nothing)
    patch.setattr(refund_rules, "was_made_after_all", lambda *_: False)


def never_ask_after_a_pending_refund(patch: Patch) -> None:
    """Its notice will come. So it was until somebody looked at a world whose notices get lost."""
    patch.setattr(payment_rules, "PENDING_REFUND_SECONDS", 10 * 365 * 24 * 3600)


# -- the desk ----------------------------------------------------------------------------------------------------------


def one_person_is_enough(patch: Patch) -> None:
    patch.setattr(desk_rules, "needs_second", lambda *_: False)


def large_sums_pass_as_several_small_ones(patch: Patch) -> None:
    """What one person has sent back alone today is not counted."""

    async def none(conn: Any, booking_id: UUID) -> int:
        return 0

    patch.setattr(desk_queries, "sent_alone", none)


def who_asks_may_agree(patch: Patch) -> None:
    rewritten(patch, desk_second, "approve", "request.asked_by == actor", "False")
    patch.setattr(desk, "approve", desk_second.approve)


def a_second_press_is_a_second_request(patch: Patch) -> None:
    real = desk_actions.ask_refund

    async def eager(house: Any, *, request_id: UUID, **more: Any) -> Any:
        return await real(house, request_id=uuid7(), **more)

    patch.setattr(desk, "ask_refund", eager)


def what_is_sent_back_is_owed_again(patch: Patch) -> None:
    """The price stays as it was."""
    patch.setattr(bookings, "take_off", nothing)


# -- cash --------------------------------------------------------------------------------------------------------------


def cash_given_back_is_not_written_down(patch: Patch) -> None:
    rewritten(patch, by_hand, "paid_out", "await refunds.apply(", "await refunds_(")
    by_hand.paid_out.__globals__["refunds_"] = nothing
    patch.setattr(desk, "paid_out", by_hand.paid_out)


def a_gateway_is_asked_for_cash(patch: Patch) -> None:
    """A command is written for money that no gateway has."""
    patch.setattr(refund_actions, "BY_HAND", "nobody")


# -- disputes ----------------------------------------------------------------------------------------------------------


def the_fee_of_a_dispute_is_forgotten(patch: Patch) -> None:
    _disputes_told_otherwise(patch, lambda moved: [msgspec.structs.replace(each, fee=0) for each in moved])


def each_telling_takes_the_money_again(patch: Patch) -> None:
    """A movement is known by when it was heard of."""
    number = count()
    _disputes_told_otherwise(
        patch, lambda moved: [msgspec.structs.replace(each, ref=f"{each.ref}:{next(number)}") for each in moved]
    )


def what_comes_back_is_not_booked(patch: Patch) -> None:
    _disputes_told_otherwise(patch, lambda moved: [each for each in moved if each.amount > 0])


def _disputes_told_otherwise(patch: Patch, change: Any) -> None:
    real = sandbox_gateway.dispute_snapshot
    patch.setattr(sandbox_gateway, "dispute_snapshot", same_but(real, movements=lambda told: change(told.movements)))


def a_lost_dispute_is_still_owed_to_us(patch: Patch) -> None:
    patch.setattr(dispute_rules, "written_off", lambda state, withdrawn: 0)
    assert dispute_actions.rules is dispute_rules


def send_back_while_the_bank_decides(patch: Patch) -> None:
    real = desk_queries.lock_purses

    async def careless(conn: Any, booking_id: UUID) -> Any:
        return [msgspec.structs.replace(purse, disputed=False) for purse in await real(conn, booking_id)]

    patch.setattr(desk_queries, "lock_purses", careless)


_NO_HEED = "DROP TRIGGER refunds_heed_disputes ON refunds"

# -- what gateways do by themselves ------------------------------------------------------------------------------------


def what_the_gateway_sent_back_is_owed_again(patch: Patch) -> None:
    patch.setattr(refund_answers.rules, "off_the_price", lambda *_: 0)


def a_refund_of_the_gateways_is_not_ours(patch: Patch) -> None:
    """Whoever did that will know."""
    real = refunds.apply

    async def proud(conn: Any, transaction_id: UUID, told: Any, source: str) -> None:
        await real(conn, transaction_id, [each for each in told if each.refund_id is not None], source)

    patch.setattr(refunds, "apply", proud)


RETURNS = (
    Mutation("a new key at each try to refund", ("a refund is made at the bank once", BANK_AND_BOOKS), LOST_ANSWERS, a_new_key_at_each_try),
    Mutation("a lost refund is given up", (BANK_AND_BOOKS,), LOST_ANSWERS, a_lost_refund_is_given_up),
    Mutation(
        "a pending refund is not asked after", ("every refund has ended",),
        UNTOLD_RETURNS, never_ask_after_a_pending_refund,
    ),
    Mutation("one person is enough", ("one person alone",), DESK, one_person_is_enough),
    Mutation("a large refund passes as several small ones", ("one person alone",), BIT_BY_BIT, large_sums_pass_as_several_small_ones),
    Mutation(
        "whoever asks may agree", ("agrees to what she asked for herself",), FOUR_EYES, who_asks_may_agree,
        "ALTER TABLE refund_requests DROP CONSTRAINT refund_requests_four_eyes",
    ),
    Mutation("a second press is a second request", ("asked twice under one id",), DESK, a_second_press_is_a_second_request),
    Mutation("what is sent back is owed again", ("not asked for it again",), DESK, what_is_sent_back_is_owed_again),
    Mutation("cash given back is not written down", ("every refund has ended",), CASH, cash_given_back_is_not_written_down),
    Mutation("a gateway is asked for cash", ("no gateway is asked about it",), CASH, a_gateway_is_asked_for_cash),
    Mutation("the fee of a dispute is forgotten", (BANK_AND_BOOKS,), DISPUTES, the_fee_of_a_dispute_is_forgotten),
    Mutation("each telling of a dispute takes the money again", (BANK_AND_BOOKS,), DISPUTES, each_telling_takes_the_money_again),
    Mutation("what a won dispute brings back is not booked", (BANK_AND_BOOKS, "none owes us anything"), DISPUTES, what_comes_back_is_not_booked),
    Mutation("a lost dispute is still owed to us", ("is a loss",), DISPUTES, a_lost_dispute_is_still_owed_to_us),
    Mutation("money is sent back while the bank decides", ("while the payer's bank decides",), DISPUTED_DESK, send_back_while_the_bank_decides, _NO_HEED),
    Mutation("what the gateway sent back is owed again", ("not asked for it again",), DASHBOARD, what_the_gateway_sent_back_is_owed_again),
    Mutation("a refund of the gateway's is not ours", (BANK_AND_BOOKS,), DASHBOARD, a_refund_of_the_gateways_is_not_ours),
)  # fmt: skip
