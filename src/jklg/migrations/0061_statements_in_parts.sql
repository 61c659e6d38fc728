-- reconciliation/statements: a bank may cut one statement into several parts in one file, all under its id. Each is a statement of its own: the second
-- was taken for the first, imported before. Of those that were kept so far each was the first of its id in its file, and so is part 1.
ALTER TABLE bank_statements ADD COLUMN part integer NOT NULL DEFAULT 1;  -- the how-manieth of its account and id in its file
ALTER TABLE bank_statements DROP CONSTRAINT bank_statements_once;
ALTER TABLE bank_statements ADD CONSTRAINT bank_statements_once UNIQUE (account, file_sha256, statement_ref, part);
