-- payments: an attempt that is none of ours is put before a person as often as money of it comes; what was told once has been told for the first time.
UPDATE anomalies SET once_key = once_key || ':1', detail = detail || jsonb_build_object('gateway', split_part(once_key, ':', 2))
WHERE kind = 'unmatched_gateway_object';

-- payments: a dispute is put before a person in each round of it: the bank's question, its taking the money, an appeal.
UPDATE anomalies a SET once_key = a.once_key || CASE WHEN d.state IN ('inquiry', 'inquiry_closed') THEN ':inquiry:1'
                                                      WHEN d.state = 'appealed' THEN ':appeal_' || d.loss_postings || ':1' ELSE ':chargeback:1' END
FROM disputes d WHERE a.kind = 'dispute' AND a.once_key = 'dispute:' || d.id;
