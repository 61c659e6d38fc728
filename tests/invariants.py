"""What is true of our rows at every moment, whatever happened: the invariants of the failure catalogue, as SQL.

Each is a question whose right answer is no rows, asked in one snapshot of what is committed. The letters: B the books,
R refunds, S the states of an attempt, C captured money, K confirmed means paid, O one open attempt, V seats,
W webhooks, M mails; those of promises.py are asked with them. `QUIET` holds only once nothing is on its way any more: nothing may be stuck.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import asyncpg

from tests.promises import PROMISES, QUIET_PROMISES


class Invariant(NamedTuple):
    """`sql` gives the names of the rows that break what `sentence` says, in one text column."""

    letter: str
    sentence: str
    sql: str


_OPEN = "('created', 'submitting', 'requires_payment_method', 'requires_action', 'processing', 'authorized')"
_CYCLING = "('requires_payment_method', 'requires_action', 'processing')"
"""Open states may come again, and not every gateway says when: what was told twice of one moment is one fact."""
_SOLD = "('confirmed', 'completed')"
_NOT_GONE_BACK = "('refund_failed', 'refund_waits', 'money_left_behind')"
"""Concerns that say why money is still with us which is on its way to the customer."""
_BALANCE = """
    SELECT -coalesce(sum(e.amount), 0) FROM ledger_entries e
    WHERE e.subject_id = b.id AND e.currency = b.currency AND e.account
