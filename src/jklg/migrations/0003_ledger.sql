-- ledger: append-only double entry. Neither this room nor these tables know a travel noun: `subject_id` is whatever the caller keeps books on.
-- Signs: a debit is positive, a credit is negative. Amounts are minor units of `currency`.

CREATE TABLE ledger_accounts (
    name     text NOT NULL,                  -- 'gateway_clearing:stripe', 'customer_deposits', 'suspense:unapplied', ...
    currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    PRIMARY KEY (name, currency)
);

CREATE TABLE ledger_transactions (
    id          uuid PRIMARY KEY,
    kind        text NOT NULL,               -- 'capture', 'refund_submitted', ...
    source_type text NOT NULL,               -- 'transaction', 'refund', ...
    source_id   text NOT NULL,
    subject_id  uuid,
    posted_at   timestamptz NOT NULL DEFAULT house_now(),
    written_by  xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT ledger_posts_a_fact_once UNIQUE (kind, source_type, source_id)
);
CREATE INDEX ledger_transactions_of_subject ON ledger_transactions (subject_id);

CREATE TABLE ledger_entries (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id uuid NOT NULL REFERENCES ledger_transactions,
    account        text NOT NULL,
    currency       char(3) NOT NULL,
    amount         bigint NOT NULL CONSTRAINT ledger_entries_not_zero CHECK (amount <> 0),
    subject_id     uuid,
    FOREIGN KEY (account, currency) REFERENCES ledger_accounts (name, currency)
);
CREATE INDEX ledger_entries_of_transaction ON ledger_entries (transaction_id);
CREATE INDEX ledger_entries_of_subject ON ledger_entries (subject_id, account, currency);
CREATE INDEX ledger_entries_of_account ON ledger_entries (account, currency);

CREATE FUNCTION ledger_refuse_late_entry() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT written_by FROM ledger_transactions WHERE id = NEW.transaction_id) IS DISTINCT FROM pg_current_xact_id() THEN
        RAISE EXCEPTION 'ledger transaction % is closed: entries are written with it or never', NEW.transaction_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_entries_written_with_their_transaction';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_entries_written_with_their_transaction
    BEFORE INSERT ON ledger_entries FOR EACH ROW EXECUTE FUNCTION ledger_refuse_late_entry();

CREATE FUNCTION ledger_refuse_forged_writer() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.written_by := pg_current_xact_id();
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_transactions_signed BEFORE INSERT ON ledger_transactions
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_forged_writer();

CREATE FUNCTION ledger_check_balance() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    checked uuid;
BEGIN
    IF TG_TABLE_NAME = 'ledger_transactions' THEN
        checked := NEW.id;
    ELSE
        checked := NEW.transaction_id;
    END IF;
    IF (SELECT count(*) FROM ledger_entries WHERE transaction_id = checked) < 2
       OR EXISTS (SELECT FROM ledger_entries WHERE transaction_id = checked GROUP BY currency HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'ledger transaction % does not balance', checked
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_balances';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_balances AFTER INSERT ON ledger_transactions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_balance();
CREATE CONSTRAINT TRIGGER ledger_entries_balance AFTER INSERT ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_balance();

CREATE TRIGGER ledger_transactions_append_only BEFORE UPDATE OR DELETE ON ledger_transactions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_transactions_never_truncated BEFORE TRUNCATE ON ledger_transactions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE ON ledger_entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entries_never_truncated BEFORE TRUNCATE ON ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Post one fact: entries are [{"account": text, "amount": bigint}, ...] in one currency. False when the fact is in the books already.
CREATE FUNCTION ledger_post(
    p_id uuid, p_kind text, p_source_type text, p_source_id text, p_subject_id uuid, p_currency text, p_entries jsonb
) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_transactions (id, kind, source_type, source_id, subject_id)
    VALUES (p_id, p_kind, p_source_type, p_source_id, p_subject_id)
    ON CONFLICT ON CONSTRAINT ledger_posts_a_fact_once DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO ledger_accounts (name, currency)
    SELECT DISTINCT e.account, p_currency::char(3) FROM jsonb_to_recordset(p_entries) AS e(account text, amount bigint)
    ON CONFLICT DO NOTHING;
    INSERT INTO ledger_entries (transaction_id, account, currency, amount, subject_id)
    SELECT p_id, e.account, p_currency, e.amount, p_subject_id
    FROM jsonb_to_recordset(p_entries) AS e(account text, amount bigint);
    RETURN true;
END $$;

GRANT SELECT, INSERT ON ledger_accounts, ledger_transactions, ledger_entries TO jklg_app;
