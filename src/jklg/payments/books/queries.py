"""SQL of the checks: each question has no rows as its right answer. Read as the house, in one snapshot.

A captured fact is cumulative: of 600 after 400 the books have 200 more, under the name `<transaction>:600`.
"""

from __future__ import annotations

ATTEMPT_IS_NOT_ITS_FACTS = """
SELECT t.id, t.gateway, t.captured_amount, told.captured, t.refund_amount, told.refunded, t.currency
FROM transactions t
LEFT JOIN LATERAL (
    SELECT coalesce(max(f.amount) FILTER (WHERE f.fact_type = 'captured'), 0) AS captured,
           coalesce(sum(f.amount) FILTER (WHERE f.fact_type = 'refund_succeeded'), 0)
           - coalesce(sum(f.amount) FILTER (WHERE f.fact_type IN ('refund_failed', 'refund_canceled') AND EXISTS (
                 SELECT FROM gateway_facts s WHERE s.transaction_id = f.transaction_id
                    AND s.object_id = f.object_id AND s.fact_type = 'refund_succeeded')), 0) AS refunded
    FROM gateway_facts f WHERE f.transaction_id = t.id
) told ON true
WHERE t.captured_amount <> told.captured OR t.refund_amount <> told.refunded
ORDER BY t.id
"""

CAPTURED_AND_NOT_BOOKED = """
SELECT told.transaction_id, told.captured, told.more, told.currency, coalesce(sum(e.amount), 0) AS booked
FROM (
    SELECT f.transaction_id, f.currency, f.amount AS captured,
           f.amount - lag(f.amount, 1, 0::bigint) OVER (PARTITION BY f.transaction_id ORDER BY f.amount) AS more
    FROM gateway_facts f WHERE f.fact_type = 'captured'
) told
JOIN transactions t ON t.id = told.transaction_id
LEFT JOIN ledger_transactions l ON l.kind = 'capture' AND l.source_type = 'transaction'
    AND l.source_id = told.transaction_id || ':' || told.captured AND l.subject_id = t.booking_id
LEFT JOIN ledger_entries e ON e.transaction_id = l.id
    AND e.account = 'gateway_clearing:' || t.gateway AND e.currency = told.currency
GROUP BY told.transaction_id, told.captured, told.more, told.currency
HAVING coalesce(sum(e.amount), 0) <> told.more
ORDER BY told.transaction_id, told.captured
"""

BOOKED_AND_NOT_CAPTURED = """
SELECT l.id, l.source_type, l.source_id, e.amount, e.currency
FROM ledger_transactions l
JOIN ledger_entries e ON e.transaction_id = l.id AND e.account LIKE 'gateway_clearing:%'
LEFT JOIN transactions t ON l.source_type = 'transaction' AND t.id::text = split_part(l.source_id, ':', 1)
WHERE l.kind = 'capture' AND CASE
    WHEN l.source_type = 'gateway_object' THEN l.subject_id IS NOT NULL
    WHEN t.id IS NULL THEN true
    WHEN e.currency <> t.currency THEN NOT EXISTS (
        SELECT FROM ledger_entries s WHERE s.transaction_id = l.id AND s.account = 'suspense:unapplied' AND s.amount = -e.amount)
    ELSE NOT EXISTS (
        SELECT FROM gateway_facts f WHERE f.transaction_id = t.id AND f.fact_type = 'captured'
           AND l.source_id = f.transaction_id || ':' || f.amount)
    END
ORDER BY l.id
"""
"""Money of a stranger, or in a currency that was not asked for, has no fact of an attempt: it must lie in suspense."""

REFUND_BOOKED_OTHERWISE = """
SELECT r.id, r.state, r.amount, r.currency, coalesce(string_agg(l.kind || ' ' || booked.amount, ', ' ORDER BY l.kind), 'nothing') AS booked
FROM refunds r
LEFT JOIN ledger_transactions l ON l.source_type = 'refund' AND l.source_id = r.id::text
    AND l.kind IN ('refund_submitted', 'refund_succeeded', 'refund_released', 'refund_failed')
LEFT JOIN LATERAL (
    SELECT coalesce(sum(e.amount), 0) AS amount FROM ledger_entries e
    WHERE e.transaction_id = l.id AND e.currency = r.currency AND e.amount > 0
) booked ON true
GROUP BY r.id
HAVING coalesce(bool_or(booked.amount <> r.amount AND l.id IS NOT NULL), false) OR CASE
    WHEN r.state IN ('reserved', 'submitted', 'pending') THEN array_agg(l.kind ORDER BY l.kind) <> ARRAY['refund_submitted']
    WHEN r.state = 'succeeded' THEN array_agg(l.kind ORDER BY l.kind) <> ARRAY['refund_submitted', 'refund_succeeded']
    ELSE array_agg(l.kind ORDER BY l.kind) NOT IN (
        ARRAY['refund_released', 'refund_submitted'], ARRAY['refund_failed', 'refund_submitted', 'refund_succeeded'])
    END IS NOT FALSE
ORDER BY r.id
"""

