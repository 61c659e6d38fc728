"""The merge of what gateways say: any order, any number of times, the same end (payments.md 1.2)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jklg.kit.errors import BadInput
from jklg.payments import rules
from jklg.payments.gateways.contract import Snapshot

ATTEMPT = UUID(int=1)
NOON = datetime(2027, 5, 1, 12, tzinfo=UTC)


def known(**changes: object) -> rules.Known:
    at_first = rules.Known(
        id=ATTEMPT, state="submitting", amount=10_000, currency="INR", livemode=False, ref=None, captured=0, authorized=0, open_at=None
    )  # fmt: skip
    return msgspec.structs.replace(at_first, **changes)


def says(state: str, captured: int = 0, minute: int = 0, **changes: object) -> Snapshot:
    told = Snapshot(
        ref="pi_1",
        transaction_id=ATTEMPT,
        state=state,
        amount=10_000,
        currency="INR",
        livemode=False,
        captured=captured,
        gateway_at=NOON + timedelta(minutes=minute),
    )
    return msgspec.structs.replace(told, **changes)


def merged(before: rules.Known, snapshot: Snapshot) -> rules.Known:
    decision = rules.decide(before, snapshot)
    return msgspec.structs.replace(
        before,
        state=decision.state or before.state,
        captured=decision.captured,
        authorized=decision.authorized,
        open_at=decision.open_at,
        ref=snapshot.ref,
    )


snapshots = st.one_of(
    st.builds(
        says, st.sampled_from(["requires_payment_method", "requires_action", "processing"]), minute=st.integers(0, 5)
    ),
    st.just(says("canceled", minute=6)),
    st.just(says("succeeded", 10_000, minute=7)),
)


@settings(max_examples=500)
@given(st.lists(snapshots, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_money_is_the_same_whatever_the_order_and_however_often(told: list[Snapshot], dice: object) -> None:
    again = [*told, *told]
    dice.shuffle(again)  # type: ignore[attr-defined]
    one, other = known(), known()
    for snapshot in told:
        one = merged(one, snapshot)
    for snapshot in again:
        other = merged(other, snapshot)
    assert one.captured == other.captured
    if any(s.state == "succeeded" for s in told):
        assert one.state == other.state == "succeeded"
    elif any(s.state == "canceled" for s in told):
        assert one.state == other.state == "canceled"
    else:
        assert other.state in {s.state for s in told}


@pytest.mark.parametrize("late", ["requires_payment_method", "requires_action", "processing", "canceled", "failed"])
def test_nothing_unpays_a_success(late: str) -> None:
    paid = known(state="succeeded", captured=10_000)
    decision = rules.decide(paid, says(late, minute=99))
    assert decision.state is None
    assert decision.captured == 10_000


def test_a_decline_leaves_the_attempt_open_for_another_card() -> None:
    decision = rules.decide(known(state="requires_action", open_at=NOON), says("requires_payment_method", minute=1))
    assert decision.state == "requires_payment_method"


def test_old_news_of_an_open_attempt_does_not_turn_it_back() -> None:
    decision = rules.decide(
        known(state="processing", open_at=NOON + timedelta(minutes=5)), says("requires_action", minute=1)
    )
    assert decision.state is None


@pytest.mark.parametrize("closed", ["canceled", "failed", "expired"])
def test_a_late_success_wins_and_is_reported(closed: str) -> None:
    decision = rules.decide(known(state=closed), says("succeeded", 10_000))
    assert (decision.state, decision.captured_more, decision.anomaly) == ("succeeded", 10_000, "late_success")


def test_a_late_authorisation_is_voided_and_moves_nothing() -> None:
    decision = rules.decide(known(state="canceled"), says("authorized", authorized=10_000))
    assert (decision.state, decision.void_needed, decision.anomaly) == (None, True, "late_authorization")


def test_what_has_ended_here_and_is_open_there_is_to_be_closed() -> None:
    decision = rules.decide(known(state="failed"), says("requires_payment_method"))
    assert (decision.state, decision.void_needed, decision.anomaly) == (None, True, None)


@pytest.mark.parametrize(
    ("snapshot", "why"),
    [
        (says("succeeded", 50), "amount_mismatch"),
        (says("succeeded", 10_001), "amount_mismatch"),
        (says("processing", 300), "amount_mismatch"),
        (says("succeeded", 10_000, currency="USD"), "currency_mismatch"),
    ],
)
def test_money_of_a_wrong_amount_or_currency_is_not_trusted(snapshot: Snapshot, why: str) -> None:
    assert rules.decide(known(), snapshot).distrusted == why


def test_a_success_without_money_is_not_believed() -> None:
    assert rules.decide(known(), says("succeeded", 0)).state is None


@pytest.mark.parametrize(
    ("before", "snapshot", "why"),
    [
        (known(ref="pi_2"), says("processing"), "other_reference"),
        (known(), says("processing", livemode=True), "other_mode"),
        (known(), says("processing", transaction_id=UUID(int=2)), "other_transaction"),
        (known(), says("processing", transaction_id=None), "cannot_be_bound"),
        (known(ref="pi_1"), says("processing", transaction_id=None), None),
        (known(), says("processing"), None),
    ],
)
def test_an_answer_about_something_else_is_not_applied(
    before: rules.Known, snapshot: Snapshot, why: str | None
) -> None:
    assert rules.not_ours(before, snapshot) == why


def test_the_clients_amount_is_checked_and_never_used() -> None:
    all_of_it = rules.payables(10_000, 10_000, None)
    assert rules.payable(all_of_it, 10_000, None, None, "INR") == 10_000
    assert rules.payable(all_of_it, 10_000, 10_000, "inr", "INR") == 10_000
    for amount, currency in ((50, None), (9_999, "INR"), (10_000, "usd")):
        with pytest.raises(BadInput) as refusal:
            rules.payable(all_of_it, 10_000, amount, currency, "INR")
        assert refusal.value.code == "amount_mismatch"
        assert refusal.value.details == {"payable": [{"kind": "full", "amount": 10_000, "currency": "inr"}]}


def test_with_a_deposit_she_may_pay_it_or_all_or_anything_between_and_later_the_balance() -> None:
    at_first = rules.payables(10_000, 3_000, date(2027, 4, 1))
    assert [(part.kind, part.amount) for part in at_first] == [("deposit", 3_000), ("full", 10_000)]
    assert rules.payable(at_first, 3_000, None, None, "INR") == 3_000
    assert [rules.payable(at_first, 3_000, amount, "INR", "INR") for amount in (3_000, 5_555, 10_000)] == [
        3_000,
        5_555,
        10_000,
    ]
    for amount in (2_999, 10_001, 0, -1):
        with pytest.raises(BadInput, match="amount_mismatch"):
            rules.payable(at_first, 3_000, amount, None, "INR")
    later = rules.payables(7_000, 0, date(2027, 4, 1))
    assert [(part.kind, part.amount) for part in later] == [("balance", 7_000)]


@pytest.mark.parametrize(
    ("due", "first_due", "least"),
    [(10_000, 3_000, 3_000), (10_000, 10_000, 10_000), (7_000, 0, 100), (70, 0, 70), (70, 30, 30)],
)
def test_the_least_confirms_or_is_worth_a_payment(due: int, first_due: int, least: int) -> None:
    assert rules.least(due, first_due) == least


@pytest.mark.parametrize(
    ("due", "first_due"), [(10_000, 3_000), (7_000, 0), (250, 0), (199, 0), (100, 0), (70, 0), (130, 50)]
)
def test_whatever_is_paid_the_rest_can_be_paid_and_the_parts_make_the_whole(due: int, first_due: int) -> None:
    parts = rules.payables(due, first_due, date(2027, 4, 1))
    for amount in range(due + 2):
        try:
            paid = rules.payable(parts, rules.least(due, first_due), amount, None, "INR")
        except BadInput:
            continue
        assert paid == amount and amount >= min(first_due or 100, due)
        rest = due - paid
        assert rest == 0 or rest >= 100 or amount == first_due, "a rest that nobody can pay"
        if rest:
            (last,) = rules.payables(rest, 0, date(2027, 4, 1))
            assert rules.payable([last], rules.least(rest, 0), None, None, "INR") + paid == due


def test_no_thousandths_where_gateways_take_none() -> None:
    parts = rules.payables(10_000, 0, date(2027, 4, 1))
    assert rules.payable(parts, 100, 5_550, None, "KWD") == 5_550
    with pytest.raises(BadInput, match="amount_mismatch"):
        rules.payable(parts, 100, 5_555, None, "KWD")
    assert rules.payable(parts, 100, 5_555, None, "INR") == 5_555


def test_we_look_again_ever_more_slowly_and_stop_after_three_days_of_nothing() -> None:
    assert [rules.look_again_seconds("processing", n) for n in range(9)] == [5, 10, 20, 40, 80, 160, 320, 600, 600]
    assert rules.look_again_seconds("succeeded", 0) is None
    closed = [rules.look_again_seconds("canceled", n) for n in range(6)]
    assert closed[-1] is None and closed[-2] == 72 * 3600


@given(st.integers(0, 1000), st.floats(0, 1))
def test_the_pause_before_a_retry_is_bounded_and_jittered(attempts: int, dice: float) -> None:
    pause = rules.retry_seconds(attempts, dice)
    whole = min(5 * 2 ** min(attempts, 13), 6 * 3600)
    assert 0.5 * whole <= pause <= 1.5 * whole


def test_a_key_is_not_used_once_the_gateway_may_have_forgotten_it() -> None:
    assert rules.may_send_again(0, 86_400)
    assert not rules.may_send_again(0.8 * 86_400, 86_400)
