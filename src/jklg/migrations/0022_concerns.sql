-- payments: what stands before a person has an owner, and says how it was settled.

ALTER TABLE anomalies ADD COLUMN owner text;     -- 'staff:<id>' who has taken it on
ALTER TABLE anomalies ADD COLUMN note text NOT NULL DEFAULT '';  -- how it was settled, in their words
ALTER TABLE anomalies ADD CONSTRAINT anomalies_settled_by_somebody CHECK (resolved_at IS NULL OR resolved_by IS NOT NULL);