BOOKED_AND_NOT_REFUNDED = """
SELECT l.id, l.kind, l.source_id
FROM ledger_transactions l
WHERE (l.source_type = 'refund' OR l.kind LIKE 'refund!_%' ESCAPE '!')
  AND NOT EXISTS (SELECT FROM refunds r WHERE l.source_type = 'refund' AND r.id::text = l.source_id)
ORDER BY l.id
"""

CLEARING_OFF = """
WITH booked AS (
    SELECT e.subject_id AS booking_id, split_part(e.account, ':', 2) AS gateway, e.currency, sum(e.amount) AS amount
    FROM ledger_entries e JOIN bookings b ON b.id = e.subject_id AND b.currency = e.currency
    JOIN ledger_transactions l ON l.id = e.transaction_id AND l.source_type <> 'dispute' AND l.kind <> 'owed_paid'
    WHERE e.account LIKE 'gateway_clearing:%' GROUP BY 1, 2, 3
), told AS (
    SELECT t.booking_id, t.gateway, t.currency, sum(t.captured_amount - t.refund_amount) AS amount
    FROM transactions t GROUP BY 1, 2, 3
)
SELECT booking_id, gateway, currency, coalesce(booked.amount, 0) AS booked, coalesce(told.amount, 0) AS told
FROM booked FULL JOIN told USING (booking_id, gateway, currency)
WHERE coalesce(booked.amount, 0) <> coalesce(told.amount, 0)
ORDER BY booking_id, gateway
"""
"""The attempts' own amounts are held against the facts by ATTEMPT_IS_NOT_ITS_FACTS. Foreign money is not in them: it is in suspense."""

DISPUTE_BOOKED_OTHERWISE = """
SELECT d.id, d.state, d.withdrawn_amount, d.lost_amount, coalesce(booked.taken, 0) AS booked, coalesce(booked.owed, 0) AS owed,
       coalesce(booked.lost, 0) AS lost, told.withdrawn AS told, d.currency
FROM disputes d
LEFT JOIN LATERAL (
    SELECT -sum(e.amount) FILTER (WHERE e.account = 'gateway_clearing:' || d.gateway AND l.kind <> 'dispute_fee') AS taken,
           sum(e.amount) FILTER (WHERE e.account = 'disputes_receivable') AS owed,
           sum(e.amount) FILTER (WHERE e.account = 'dispute_losses') AS lost
    FROM ledger_transactions l JOIN ledger_entries e ON e.transaction_id = l.id
    WHERE l.source_type = 'dispute' AND starts_with(l.source_id, d.id || ':') AND (e.currency = d.currency OR l.kind = 'dispute_fee')
) booked ON true
CROSS JOIN LATERAL (
    SELECT coalesce(sum(CASE f.fact_type WHEN 'dispute_withdrawn' THEN f.amount ELSE -f.amount END), 0) AS withdrawn
    FROM gateway_facts f WHERE f.transaction_id = d.transaction_id AND f.fact_type IN ('dispute_withdrawn', 'dispute_reinstated')
) told
WHERE coalesce(booked.taken, 0) <> d.withdrawn_amount OR coalesce(booked.lost, 0) <> d.lost_amount
   OR coalesce(booked.owed, 0) <> d.withdrawn_amount - d.lost_amount
   OR d.lost_amount <> CASE WHEN d.state = 'lost' THEN greatest(d.withdrawn_amount, 0) ELSE 0 END
   OR told.withdrawn <> (SELECT sum(o.withdrawn_amount) FROM disputes o WHERE o.transaction_id = d.transaction_id)
ORDER BY d.id
"""

BOOKED_AND_NOT_DISPUTED = """
SELECT l.id, l.kind, l.source_id
FROM ledger_transactions l
WHERE (l.source_type = 'dispute' OR starts_with(l.kind, 'dispute_'))
  AND NOT EXISTS (SELECT FROM disputes d WHERE l.source_type = 'dispute' AND d.id::text = split_part(l.source_id, ':', 1))
ORDER BY l.id
"""

