"""Bugs in taking money: attempts, and what their gateways say of them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec

from jklg import app, bookings
from jklg.bookings import actions as booking_actions
from jklg.payments import actions as payment_actions
from jklg.payments import merging
from jklg.payments import queries as payment_queries
from jklg.payments import rules as payment_rules
from jklg.payments.gateways.contract import GatewayError, GatewayRefused, Order
from jklg.payments.gateways.paypal import orders as paypal_orders
from jklg.payments.gateways.razorpay import RazorpayGateway
from jklg.payments.gateways.sandbox import SandboxGateway
from tests.simulation.climates import Climate
from tests.simulation.mutations.tools import Mutation, Patch, asleep, nothing, rewritten, same_but

STILL_THERE = "nothing can be paid any more at the bank"
BANK_AND_BOOKS = "the bank holds what our books say it holds"
BUYERS = Climate(turns=250, line=0, crashes=0, scarce=False, habits={"staff": 2, "bank": 2, "gives up": 3})
"""People who book and pay, and nothing much happens."""
DECLINED = replace(BUYERS, habits={**BUYERS.habits, "is declined": 15, "comes back": 40, "closes the payment": 0})
CLAIMS = replace(BUYERS, habits={"claims another price": 80})
BAD_LINE = Climate(
    turns=300, line=30, scarce=False, troubles=("drop_after", "error_after", "truncate"), always=("lose_webhooks",),
    habits={"staff": 0, "bank": 0},
)  # fmt: skip
KILLED = Climate(
    turns=400, line=10, crashes=35, scarce=False, always=("lose_webhooks",),
    habits={"staff": 0, "bank": 0, "books another": 40, "goes to pay": 80, "is at the bank": 5, "pays at once": 20},
)  # fmt: skip
"""Processes die all the time."""
LATE = Climate(
    turns=350, line=0, crashes=0, late_money=True, troubles=("late_success",),
    habits={"staff": 0, "bank": 0, "closes the payment": 40, "gives up": 25, "goes to pay": 30},
)  # fmt: skip
"""People who change their minds, and banks that pay all the same."""
AGAIN = replace(
    LATE, people=3, turns=500, later=(5, 60),
    habits={**LATE.habits, "walks away": 0, "gives up": 0, "goes to pay": 60, "closes the payment": 80, "is at the bank": 3, "comes back": 0, "leaves": 40},
)  # fmt: skip
"""They close one payment and open the next, and it is the first that pays."""
CLICKING = replace(
    AGAIN, people=2, turns=700, later=(90_000,), always=("lose_webhooks",), spans=(1, 5, 20, 61, 180),
    habits={
        **AGAIN.habits, "customers": 200, "books another": 0, "goes to pay": 5, "closes the payment": 30, "comes back": 200, "pays at once": 0,
        "is impatient": 0,
    },
)  # fmt: skip
"""They look again and again, and nobody tells."""
UNTOLD_LATE = replace(
    LATE, troubles=("late_success", "lose_webhooks", "lose_webhooks"), habits={**LATE.habits, "comes back": 0}
)
TWICE = replace(
    AGAIN,
    people=2,
    turns=300,
    late_money=False,
    habits={**AGAIN.habits, "is impatient": 100, "is at the bank": 20, "leaves": 2},
)
"""Two at once, of one and the same booking."""
IN_LINE = Climate(
    people=3, turns=400, line=25, crashes=0, scarce=False,
    habits={"staff": 0, "bank": 0, "worker": 40, "payments": 40, "comes back": 40, "closes the payment": 20, "goes to pay": 30},
)  # fmt: skip
"""Several at the same payment."""
AT_PAYPAL = Climate(
    gateways=("paypal",), turns=250, line=0, crashes=0, scarce=False, troubles=("capture_pending",) * 4,
    habits={"staff": 0, "bank": 0, "gives up": 0, "closes the payment": 0, "is at the bank": 60},
)  # fmt: skip
GIVEN_UP_UNHEARD = replace(
    AT_PAYPAL, people=3, turns=400, line=50, late_money=True, troubles=(), habits={**AT_PAYPAL.habits, "gives up": 40, "notices": 30, "payments": 20},
)  # fmt: skip
"""They give up while PayPal does not answer, and approve all the same."""
AT_RAZORPAY = Climate(
    gateways=("razorpay",), turns=300, line=0, crashes=0, scarce=False,
    habits={"staff": 0, "bank": 25, "authorizes late": 40, "is declined": 10, "gives up": 0, "closes the payment": 0, "is at the bank": 90, "refunds by itself": 0},
)  # fmt: skip
"""Payments fail, others are made, and the first is authorised after all."""


def trust_the_clients_amount(patch: Patch) -> None:
    patch.setattr(payment_rules, "payable", lambda parts, least, claimed, currency, ours: claimed or parts[0].amount)


def post_again_what_was_posted(patch: Patch) -> None:
    """Every answer counts as new money."""
    patch.setattr(
        payment_rules, "decide", same_but(payment_rules.decide, captured_more=lambda decided: decided.captured)
    )


def never_look_for_an_open_attempt(patch: Patch) -> None:
    async def blind(conn: Any, booking_id: UUID) -> None:
        return None

    patch.setattr(payment_queries, "find_open", blind)


def ignore_late_success(patch: Patch) -> None:
    """What is closed stays closed."""
    decide = payment_rules.decide

    def deaf(known: Any, snapshot: Any) -> Any:
        if known.state in ("canceled", "failed", "expired"):
            snapshot = msgspec.structs.replace(snapshot, state=known.state, captured=0)
        return decide(known, snapshot)

    patch.setattr(payment_rules, "decide", deaf)


def a_decline_ends_the_attempt(patch: Patch) -> None:
    decide = payment_rules.decide

    def rash(known: Any, snapshot: Any) -> Any:
        if snapshot.error and snapshot.state in payment_rules.OPEN:
            snapshot = msgspec.structs.replace(snapshot, state="failed")
        return decide(known, snapshot)

    patch.setattr(payment_rules, "decide", rash)


def believe_the_last_answer(patch: Patch) -> None:
    patch.setattr(payment_rules, "_next_state", lambda known, snapshot, captured: snapshot.state)


def a_silent_gateway_means_no(patch: Patch) -> None:
    """Unknown taken for failure: the attempt is closed here and lives on there."""

    async def closed(house: Any, transaction: Any, booking: Any, silence: Any) -> Any:
        return await payment_actions._refused(house, transaction, GatewayRefused(silence.code))

    patch.setattr(payment_actions, "_unanswered", closed)


def a_new_key_at_each_try(patch: Patch) -> None:
    real = SandboxGateway.create
    number = count()

    async def forgetful(self: Any, order: Order) -> Any:
        return await real(self, msgspec.structs.replace(order, request_key=f"{order.request_key}:{next(number)}"))

    patch.setattr(SandboxGateway, "create", forgetful)


def settle_without_locks(patch: Patch) -> None:
    patch.setattr(bookings, "lock_all", bookings.get_all)
    patch.setattr(payment_queries, "lock_all", payment_queries.get_all)


def lock_only_the_transaction(patch: Patch) -> None:
    """The attempt is safe; whether its booking is paid and its seats are free is only looked up."""

    patch.setattr(bookings, "lock_all", bookings.get_all)
    patch.setattr(booking_actions, "lock_all", bookings.get_all)


def call_the_gateway_before_the_row_is_committed(patch: Patch) -> None:
    """The order goes out first; the row is written afterwards. A crash in between leaves an attempt that nobody knows."""
    write = payment_actions._write_attempt

    async def eager(conn: Any, house: Any, booking_id: UUID, gateway: Any, *more: Any) -> Any:
        transaction_id = await write(conn, house, booking_id, gateway, *more)
        booking = await bookings.get(conn, booking_id)
        if transaction_id is not None and booking is not None:
            order = Order(
                transaction_id=transaction_id, booking_id=booking_id, booking_reference="", amount=booking.total_price,
                currency=booking.currency, request_key=f"create:{transaction_id}", description="", email="", return_url="",
                created_at=datetime.now(UTC),
            )  # fmt: skip
            with suppress(GatewayError):
                await gateway.create(order)
        return transaction_id

    patch.setattr(payment_actions, "_write_attempt", eager)


def leave_the_attempt_beside_the_one_that_paid(patch: Patch) -> None:
    """So it was until seed 1050."""
    rewritten(
        patch, payment_queries, "list_overdue",
        "WHEN 'confirmed' THEN", "WHEN 'confirmed' THEN false WHEN 'never' THEN",
    )  # fmt: skip


def count_every_look(patch: Patch) -> None:
    """A clicking customer uses up the late looks. So it was until seed 15."""
    rewritten(patch, merging, "_checks", '(answer.source == "poll")', "1")


def the_poller_stays_at_home(patch: Patch) -> None:
    patch.setitem(app.SWEEPS, "payments", asleep)


def overdue_payments_are_not_closed(patch: Patch) -> None:
    patch.setitem(app.SWEEPS, "overdue", asleep)


def keep_late_money_quietly(patch: Patch) -> None:
    """Money nobody asked for goes to suspense, and there it stays."""
    patch.setattr(merging.refunds, "send_back", nothing)
    patch.setattr(merging, "report", nothing)


def a_pending_capture_is_taken_for_money(patch: Patch) -> None:
    """PayPal says PENDING, and may say DENIED days later."""
    patch.setattr(paypal_orders, "_TAKEN", paypal_orders._TAKEN | {"PENDING"})


def take_what_nobody_wants(patch: Patch) -> None:
    """What a payer has approved is captured, even after she has given up."""
    from jklg.payments.captures import actions as capture_actions
    from jklg.payments.captures import rules as capture_rules

    patch.setattr(capture_rules, "refusal", lambda *_, **__: None)
    patch.setattr(capture_actions, "bookings", SimpleNamespace(lock=bookings.lock, no_use_for_money=nothing))


def count_what_was_never_captured(patch: Patch) -> None:
    """What Razorpay sends back by itself, because nobody captured it, is booked as a refund of ours."""

    async def careless(self: Any, ref: str) -> Any:
        payments = await self._payments(ref)
        order = await self._calls.get(f"/orders/{ref}", razorpay_orders.Order)
        refunds = [refund for payment in payments for refund in await self._refunds(payment)]
        return razorpay_orders.snapshot(order, payments, refunds, [], livemode=self.livemode)

    from jklg.payments.gateways.razorpay import orders as razorpay_orders

    patch.setattr(RazorpayGateway, "fetch", careless)


_POST_WITHOUT_ASKING = """
ALTER TABLE ledger_transactions DROP CONSTRAINT ledger_posts_a_fact_once;
CREATE OR REPLACE FUNCTION ledger_post(
    p_id uuid, p_kind text, p_source_type text, p_source_id text, p_subject_id uuid, p_currency text, p_entries jsonb
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_transactions (id, kind, source_type, source_id, subject_id) VALUES (p_id, p_kind, p_source_type, p_source_id, p_subject_id);
    INSERT INTO ledger_accounts SELECT DISTINCT e.account, p_currency::char(3) FROM jsonb_to_recordset(p_entries) AS e(account text) ON CONFLICT DO NOTHING;
    INSERT INTO ledger_entries (transaction_id, account, currency, amount, subject_id)
    SELECT p_id, e.account, p_currency, e.amount, p_subject_id FROM jsonb_to_recordset(p_entries) AS e(account text, amount bigint);
    RETURN true;
END $$;
"""

_ANY_NOTE_LOCKS_THE_BOOKING = """
DROP TRIGGER transactions_keep_payment_status ON transactions;
CREATE TRIGGER transactions_keep_payment_status AFTER INSERT OR UPDATE ON transactions
    FOR EACH ROW EXECUTE FUNCTION transactions_keep_payment_status();
"""
"""Transaction first, booking second: two halves of a deadlock. So it was until the first seeds of the simulation."""

ATTEMPTS = (
    Mutation("trust the client's amount", ("asks for more than its booking was sold for",), CLAIMS, trust_the_clients_amount),
    Mutation("post again what was posted", ("captured", "posted once"), BUYERS, post_again_what_was_posted, _POST_WITHOUT_ASKING),
    Mutation(
        "two attempts open at once", ("one open attempt",), TWICE, never_look_for_an_open_attempt, "DROP INDEX transactions_one_open_attempt"
    ),
    Mutation("a late success is ignored", (BANK_AND_BOOKS, "a done notice speaks of"), LATE, ignore_late_success),
    Mutation("a decline ends the attempt", (STILL_THERE,), DECLINED, a_decline_ends_the_attempt),
    Mutation("the last answer is believed", ("cannot go from",), LATE, believe_the_last_answer),
    Mutation("silence means no", (STILL_THERE,), BAD_LINE, a_silent_gateway_means_no),
    Mutation("a new key at each try to create", ("made at the bank once",), BAD_LINE, a_new_key_at_each_try),
    Mutation("settle takes no locks", ("transactions_one_open_attempt", "cannot go from", "captured money only grows"), TWICE, settle_without_locks),
    Mutation("only the transaction is locked", ("transactions_one_open_attempt",), TWICE, lock_only_the_transaction),
    Mutation("locks in another order", ("eadlock",), IN_LINE, sql=_ANY_NOTE_LOCKS_THE_BOOKING),
    Mutation("the gateway is called before the row is committed", (STILL_THERE,), KILLED, call_the_gateway_before_the_row_is_committed),
    Mutation("an attempt stays open beside the one that paid", ("no attempt is left open",), AGAIN, leave_the_attempt_beside_the_one_that_paid),
    Mutation("every look is counted", (BANK_AND_BOOKS,), CLICKING, count_every_look),
    Mutation("the poller stays at home", (BANK_AND_BOOKS,), UNTOLD_LATE, the_poller_stays_at_home),
    Mutation("overdue payments are not closed", ("no attempt is left open",), BUYERS, overdue_payments_are_not_closed),
    Mutation("late money is kept quietly", ("known to somebody",), LATE, keep_late_money_quietly),
    Mutation("a pending capture is taken for money", ("what the bank has not taken",), AT_PAYPAL, a_pending_capture_is_taken_for_money),
    Mutation("what nobody wants is captured", ("given up before",), GIVEN_UP_UNHEARD, take_what_nobody_wants),
    Mutation("what was never captured is booked as sent back", (BANK_AND_BOOKS, "the bank has not sent it"), AT_RAZORPAY, count_what_was_never_captured),
)  # fmt: skip
