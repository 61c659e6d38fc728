-- reconciliation/statements: what our own bank says, as it was imported. What it stated is never edited; a line is settled once.

CREATE TABLE bank_statements (
    id             uuid PRIMARY KEY,
    account        text NOT NULL,            -- the bank's number of our account, or the name we gave it
    currency       char(3) NOT NULL,
    format         text NOT NULL CHECK (format IN ('csv', 'camt.053')),
    statement_ref  text NOT NULL DEFAULT '', -- the bank's id of the statement, where it has one
    from_on        date NOT NULL,
    to_on          date NOT NULL,
    opening_amount bigint,                   -- where the bank says it
    closing_amount bigint,
    file_name      text NOT NULL,
    file_sha256    bytea NOT NULL,
    imported_by    text NOT NULL,            -- 'staff:<id>', 'cli'
    imported_at    timestamptz NOT NULL DEFAULT house_now(),
    CONSTRAINT bank_statements_once UNIQUE (account, file_sha256, statement_ref),
    CONSTRAINT bank_statements_run_forward CHECK (from_on <= to_on)
);
CREATE INDEX bank_statements_of_account ON bank_statements (account, from_on);

CREATE TABLE bank_lines (
    id             uuid PRIMARY KEY,
    statement_id   uuid NOT NULL REFERENCES bank_statements,
    account        text NOT NULL,
    once_key       text NOT NULL,            -- what tells this line from all others of the account, whichever statement it is read in
    booked_on      date NOT NULL,
    value_on       date,
    amount         bigint NOT NULL CONSTRAINT bank_lines_not_zero CHECK (amount <> 0),  -- minor units; what came in is positive
    currency       char(3) NOT NULL,
    counterparty   text NOT NULL DEFAULT '',
    description    text NOT NULL DEFAULT '',
    reference      text NOT NULL DEFAULT '',
    state          text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'payout', 'transfer', 'not_ours')),
    movement_id    uuid REFERENCES gateway_movements,
    transaction_id uuid REFERENCES transactions,
    note           text NOT NULL DEFAULT '',
    settled_by     text,
    settled_at     timestamptz,
    CONSTRAINT bank_lines_once UNIQUE (account, once_key),
    CONSTRAINT bank_lines_settled_by_somebody CHECK ((state = 'open') = (settled_by IS NULL) AND (state = 'open') = (settled_at IS NULL)),
    CONSTRAINT bank_lines_are_what_they_say CHECK ((state = 'payout') = (movement_id IS NOT NULL) AND (state = 'transfer') = (transaction_id IS NOT NULL))
);
CREATE UNIQUE INDEX bank_lines_pay_a_payout_once ON bank_lines (movement_id) WHERE movement_id IS NOT NULL;
CREATE UNIQUE INDEX bank_lines_pay_a_transfer_once ON bank_lines (transaction_id) WHERE transaction_id IS NOT NULL;
CREATE INDEX bank_lines_open ON bank_lines (booked_on) WHERE state = 'open';

CREATE FUNCTION bank_lines_keep_their_word() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'open'
       OR (NEW.id, NEW.statement_id, NEW.account, NEW.once_key, NEW.booked_on, NEW.value_on, NEW.amount, NEW.currency, NEW.counterparty, NEW.description, NEW.reference)
          IS DISTINCT FROM
          (OLD.id, OLD.statement_id, OLD.account, OLD.once_key, OLD.booked_on, OLD.value_on, OLD.amount, OLD.currency, OLD.counterparty, OLD.description, OLD.reference) THEN
        RAISE EXCEPTION 'bank line %: what the bank stated cannot be edited, and what is settled stays settled', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'bank_lines_frozen';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bank_lines_keep_their_word BEFORE UPDATE ON bank_lines FOR EACH ROW EXECUTE FUNCTION bank_lines_keep_their_word();

ALTER TABLE bank_statements ENABLE ROW LEVEL SECURITY;
ALTER TABLE bank_lines ENABLE ROW LEVEL SECURITY;
CREATE POLICY bank_statements_of_the_house ON bank_statements USING ((SELECT claim('role')) = 'system');
CREATE POLICY bank_statements_seen_by_staff ON bank_statements FOR SELECT USING ((SELECT claim('role')) = 'staff');
CREATE POLICY bank_lines_of_the_house ON bank_lines USING ((SELECT claim('role')) = 'system');
CREATE POLICY bank_lines_seen_by_staff ON bank_lines FOR SELECT USING ((SELECT claim('role')) = 'staff');
GRANT SELECT, INSERT ON bank_statements TO jklg_app;
GRANT SELECT, INSERT, UPDATE ON bank_lines TO jklg_app;
