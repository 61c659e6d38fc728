-- payments: an attempt that is none of ours is put before a person as often as money of it comes; what was told once has been told for the first time.
UPDATE anomalies SET once_key = once_key || ':1', detail = detail || jsonb_build_object('gateway', split_part(once_key, ':', 2))
WHERE kind = 'unmatched_gateway_object';