"""

ALWAYS = (
    # -- B: the books ------------------------------------------------------------------------------------------------
    Invariant(
        "B",
        "every ledger transaction balances in every currency",
        "SELECT transaction_id::text FROM ledger_entries GROUP BY transaction_id, currency HAVING sum(amount) <> 0",
    ),
    Invariant(
        "B",
        "every ledger transaction has two entries or more",
        """
        SELECT t.id::text FROM ledger_transactions t LEFT JOIN ledger_entries e ON e.transaction_id = t.id
        GROUP BY t.id HAVING count(e.id) < 2
        """,
    ),
    Invariant(
        "B",
        "every fact is posted once",
        """
        SELECT concat_ws(' ', kind, source_type, source_id) FROM ledger_transactions
        GROUP BY kind, source_type, source_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        "B",
        "what gateways hold for a booking, disputes apart, is what was captured for it less what was refunded",
        """
        SELECT b.id::text FROM bookings b
        WHERE (SELECT coalesce(sum(e.amount), 0) FROM ledger_entries e JOIN ledger_transactions l ON l.id = e.transaction_id
               WHERE l.source_type <> 'dispute' AND l.kind <> 'owed_paid' AND e.subject_id = b.id AND e.currency = b.currency AND e.account LIKE 'gateway_clearing:%')
           <> (SELECT coalesce(sum(t.captured_amount - t.refund_amount), 0) FROM transactions t
               WHERE t.booking_id = b.id AND t.currency = b.currency)
        """,
    ),
    Invariant(
        "B",
        "what is on its way back for a booking is what its refunds have reserved",
        f"""
        SELECT b.id::text FROM bookings b
        WHERE ({_BALANCE} = 'refunds_in_flight') <>
              (SELECT coalesce(sum(t.refund_reserved), 0) FROM transactions t WHERE t.booking_id = b.id)
        """,
    ),
    Invariant(
        "B",
        "no loss is met by more than was lost",
        """
        SELECT subject_id::text FROM ledger_entries WHERE account = 'dispute_losses' GROUP BY currency, subject_id HAVING sum(amount) < 0
        """,
    ),
    Invariant(
        "B",
        "no customer's deposit, no suspense and nothing owed is ever overdrawn",
        """
        SELECT concat_ws(' ', account, subject_id) FROM ledger_entries
        WHERE account IN ('customer_deposits', 'suspense:unapplied', 'refunds_owed') GROUP BY account, currency, subject_id HAVING sum(amount) > 0
        """,
    ),
    # -- R: refunds --------------------------------------------------------------------------------------------------
    Invariant(
        "R",
        "refunded and reserved money never exceeds what was captured",
        "SELECT id::text FROM transactions WHERE refund_reserved + refund_amount > captured_amount",
    ),
    Invariant(
        "R",
        "a transaction's refund amounts are the sums of its refunds",
        """
        SELECT t.id::text FROM transactions t LEFT JOIN refunds r ON r.transaction_id = t.id GROUP BY t.id
        HAVING t.refund_amount <> coalesce(sum(r.amount) FILTER (WHERE r.state = 'succeeded'), 0)
            OR t.refund_reserved <> coalesce(sum(r.amount) FILTER (WHERE r.state IN ('reserved', 'submitted', 'pending')), 0)
        """,
    ),
    Invariant(
        "R",
        "every refund of ours has exactly one command, under its own key, where there is a gateway to ask",
        """
        SELECT r.id::text FROM refunds r JOIN transactions t ON t.id = r.transaction_id LEFT JOIN gateway_commands c ON c.refund_id = r.id
        WHERE r.origin <> 'gateway' GROUP BY r.id, t.gateway
        HAVING count(c.id) <> CASE t.gateway WHEN 'manual' THEN 0 ELSE 1 END OR bool_or(c.request_key <> r.request_key OR c.kind <> 'refund')
        """,
    ),
    # -- S: the states of an attempt ---------------------------------------------------------------------------------
    Invariant(
        "S",
        "no attempt ever made a move that is not in the table of moves",
        """
        SELECT l.transaction_id::text FROM transaction_audit_logs l
        WHERE l.old_status <> l.new_status
          AND NOT EXISTS (SELECT FROM transaction_moves m WHERE m.from_state = l.old_status AND m.to_state = l.new_status)
        """,
    ),
    Invariant(
        "S",
        "the moves of an attempt join end to end, and end where it stands",
        """
        SELECT id::text FROM (
            SELECT t.id, l.old_status IS DISTINCT FROM lag(l.new_status) OVER w AS torn,
                   lead(l.id) OVER w IS NULL AND l.new_status <> t.state AS wrong_end
            FROM transactions t JOIN transaction_audit_logs l ON l.transaction_id = t.id
            WINDOW w AS (PARTITION BY t.id ORDER BY l.id)
        ) moves WHERE torn OR wrong_end
        """,
    ),
    Invariant(
        "S",
        "an attempt can be rebuilt from the facts that its gateway told",
        f"""
        SELECT t.id::text FROM transactions t
        LEFT JOIN LATERAL (
            SELECT f.fact_type AS state FROM gateway_facts f JOIN transaction_states s ON s.state = f.fact_type
            WHERE f.transaction_id = t.id
            ORDER BY CASE WHEN s.rank >= 40 THEN s.rank ELSE 0 END DESC, f.id DESC LIMIT 1
        ) told ON true
        CROSS JOIN LATERAL (
            SELECT coalesce(max(amount), 0) AS captured FROM gateway_facts f
            WHERE f.transaction_id = t.id AND f.fact_type = 'captured'
        ) money
        WHERE money.captured <> t.captured_amount
           OR (told.state IS NOT NULL AND told.state <> t.state AND NOT (told.state IN {_CYCLING} AND t.state IN {_CYCLING}))
           OR (told.state IS NULL AND t.state NOT IN ('submitting', 'failed'))
        """,
    ),
    Invariant(
        "S",
        "an attempt's public word follows from its state and its money",
        "SELECT id::text FROM transactions WHERE status <> transaction_status(state, captured_amount, refund_amount)",
    ),
    # -- C: captured money is never kept silently --------------------------------------------------------------------
    Invariant(
        "C",
        "no attempt asks for more than its booking was sold for, nor for less than its deposit at first, and always in its currency",
        """
        SELECT t.id::text FROM transactions t JOIN bookings b ON b.id = t.booking_id
        WHERE t.currency <> b.currency OR t.amount > b.total_price
           OR b.reduced_amount = 0 AND t.request_key NOT LIKE 'attached:%' AND CASE
                WHEN b.deposit_amount IS NULL THEN t.amount <> b.total_price
                WHEN t.gateway = 'manual' THEN false
                ELSE t.amount < b.deposit_amount AND NOT EXISTS (
                    SELECT FROM transactions o WHERE o.booking_id = b.id AND o.id <> t.id AND o.captured_amount > 0) END
        """,
    ),
    Invariant(
        "C",
        "money in suspense is known to somebody",
        """
        SELECT concat_ws(' ', e.account, e.subject_id, e.currency) FROM ledger_entries e
        WHERE e.account IN ('suspense:unapplied', 'refunds_owed') AND e.subject_id IS NOT NULL GROUP BY e.account, e.subject_id, e.currency
        HAVING sum(e.amount) <> 0 AND NOT EXISTS (
            SELECT FROM anomalies a WHERE a.resolved_at IS NULL AND a.kind NOT IN ('dispute', 'early_fraud_warning', 'payment_review', 'money_taken_back', 'bank_line', 'payout_missing') AND a.booking_id = e.subject_id)
        UNION ALL
        SELECT concat_ws(' ', lying.whose, lying.currency) FROM (
            SELECT e.currency, e.amount, concat_ws(':', split_part(l.source_id, ':', 1), split_part(l.source_id, ':', 2)) AS whose
            FROM ledger_entries e JOIN ledger_transactions l ON l.id = e.transaction_id
            WHERE e.account = 'suspense:unapplied' AND e.subject_id IS NULL) lying
        GROUP BY lying.whose, lying.currency
        HAVING sum(lying.amount) <> 0 AND NOT EXISTS (
            SELECT FROM anomalies a WHERE a.resolved_at IS NULL AND starts_with(a.once_key, 'unmatched:' || lying.whose || ':'))
        """,
    ),
    Invariant(
        "C",
        "a booking keeps no more than its price, unless somebody is told that something did not go back",
        f"""
        SELECT b.id::text FROM bookings b
        WHERE ({_BALANCE} IN ('customer_deposits', 'travel_revenue')) > b.total_price - b.reduced_amount
          AND NOT EXISTS (SELECT FROM anomalies a WHERE a.booking_id = b.id AND a.resolved_at IS NULL AND a.kind IN {_NOT_GONE_BACK})
        """,
    ),
    # -- K: confirmed means paid, exactly ----------------------------------------------------------------------------
    Invariant(
        "K",
        "a booking is confirmed if, and only if, its first part came in, and no more than its price ever came in",
        """
        SELECT concat_ws(' ', b.id, b.status) FROM bookings b
        CROSS JOIN LATERAL (
            SELECT -coalesce(sum(e.amount), 0) AS amount FROM ledger_entries e JOIN ledger_transactions l ON l.id = e.transaction_id
            WHERE e.subject_id = b.id AND e.currency = b.currency AND e.account = 'customer_deposits' AND l.kind IN ('capture', 'apply_suspense')
        ) came
        WHERE b.status IN ('confirmed', 'completed')
              AND came.amount < least(coalesce(b.deposit_amount, b.total_price), b.total_price - b.reduced_amount)
           OR b.status IN ('held', 'expired') AND came.amount <> 0
           OR came.amount > b.total_price
        """,
    ),
    Invariant(
        "K",
        "of a booking given up nothing is kept but the fee, unless somebody is told",
        f"""
        SELECT concat_ws(' ', b.id, b.status) FROM bookings b
        WHERE b.status = 'cancelled' AND NOT EXISTS (
                SELECT FROM anomalies a WHERE a.booking_id = b.id AND a.resolved_at IS NULL AND a.kind IN {_NOT_GONE_BACK})
          AND EXISTS (SELECT FROM ledger_entries e WHERE e.subject_id = b.id AND e.account = 'customer_deposits'
                      GROUP BY e.currency HAVING sum(e.amount) <> 0)
        """,
    ),
    Invariant(
        "K",
        "of a journey that is over nothing is a deposit any more, unless somebody is told",
        f"""
        SELECT b.id::text FROM bookings b
        WHERE b.status = 'completed' AND ({_BALANCE} = 'customer_deposits') > 0 AND NOT EXISTS (
            SELECT FROM anomalies a WHERE a.booking_id = b.id AND a.resolved_at IS NULL AND a.kind IN {_NOT_GONE_BACK})
        """,
    ),
    Invariant(
        "K",
        "a booking's payment status follows from all its transactions",
        f"""
        SELECT b.id::text FROM bookings b
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(captured_amount), 0) AS captured, coalesce(sum(refund_amount), 0) AS refunded,
                   coalesce(bool_or(state IN {_OPEN}), false) AS any_open, coalesce(bool_or(status = 'failed'), false) AS any_failed
            FROM transactions t WHERE t.booking_id = b.id
        ) s
        WHERE b.payment_open <> s.any_open
           OR b.payment_status <> CASE
                WHEN s.captured > 0 AND s.refunded >= s.captured THEN 'Refunded'
                WHEN s.captured > 0 AND s.captured - s.refunded >= b.total_price - b.reduced_amount THEN 'Paid'
                WHEN s.captured > 0 THEN 'Partial'
                WHEN s.any_open OR NOT s.any_failed THEN 'Pending'
                ELSE 'Failed' END
        """,
    ),
    # -- O: one open attempt a booking -------------------------------------------------------------------------------
    Invariant(
        "O",
        "a booking has one open attempt at most",
        f"SELECT booking_id::text FROM transactions WHERE state IN {_OPEN} GROUP BY booking_id HAVING count(*) > 1",
    ),
    # -- V: seats ----------------------------------------------------------------------------------------------------
    Invariant(
        "V",
        "a departure's seats are those of its live bookings, and no more than its allotment",
        """
        SELECT d.id::text FROM departures d LEFT JOIN bookings b ON b.departure_id = d.id GROUP BY d.id
        HAVING d.seats_taken <> coalesce(sum(b.seats - b.cancelled_seats) FILTER (WHERE b.status IN ('held', 'confirmed', 'completed')), 0)
            OR d.seats_taken > d.allotment OR d.seats_taken < 0
        """,
    ),
    Invariant(
        "V",
        "extras are counted like seats",
        """
        SELECT concat_ws(' ', x.departure_id, x.extra_id) FROM departure_extras x
        WHERE x.taken > x.stock OR x.taken <> (
            SELECT coalesce(sum(e.quantity), 0) FROM booking_extras e JOIN bookings b ON b.id = e.booking_id
            WHERE e.departure_id = x.departure_id AND e.extra_id = x.extra_id AND b.status IN ('held', 'confirmed', 'completed'))
        """,
    ),
    Invariant(
        "V",
        "seats are not released by time while a payment may still succeed",
        f"""
        SELECT b.id::text FROM bookings b JOIN transactions t ON t.booking_id = b.id
        WHERE b.status = 'expired' AND t.state IN {_OPEN}
        """,
    ),
    # -- W: webhooks -------------------------------------------------------------------------------------------------
    Invariant(
        "W",
        "a notice is stored once",
        "SELECT concat_ws(' ', gateway, event_id) FROM webhook_inbox GROUP BY gateway, event_id HAVING count(*) > 1",
    ),
    Invariant(
        "W",
        "a notice that is done has been looked into",
        "SELECT id::text FROM webhook_inbox WHERE state = 'done' AND (attempts = 0 OR done_at IS NULL)",
    ),
    Invariant(
        "W",
        "the money that a done notice speaks of is in our rows",
        """
        SELECT concat_ws(' ', i.id, t.id) FROM webhook_inbox i
        JOIN transactions t ON t.gateway = i.gateway AND t.livemode = i.livemode AND t.transaction_id = i.ref
        WHERE i.state = 'done' AND t.captured_amount = 0
          AND convert_from(i.body, 'UTF8')::jsonb #>> '{data,object,object}' IN ('intent', 'payment_intent')
          AND convert_from(i.body, 'UTF8')::jsonb #>> '{data,object,status}' = 'succeeded'
          AND upper(convert_from(i.body, 'UTF8')::jsonb #>> '{data,object,currency}') = t.currency
        """,
    ),
    # -- M: mails ----------------------------------------------------------------------------------------------------
    Invariant(
        "M",
        "nobody is told the same thing twice",
        """
        SELECT concat_ws(' ', b.id, m.kind) FROM mail_outbox m JOIN bookings b
            ON m.to_address = b.email AND concat(m.subject, m.text_body) LIKE '%' || b.reference || '%'
        GROUP BY b.id, m.kind
        HAVING count(*) > CASE m.kind
            WHEN 'booking_confirmed' THEN 1
            WHEN 'payment_receipt' THEN (SELECT count(*) FROM transactions t WHERE t.booking_id = b.id AND t.captured_amount > 0)
            WHEN 'booking_given_up' THEN (SELECT greatest(count(*), 1) FROM booking_cancellations c WHERE c.booking_id = b.id)
            WHEN 'balance_due' THEN 2
            WHEN 'card_will_be_charged' THEN (SELECT count(*) FROM payment_consents c WHERE c.booking_id = b.id)
            WHEN 'card_refused' THEN (SELECT count(*) FROM transactions t WHERE t.booking_id = b.id AND t.consent_id IS NOT NULL)
            WHEN 'departure_near' THEN 1
            WHEN 'review_wanted' THEN 1
            ELSE (SELECT count(*) FROM refunds r JOIN transactions t ON t.id = r.transaction_id WHERE t.booking_id = b.id) END
        """,
    ),
    Invariant(
        "M",
        "only who has a seat is told so",
        f"""
        SELECT b.id::text FROM mail_outbox m JOIN bookings b ON m.once_key = 'booking_confirmed:' || b.id
        WHERE b.confirmed_at IS NULL OR b.status NOT IN {_SOLD} AND b.status <> 'cancelled'
        """,
    ),
    *(Invariant(*promise) for promise in PROMISES),
)

