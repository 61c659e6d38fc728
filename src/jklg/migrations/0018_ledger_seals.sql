-- ledger/seals: a hash chain over the postings. Each seal holds the digest of one posting, the chain up to it, and a MAC by a key that
-- the database does not have. Whoever may write everything here, a superuser too, cannot change a sealed posting and seal it again.

CREATE TABLE ledger_unsealed (
    transaction_id uuid PRIMARY KEY REFERENCES ledger_transactions
);

CREATE TABLE ledger_seals (
    number         bigint PRIMARY KEY CHECK (number > 0),
    transaction_id uuid NOT NULL CONSTRAINT ledger_seals_once UNIQUE REFERENCES ledger_transactions,
    digest         bytea NOT NULL CHECK (octet_length(digest) = 32),
    chain          bytea NOT NULL CHECK (octet_length(chain) = 32),
    mac            bytea NOT NULL CHECK (octet_length(mac) = 32),
    key_id         text NOT NULL,
    sealed_at      timestamptz NOT NULL DEFAULT house_now()
);
CREATE TRIGGER ledger_seals_append_only BEFORE UPDATE OR DELETE ON ledger_seals FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_seals_never_truncated BEFORE TRUNCATE ON ledger_seals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION ledger_wait_for_a_seal() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_unsealed (transaction_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_transactions_wait_for_a_seal AFTER INSERT ON ledger_transactions
    FOR EACH ROW EXECUTE FUNCTION ledger_wait_for_a_seal();
INSERT INTO ledger_unsealed (transaction_id) SELECT id FROM ledger_transactions;

-- What a posting says, as 32 bytes. The time in microseconds, so that no session's time zone has a say in it.
CREATE FUNCTION ledger_digest(p_id uuid) RETURNS bytea
LANGUAGE sql STABLE
RETURN (
    SELECT sha256(convert_to(jsonb_build_array(
        t.id, t.kind, t.source_type, t.source_id, t.subject_id, (extract(epoch FROM t.posted_at) * 1000000)::bigint,
        (SELECT jsonb_agg(jsonb_build_array(e.id, e.account, e.currency, e.amount, e.subject_id) ORDER BY e.id)
         FROM ledger_entries e WHERE e.transaction_id = t.id)
    )::text, 'UTF8'))
    FROM ledger_transactions t WHERE t.id = p_id
);

GRANT SELECT, INSERT ON ledger_seals TO jklg_app;
GRANT SELECT, INSERT, DELETE ON ledger_unsealed TO jklg_app;
