-- reconciliation/statements: a line may be several things that were taken by hand, cash that was banked, and money that was given back. What it
-- is made of are the postings of the money by hand, each of which the bank has once.
CREATE TABLE bank_line_parts (
    line_id    uuid NOT NULL REFERENCES bank_lines,
    posting_id uuid NOT NULL REFERENCES ledger_transactions,   -- what was taken or given back, on gateway_clearing:manual
    amount     bigint NOT NULL,                                -- in the line's currency, signed as the line is
    PRIMARY KEY (line_id, posting_id),
    CONSTRAINT bank_line_parts_once UNIQUE (posting_id)
);
INSERT INTO bank_line_parts (line_id, posting_id, amount)
SELECT b.id, t.id, b.amount FROM bank_lines b
JOIN ledger_transactions t ON t.kind = 'capture' AND t.source_type = 'transaction' AND starts_with(t.source_id, b.transaction_id || ':')
WHERE b.state = 'transfer';

CREATE FUNCTION bank_lines_are_their_parts() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    checked uuid := coalesce(to_jsonb(NEW) ->> 'line_id', to_jsonb(NEW) ->> 'id')::uuid;  -- of a part, or of a line
BEGIN
    IF EXISTS (
        SELECT FROM bank_lines b
        LEFT JOIN LATERAL (SELECT sum(p.amount) AS amount, sum(e.amount) AS booked FROM bank_line_parts p
                           LEFT JOIN ledger_entries e ON e.transaction_id = p.posting_id AND e.account = 'gateway_clearing:manual' AND e.currency = b.currency
                           WHERE p.line_id = b.id) parts ON true
        WHERE b.id = checked AND CASE WHEN b.state = 'transfer' THEN (parts.amount, parts.booked) IS DISTINCT FROM (b.amount::numeric, b.amount::numeric)
                                      ELSE parts.amount IS NOT NULL END) THEN
        RAISE EXCEPTION 'bank line %: what it is made of does not make its amount', checked
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'bank_lines_are_their_parts';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER bank_lines_are_their_parts AFTER INSERT OR UPDATE OF state ON bank_lines DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION bank_lines_are_their_parts();
CREATE CONSTRAINT TRIGGER bank_line_parts_make_their_line AFTER INSERT ON bank_line_parts DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION bank_lines_are_their_parts();
CREATE TRIGGER bank_line_parts_append_only BEFORE UPDATE OR DELETE ON bank_line_parts FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER bank_line_parts_never_truncated BEFORE TRUNCATE ON bank_line_parts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE bank_lines DROP CONSTRAINT bank_lines_are_what_they_say;
DROP INDEX bank_lines_pay_a_transfer_once;
ALTER TABLE bank_lines DROP COLUMN transaction_id;
ALTER TABLE bank_lines ADD CONSTRAINT bank_lines_are_what_they_say CHECK ((state = 'payout') = (movement_id IS NOT NULL));

ALTER TABLE bank_line_parts ENABLE ROW LEVEL SECURITY;
CREATE POLICY bank_line_parts_of_the_house ON bank_line_parts USING ((SELECT claim('role')) = 'system');
CREATE POLICY bank_line_parts_seen_by_staff ON bank_line_parts FOR SELECT USING ((SELECT claim('role')) = 'staff');
GRANT SELECT, INSERT ON bank_line_parts TO jklg_app;
