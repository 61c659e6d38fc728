"""Bugs that we plant: each takes one safeguard away, or makes one plausible mistake. The simulation has to find every one.

A mutation patches a function of the house for as long as its test lasts, or changes the test's own database.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from importlib.resources import files
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest

from jklg import app, bookings
from jklg.bookings import actions as booking_actions
from jklg.bookings import queries as booking_queries
from jklg.bookings import rules as booking_rules
from jklg.mail import queries as mail_queries
from jklg.payments import actions as payment_actions
from jklg.payments import merging, webhooks
from jklg.payments import queries as payment_queries
from jklg.payments import rules as payment_rules
from jklg.payments.gateways import signatures
from jklg.payments.gateways.contract import GatewayError, GatewayRefused, Order
from jklg.payments.gateways.sandbox import SandboxGateway
from jklg.payments.refunds import calls as refund_calls
from jklg.payments.refunds import rules as refund_rules
from jklg.payments.webhooks import actions as webhook_actions
from jklg.payments.webhooks import queries as webhook_queries

Patch = pytest.MonkeyPatch


class Mutation(NamedTuple):
    """`sql` runs on the test's database as a superuser; `patch` on the house. `found_as`: what the finding must speak of.

    `seed` is a world that is known to find it, tried first.
    """

    name: str
    found_as: str
    patch: Callable[[Patch], None] | None = None
    sql: str = ""
    seed: int = 0


def _same_but(function: Callable[..., Any], **changes: Callable[[Any], Any]) -> Callable[..., Any]:
    """The same function, but what it returns has some fields changed, each by a function of the answer."""

    def changed(*args: Any, **kwargs: Any) -> Any:
        answer = function(*args, **kwargs)
        return msgspec.structs.replace(answer, **{field: change(answer) for field, change in changes.items()})

    return changed


def _rewritten(patch: Patch, module: Any, name: str, old: str, new: str) -> None:
    """A function with one piece of its text replaced: a line deleted, a condition turned round."""
    source = inspect.getsource(getattr(module, name))
    assert old in source, f"{name} does not say {old!r} any more: plant this bug another way"
    scope = dict(vars(module))
    exec(compile(source.replace(old, new), module.__file__, "exec", flags=_annotations()), scope)
    patch.setattr(module, name, scope[name])


def _annotations() -> int:
    import __future__

    return __future__.annotations.compiler_flag


def trust_the_clients_amount(patch: Patch) -> None:
    patch.setattr(payment_rules, "payable", lambda parts, least, claimed, currency, ours: claimed or parts[0].amount)


def post_again_what_was_posted(patch: Patch) -> None:
    """Every answer counts as new money."""
    patch.setattr(
        payment_rules, "decide", _same_but(payment_rules.decide, captured_more=lambda decided: decided.captured)
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


async def blind(*_: Any) -> None:
    """Sees nothing."""


def a_new_key_at_each_try(method: str) -> Callable[[Patch], None]:
    def plant(patch: Patch) -> None:
        real = getattr(SandboxGateway, method)
        number = count()

        async def forgetful(self: Any, *args: Any, **kwargs: Any) -> Any:
            if "request_key" in kwargs:
                kwargs["request_key"] += f":{next(number)}"
            else:
                args = (msgspec.structs.replace(args[0], request_key=f"{args[0].request_key}:{next(number)}"),)
            return await real(self, *args, **kwargs)

        patch.setattr(SandboxGateway, method, forgetful)
        if method == "refund":  # and nobody looks whether it was made before: either of the two is enough
            patch.setattr(refund_calls, "_look", blind)

    return plant


def a_lost_refund_is_given_up(patch: Patch) -> None:
    """No answer to a refund frees its capacity, as if it had been refused and looked for in vain; and what turns up is not believed."""
    patch.setattr(refund_calls, "_look", blind)
    _rewritten(patch, refund_calls, "_ask", "except GatewayRefused as refusal", "except GatewayError as refusal")
    patch.setattr(refund_rules, "was_made_after_all", lambda *_: False)


def mark_the_notice_done_before_looking(patch: Patch) -> None:
    async def hasty(house: Any, limit: int = 50) -> int:
        for tried in range(limit):
            async with house.db.transaction() as conn:
                notices = await webhook_queries.claim(conn, 1)
                if not notices:
                    return tried
                await webhook_queries.finish(conn, [((notices[0].id,), "done", None)])
            try:
                await webhook_actions._look_into(house, notices[0])
            except Exception as error:
                await webhook_actions._put_off(house, notices[0], error)
        return limit

    patch.setattr(webhooks, "process_due", hasty)


def believe_any_signature(patch: Patch) -> None:
    patch.setattr(signatures, "verify", lambda *args: None)


def write_mail_without_asking_whether_it_was_written(patch: Patch) -> None:
    _rewritten(patch, mail_queries, "insert", "ON CONFLICT ON CONSTRAINT mail_outbox_once DO NOTHING", "")


def announce_before_it_is_committed(patch: Patch) -> None:
    """The news is told outside the database transaction of its fact: a crash in between, and nobody hears of it."""

    async def silent(conn: Any, all_news: Any) -> None:
        return None

    patch.setattr(merging.jobs, "announce_all", silent)


def settle_without_locks(patch: Patch) -> None:
    patch.setattr(bookings, "lock_all", bookings.get_all)
    patch.setattr(payment_queries, "lock_all", payment_queries.get_all)


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


def keep_late_money_quietly(patch: Patch) -> None:
    """Money nobody asked for goes to suspense, and there it stays."""

    async def nothing(*_: Any, **__: Any) -> None:
        return None

    patch.setattr(payment_actions.refunds, "send_back", nothing)
    patch.setattr(merging, "report", nothing)


def all_money_is_the_bookings(patch: Patch) -> None:
    """Whatever became of the booking, and however often it was paid."""
    patch.setattr(booking_rules, "destination_of_money", lambda *_, **__: ("customer_deposits", None))


def confirm_without_looking_for_seats(patch: Patch) -> None:
    """Late money takes its old seats again, whoever sits there now."""

    async def surely(conn: Any, booking: Any) -> bool:
        return True

    patch.setattr(booking_actions, "_seats_free", surely)


def lock_only_the_transaction(patch: Patch) -> None:
    """The attempt is safe; whether its booking is paid and its seats are free is only looked up."""

    patch.setattr(bookings, "lock_all", bookings.get_all)
    patch.setattr(booking_actions, "lock_all", bookings.get_all)


def never_ask_after_a_pending_refund(patch: Patch) -> None:
    """Its notice will come. So it was until somebody looked at a world whose notices get lost."""
    patch.setattr(payment_rules, "PENDING_REFUND_SECONDS", 10 * 365 * 24 * 3600)


def leave_the_attempt_beside_the_one_that_paid(patch: Patch) -> None:
    """So it was until seed 1050."""
    _rewritten(
        patch, payment_queries, "list_overdue",
        "WHEN 'confirmed' THEN", "WHEN 'confirmed' THEN false WHEN 'never' THEN",
    )  # fmt: skip


def count_every_look(patch: Patch) -> None:
    """A clicking customer uses up the late looks. So it was until seed 15."""
    _rewritten(patch, merging, "_checks", '(answer.source == "poll")', "1")


def the_poller_stays_at_home(patch: Patch) -> None:
    async def asleep(house: Any) -> int:
        return 0

    patch.setitem(app.SWEEPS, "payments", asleep)


def release_seats_without_closing_the_payment(patch: Patch) -> None:
    async def asleep(house: Any) -> int:
        return 0

    patch.setitem(app.SWEEPS, "overdue", asleep)


_WITHOUT_WAITING = """
CREATE OR REPLACE FUNCTION bookings_keep_their_word() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
"""


def expire_whoever_is_late(patch: Patch) -> None:
    """A hold past its time is released, open payment or not."""
    for name in ("list_holds_due", "expire"):
        _rewritten(patch, booking_queries, name, " AND NOT payment_open", "")


def _polite_check_gone(sql: str) -> str:
    """hold_booking without its polite look at the seats that are left."""
    found = re.search(r"CREATE FUNCTION hold_booking_as_house.*?END \$\$;", sql, re.DOTALL)
    assert found is not None
    body = found.group().replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    assert "> d.allotment THEN" in body
    return body.replace("> d.allotment THEN", "> d.allotment + 1 THEN")


def _hold_booking_off_by_one() -> str:
    return _polite_check_gone(files("jklg.migrations").joinpath("0006_bookings.sql").read_text("utf-8"))


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

MUTATIONS = (
    Mutation("trust the client's amount", "asks for more than its booking was sold for", trust_the_clients_amount),
    Mutation("post again what was posted", "captured", post_again_what_was_posted, _POST_WITHOUT_ASKING),
    Mutation(
        "sell one seat more than there is", "no more than its allotment",
        sql="ALTER TABLE departures DROP CONSTRAINT departures_never_oversold;" + _hold_booking_off_by_one(), seed=1,
    ),
    Mutation("seats do not come back", "a departure's seats", sql="""
        CREATE OR REPLACE FUNCTION booking_takes_seats(p_status text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN true"""),
    Mutation("extras are not counted", "extras are counted", sql="DROP TRIGGER booking_extras_count_stock ON booking_extras"),
    Mutation(
        "two attempts open at once", "one open attempt", never_look_for_an_open_attempt,
        "DROP INDEX transactions_one_open_attempt",
    ),
    Mutation("a late success is ignored", "", ignore_late_success, seed=1),
    Mutation("a decline ends the attempt", "", a_decline_ends_the_attempt, seed=3),
    Mutation("the last answer is believed", "", believe_the_last_answer, seed=1),
    Mutation("silence means no", "", a_silent_gateway_means_no, seed=16),
    Mutation("a new key at each try to refund", "", a_new_key_at_each_try("refund"), seed=12),
    Mutation("a new key at each try to create", "made at the bank once", a_new_key_at_each_try("create")),
    Mutation("a lost refund is given up", "", a_lost_refund_is_given_up, seed=4),
    Mutation("a notice is done before it is looked into", "", mark_the_notice_done_before_looking, seed=8),
    Mutation("any signature will do", "forged", believe_any_signature),
    Mutation(
        "a mail has no once key", "told the same thing twice", write_mail_without_asking_whether_it_was_written,
        "ALTER TABLE mail_outbox DROP CONSTRAINT mail_outbox_once", seed=0,
    ),
    Mutation("news is lost", "was told so", announce_before_it_is_committed),
    Mutation("settle takes no locks", "", settle_without_locks),
    Mutation("locks in another order", "eadlock", sql=_ANY_NOTE_LOCKS_THE_BOOKING, seed=15),
    Mutation("the gateway is called before the row is committed", "", call_the_gateway_before_the_row_is_committed, seed=26),
    Mutation("late money is kept quietly", "known to somebody", keep_late_money_quietly, seed=4),
    Mutation("all money is the booking's", "", all_money_is_the_bookings, seed=4),
    Mutation("only the transaction is locked", "", lock_only_the_transaction),
    Mutation("a pending refund is not asked after", "every refund has ended", never_ask_after_a_pending_refund, seed=79),
    Mutation("an attempt stays open beside the one that paid", "no attempt is left open", leave_the_attempt_beside_the_one_that_paid, seed=44),
    Mutation("the poller stays at home", "", the_poller_stays_at_home, seed=4),
    Mutation("overdue payments are not closed", "", release_seats_without_closing_the_payment),
    Mutation(
        "seats are released while a payment is open", "while a payment may still succeed", expire_whoever_is_late, _WITHOUT_WAITING,
        seed=2,
    ),
    Mutation(
        "confirm without looking for seats", "no more than its allotment", confirm_without_looking_for_seats,
        "ALTER TABLE departures DROP CONSTRAINT departures_never_oversold", seed=26,
    ),
    Mutation("every look is counted", "the bank holds what our books say", count_every_look, seed=1),
)  # fmt: skip
"""The lock of the booking alone and that of the transaction alone are not among them: whoever takes one has the departure's
already, so that leaving it out changes nothing as long as that one is there. Nor is that of the departure: the constraint
`departures_never_oversold` stands behind it, and what then remains, two who wait for each other, depends on the clock on the wall."""
