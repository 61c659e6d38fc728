"""What the house promises people besides its books, as SQL like that of invariants.py: (letter, sentence, the rows that break it).

The letters: D disputes, Q the desk and cash, N cards by consent, P giving up, H what waits for our word.
"""

from __future__ import annotations

PROMISES = (
    # -- D: disputes -------------------------------------------------------------------------------------------------
    (
        "D",
        "nothing is sent back while the payer's bank decides",
        """
        SELECT r.id::text FROM refunds r WHERE r.origin <> 'gateway' AND EXISTS (
            SELECT FROM gateway_facts f WHERE f.transaction_id = r.transaction_id AND f.recorded_at < r.created_at
               AND f.fact_type IN ('dispute_needs_response', 'dispute_under_review', 'dispute_appealed')
               AND NOT EXISTS (SELECT FROM gateway_facts o WHERE o.object_id = f.object_id AND o.recorded_at <= r.created_at
                                  AND o.fact_type IN ('dispute_won', 'dispute_lost', 'dispute_prevented')))
        """,
    ),
    (
        "D",
        "what a bank has kept for good is a loss, and nothing else is",
        """
        SELECT id::text FROM disputes WHERE lost_amount <> CASE WHEN state = 'lost' THEN greatest(withdrawn_amount, 0) ELSE 0 END
        """,
    ),
    # -- Q: the desk and cash ----------------------------------------------------------------------------------------
    (
        "Q",
        "nobody agrees to what she asked for herself",
        "SELECT id::text FROM refund_requests WHERE decision = 'approved' AND decided_by = asked_by",
    ),
    (
        "Q",
        "nothing is sent back before a second person has agreed",
        """
        SELECT r.id::text FROM refunds r JOIN refund_requests q ON q.id = r.request_id
        WHERE q.needs_second AND q.decision IS DISTINCT FROM 'approved'
        """,
    ),
    (
        "Q",
        "what was asked for, and agreed to, is what is sent back, or paid by hand",
        """
        SELECT q.id::text FROM refund_requests q
        WHERE (NOT q.needs_second OR q.decision = 'approved') AND q.amount <> CASE WHEN q.paid_by IS NULL
            THEN (SELECT coalesce(sum(r.amount), 0) FROM refunds r WHERE r.request_id = q.id)
            ELSE (SELECT coalesce(sum(e.amount), 0) FROM ledger_transactions l JOIN ledger_entries e ON e.transaction_id = l.id
                  WHERE l.kind = 'owed_paid' AND l.source_id = q.id::text AND e.account = 'refunds_owed') END
        """,
    ),
    (
        "Q",
        "who was sent money back is not asked for it again",
        """
        SELECT b.id::text FROM bookings b
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(r.amount), 0) AS amount FROM refunds r JOIN transactions t ON t.id = r.transaction_id
            WHERE t.booking_id = b.id AND r.source_account IN ('customer_deposits', 'travel_revenue') AND NOT EXISTS (
                SELECT FROM ledger_transactions l WHERE l.kind = 'refund_released' AND l.source_type = 'refund' AND l.source_id = r.id::text)
        ) back
        CROSS JOIN LATERAL (
            SELECT -coalesce(sum(e.amount), 0) AS amount FROM ledger_entries e JOIN ledger_transactions l ON l.id = e.transaction_id
            WHERE e.subject_id = b.id AND e.account = 'customer_deposits' AND l.kind = 'capture'
        ) came
        WHERE back.amount - greatest(came.amount - b.total_price, 0) > b.reduced_amount
        """,
    ),
    (
        "Q",
        "what was taken by hand is all there is, and no gateway is asked about it",
        """
        SELECT t.id::text FROM transactions t WHERE t.gateway = 'manual' AND (
            t.captured_amount <> t.amount OR EXISTS (SELECT FROM gateway_commands c WHERE c.transaction_id = t.id))
        """,
    ),
    # -- N: cards by consent -----------------------------------------------------------------------------------------
    (
        "N",
        "a card is charged by a consent of that booking which still lives, three days after a letter or more",
        """
        SELECT t.id::text FROM transactions t JOIN payment_consents c ON c.id = t.consent_id
        WHERE c.booking_id <> t.booking_id OR c.gateway <> t.gateway OR c.ended_at < t.created_at
           OR NOT EXISTS (SELECT FROM mail_outbox m WHERE m.once_key = 'card_will_be_charged:' || c.id
                             AND m.created_at <= t.created_at - interval '3 days')
        """,
    ),
    (
        "N",
        "a card is charged three times at most, two days apart",
        """
        SELECT consent_id::text FROM (
            SELECT consent_id, created_at - lag(created_at) OVER w AS pause, row_number() OVER w AS number
            FROM transactions WHERE consent_id IS NOT NULL WINDOW w AS (PARTITION BY consent_id ORDER BY created_at, id)
        ) charges WHERE pause < interval '2 days' OR number > 3
        """,
    ),
    # -- P: giving up ------------------------------------------------------------------------------------------------
    (
        "P",
        "of what is given up so much is kept as the terms say that it was sold under",
        """
        SELECT c.id::text FROM booking_cancellations c JOIN bookings b ON b.id = c.booking_id
        JOIN departures d ON d.id = b.departure_id JOIN packages p ON p.id = d.package_id
        CROSS JOIN LATERAL (SELECT coalesce((
            SELECT (t ->> 'percent')::integer FROM jsonb_array_elements(coalesce(b.sold_terms -> 'tiers', '[]')) t
            WHERE (t ->> 'days_before')::integer <= d.starts_on - (c.cancelled_at AT TIME ZONE p.time_zone)::date
            ORDER BY (t ->> 'days_before')::integer DESC LIMIT 1), 0) AS percent) tier
        CROSS JOIN LATERAL (SELECT coalesce(sum(o.kept), 0) AS kept FROM booking_cancellations o WHERE o.booking_id = c.booking_id AND o.id < c.id) before
        WHERE c.percent IS NOT NULL AND b.currency = 'INR' AND (c.percent <> tier.percent OR c.kept <> greatest(
            c.worth - ceil(c.worth * tier.percent / 100.0),
            CASE WHEN c.whole AND (b.sold_terms ->> 'keeps_deposit')::boolean THEN least(b.deposit_amount - before.kept, c.worth) ELSE 0 END))
        """,
    ),
    (
        "P",
        "what is given up and not kept is taken off the price",
        """
        SELECT b.id::text FROM bookings b
        WHERE b.reduced_amount < (SELECT coalesce(sum(c.worth - c.kept), 0) FROM booking_cancellations c WHERE c.booking_id = b.id)
        """,
    ),
    (
        "P",
        "the fees for those who left before are no part of what is given up at last",
        """
        SELECT c.id::text FROM booking_cancellations c JOIN bookings b ON b.id = c.booking_id
        CROSS JOIN LATERAL (SELECT coalesce(sum(o.kept), 0) AS kept, coalesce(sum(o.worth), 0) AS worth
                            FROM booking_cancellations o WHERE o.booking_id = c.booking_id AND o.id < c.id) before
        WHERE c.worth + before.worth > b.total_price
        """,
    ),
    (
        "P",
        "what giving up promises to send back is asked for, or somebody is told why not",
        """
        SELECT c.booking_id::text FROM booking_cancellations c GROUP BY c.booking_id
        HAVING sum(c.refund) <> (
            SELECT coalesce(sum(q.amount), 0) FROM refund_requests q WHERE q.booking_id = c.booking_id AND q.reason = 'cancelled')
          + (SELECT coalesce(sum((a.detail ->> 'amount')::bigint), 0) FROM anomalies a
             WHERE a.booking_id = c.booking_id AND a.kind = 'money_left_behind' AND a.detail ->> 'why' = 'disputed')
        """,
    ),
    (
        "P",
        "who does not travel any more takes no seat",
        """
        SELECT id::text FROM bookings
        WHERE cancelled_seats <> coalesce((cancelled_party ->> 'adult')::integer, 0) + coalesce((cancelled_party ->> 'child')::integer, 0)
        """,
    ),
    # -- H: what waits for our word ----------------------------------------------------------------------------------
    (
        "H",
        "nothing is captured for a booking that was given up before",
        """
        SELECT c.id::text FROM gateway_commands c JOIN transactions t ON t.id = c.transaction_id JOIN bookings b ON b.id = t.booking_id
        WHERE c.kind = 'capture' AND b.status = 'cancelled' AND b.ended_at < c.created_at
        """,
    ),
)

QUIET_PROMISES = (
    (
        "D",
        "no bank is still to decide, and none owes us anything",
        """
        SELECT concat_ws(' ', id, state) FROM disputes WHERE closed_at IS NULL
        UNION ALL
        SELECT subject_id::text FROM ledger_entries WHERE account = 'disputes_receivable' GROUP BY subject_id HAVING sum(amount) <> 0
        """,
    ),
    (
        "Q",
        "nothing waits for a second person",
        "SELECT id::text FROM refund_requests WHERE needs_second AND decision IS NULL",
    ),
    (
        "N",
        "a card is forgotten when its consent has ended",
        "SELECT id::text FROM payment_consents WHERE ended_at IS NOT NULL AND (forgotten_at IS NULL OR method_ref IS NOT NULL)",
    ),
)
