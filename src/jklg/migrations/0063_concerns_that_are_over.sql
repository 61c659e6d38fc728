-- payments: what a person has settled stays settled for as long as it is there. When it has been gone and comes again, it is told again.
ALTER TABLE anomalies ADD COLUMN over_at timestamptz;
UPDATE anomalies a SET over_at = a.resolved_at
WHERE EXISTS (SELECT FROM history h WHERE h.action = 'concern.adopted' AND h.subject_id = a.id);
CREATE INDEX anomalies_settled_and_there ON anomalies (once_key) WHERE resolved_by <> 'system' AND over_at IS NULL;

-- reconciliation: since when an account cannot be read to its end.
ALTER TABLE gateway_accounts ADD COLUMN failing_since timestamptz;