CONFIRMED_AND_NOT_PAID = """
SELECT b.reference, b.status, b.total_price, b.deposit_amount, b.reduced_amount, came.amount AS came, kept.deposits, kept.earned,
       back.amount AS sent_back, b.currency
FROM bookings b
CROSS JOIN LATERAL (
    SELECT -coalesce(sum(e.amount) FILTER (WHERE e.account = 'customer_deposits'), 0) AS deposits,
           -coalesce(sum(e.amount) FILTER (WHERE e.account = 'travel_revenue'), 0) AS earned
    FROM ledger_entries e
    WHERE e.subject_id = b.id AND e.currency = b.currency AND e.account IN ('customer_deposits', 'travel_revenue')
) kept
CROSS JOIN LATERAL (
    SELECT -coalesce(sum(e.amount), 0) AS amount FROM ledger_entries e JOIN ledger_transactions l ON l.id = e.transaction_id
    WHERE e.subject_id = b.id AND e.currency = b.currency AND e.account = 'customer_deposits' AND l.kind IN ('capture', 'apply_suspense')
) came
CROSS JOIN LATERAL (
    SELECT coalesce(sum(e.amount), 0) AS amount FROM ledger_entries e JOIN ledger_transactions l ON l.id = e.transaction_id
    WHERE e.subject_id = b.id AND e.currency = b.currency AND e.account IN ('customer_deposits', 'travel_revenue')
      AND (l.source_type = 'refund' AND l.kind IN ('refund_submitted', 'refund_released') OR l.kind = 'loss_met')
) back
WHERE came.amount <> kept.deposits + kept.earned + back.amount
   OR CASE
    WHEN b.status IN ('confirmed', 'completed') THEN came.amount < least(coalesce(b.deposit_amount, b.total_price), b.total_price - b.reduced_amount)
        OR came.amount > b.total_price OR b.status = 'completed' AND kept.deposits > 0 AND NOT EXISTS (
        SELECT FROM anomalies a WHERE a.booking_id = b.id AND a.resolved_at IS NULL AND a.kind IN ('refund_failed', 'refund_waits', 'money_left_behind'))
    WHEN b.status = 'cancelled' THEN kept.deposits <> 0 AND NOT EXISTS (
        SELECT FROM anomalies a WHERE a.booking_id = b.id AND a.resolved_at IS NULL AND a.kind IN ('refund_failed', 'refund_waits', 'money_left_behind'))
    ELSE kept.deposits + kept.earned <> 0 END
   OR kept.deposits + kept.earned > b.total_price - b.reduced_amount AND NOT EXISTS (
        SELECT FROM anomalies a WHERE a.booking_id = b.id AND a.resolved_at IS NULL AND a.kind IN ('refund_failed', 'refund_waits', 'money_left_behind'))
ORDER BY b.id
"""
"""Confirmed with its first part, or all. What met a loss had gone back to her by her bank. More than today's price is kept only while
somebody is told why it has not gone back."""

SUSPENSE_UNTOLD = """
SELECT e.account, e.subject_id::text AS whose, -sum(e.amount) AS amount, e.currency
FROM ledger_entries e
WHERE e.account IN ('suspense:unapplied', 'refunds_owed') AND e.subject_id IS NOT NULL
GROUP BY e.account, e.subject_id, e.currency
HAVING sum(e.amount) <> 0 AND NOT EXISTS (
    SELECT FROM anomalies a WHERE a.resolved_at IS NULL AND a.kind NOT IN ('dispute', 'early_fraud_warning', 'payment_review', 'money_taken_back', 'bank_line', 'payout_missing') AND a.booking_id = e.subject_id)
UNION ALL
SELECT lying.account, lying.whose, -sum(lying.amount), lying.currency
FROM (
    SELECT e.account, e.currency, e.amount, concat_ws(':', split_part(l.source_id, ':', 1), split_part(l.source_id, ':', 2)) AS whose
    FROM ledger_entries e JOIN ledger_transactions l ON l.id = e.transaction_id
    WHERE e.account IN ('suspense:unapplied', 'refunds_owed') AND e.subject_id IS NULL
) lying
GROUP BY lying.account, lying.whose, lying.currency
HAVING sum(lying.amount) <> 0 AND NOT EXISTS (
    SELECT FROM anomalies a WHERE a.resolved_at IS NULL AND starts_with(a.once_key, 'unmatched:' || lying.whose || ':'))
ORDER BY 1, 2
"""
"""Of a booking, or of an attempt at a gateway that is none of ours: each has its own concern."""

OWED_PAID_OTHERWISE = """
SELECT q.id, q.paid_by, q.amount, q.currency, q.needs_second, q.decision, coalesce(booked.amount, 0) AS booked
FROM (SELECT * FROM refund_requests WHERE paid_by IS NOT NULL) q
FULL JOIN (
    SELECT l.source_id, e.amount FROM ledger_transactions l
    JOIN ledger_entries e ON e.transaction_id = l.id AND e.account = 'refunds_owed' WHERE l.kind = 'owed_paid'
) booked ON booked.source_id = q.id::text
WHERE coalesce(booked.amount, 0) <> coalesce(CASE WHEN q.paid_at IS NOT NULL THEN q.amount END, 0)
ORDER BY q.id
"""
"""What was owed and is paid another way has nothing to do with a gateway, so CLEARING_OFF leaves it out."""
