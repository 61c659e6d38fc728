-- reconciliation/statements: a bank may cut one statement into several parts in one file, all under its id. Each is a statement of its own: the second
-- was taken for the first, imported before. Of those that were kept so far each was the first of its id in its file, and so is part 1.
ALTER TABLE bank_statements ADD COLUMN part integer NOT NULL DEFAULT 1;  -- the how-manieth of its account and id in its file
ALTER TABLE bank_statements DROP CONSTRAINT bank_statements_once;
ALTER TABLE bank_statements ADD CONSTRAINT bank_statements_once UNIQUE (account, file_sha256, statement_ref, part);

-- What its lines are known by, also of those that another statement had brought: what a statement has tells whether the next one can have it, too.
ALTER TABLE bank_statements ADD COLUMN line_keys text[] NOT NULL DEFAULT '{}';  -- bank_lines.once_key
UPDATE bank_statements s SET line_keys = CASE WHEN l.brought = s.closing_amount - s.opening_amount THEN l.its_keys
                                              WHEN l.amount = s.closing_amount - s.opening_amount THEN l.keys ELSE coalesce(l.its_keys, '{}') END
FROM (SELECT k.id, sum(b.amount) AS amount, array_agg(b.once_key) AS keys, sum(b.amount) FILTER (WHERE b.statement_id = k.id) AS brought,
             array_agg(b.once_key) FILTER (WHERE b.statement_id = k.id) AS its_keys
      FROM bank_statements k JOIN bank_lines b ON b.account = k.account AND b.booked_on BETWEEN k.from_on AND k.to_on GROUP BY k.id) l
WHERE l.id = s.id;