QUIET = (
    Invariant(
        "S",
        "no attempt is left open",
        f"SELECT concat_ws(' ', id, state) FROM transactions WHERE state IN {_OPEN}",
    ),
    Invariant(
        "V",
        "every booking is confirmed, completed, cancelled or expired",
        "SELECT concat_ws(' ', id, status, payment_status) FROM bookings WHERE status = 'held'",
    ),
    Invariant(
        "W",
        "every notice is done or ignored",
        "SELECT concat_ws(' ', id, state, last_error) FROM webhook_inbox WHERE state NOT IN ('done', 'ignored')",
    ),
    Invariant(
        "R",
        "every refund has ended, and every command has its result",
        """
        SELECT concat_ws(' ', id, state) FROM refunds WHERE state IN ('reserved', 'submitted', 'pending')
        UNION ALL
        SELECT concat_ws(' ', id, kind, state) FROM gateway_commands WHERE state NOT IN ('done', 'rejected')
        """,
    ),
    Invariant(
        "M",
        "who has a seat was told so, who paid has a receipt, who gave up and whose money came back has it in writing",
        f"""
        SELECT concat('booking_confirmed:', b.id) FROM bookings b WHERE b.status IN {_SOLD}
           AND NOT EXISTS (SELECT FROM mail_outbox m WHERE m.once_key = 'booking_confirmed:' || b.id)
        UNION ALL
        SELECT l.source_id FROM ledger_transactions l
        JOIN ledger_entries e ON e.transaction_id = l.id AND e.account = 'customer_deposits'
        WHERE l.kind = 'capture' AND l.source_type = 'transaction'
          AND NOT EXISTS (SELECT FROM mail_outbox m WHERE m.once_key = 'payment_receipt:' || split_part(l.source_id, ':', 1))
        UNION ALL
        SELECT l.once_key FROM refunds r,
        LATERAL (SELECT CASE r.origin WHEN 'late_money' THEN 'late_money_refunded:' ELSE 'refund_sent:' END || r.id AS once_key) l
        WHERE r.state = 'succeeded' AND NOT EXISTS (SELECT FROM mail_outbox m WHERE m.once_key = l.once_key)
        UNION ALL
        SELECT concat('booking_given_up:', c.id) FROM booking_cancellations c
        WHERE NOT EXISTS (SELECT FROM mail_outbox m WHERE m.once_key = 'booking_given_up:' || c.id)
        """,
    ),
    Invariant(
        "M",
        "every mail is on its way",
        "SELECT concat_ws(' ', once_key, last_error) FROM mail_outbox WHERE state = 'queued'",
    ),
    Invariant("M", "all news has been acted on", "SELECT concat_ws(' ', entrypoint, status) FROM pgqueuer"),
    *(Invariant(*promise) for promise in QUIET_PROMISES),
)


async def broken(conn: Any, *, quiet: bool = False) -> list[str]:
    """The invariants that do not hold, each as a sentence with the rows that break it. Call as a superuser.

    `conn` must see every row: row security would hide what is wrong. One statement, so one snapshot.
    """
    asked = ALWAYS + QUIET if quiet else ALWAYS
    statement = "\nUNION ALL\n".join(
        f"SELECT {number}, string_agg(row, ', ' ORDER BY row) FROM ({one.sql}) broken(row) HAVING count(*) > 0"
        for number, one in enumerate(asked)
    )
    rows = await conn.fetch(statement)
    return [
        f"{asked[number].letter}: not true: {asked[number].sentence} ({rows_})"
        for number, rows_ in sorted(map(tuple, rows))
    ]


async def assert_invariants(superuser_url: str, *, quiet: bool = False) -> None:
    """For the end of any test that sold something."""
    conn = await asyncpg.connect(superuser_url)
    try:
        found = await broken(conn, quiet=quiet)
    finally:
        await conn.close()
    assert not found, "\n".join(found)
