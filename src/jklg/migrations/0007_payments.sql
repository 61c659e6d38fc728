-- payments: one row of `transactions` is one attempt to take one amount through one gateway (payments.md 1).

-- The states of an attempt, with their rank (payments.md 1.2) and the public word each is known by.
CREATE TABLE transaction_states (
    state  text PRIMARY KEY,
    rank   integer NOT NULL,
    is_open boolean NOT NULL,                -- money may still come
    public_status text NOT NULL
);
INSERT INTO transaction_states VALUES
    ('created', 10, true, 'pending'),
    ('submitting', 15, true, 'pending'),
    ('requires_payment_method', 20, true, 'pending'),
    ('requires_action', 25, true, 'pending'),
    ('processing', 30, true, 'processing'),
    ('authorized', 40, true, 'processing'),
    ('canceled', 50, false, 'failed'),
    ('failed', 50, false, 'failed'),
    ('expired', 50, false, 'failed'),
    ('succeeded', 90, false, 'completed');

CREATE TABLE transaction_moves (
    from_state text NOT NULL REFERENCES transaction_states,
    to_state   text NOT NULL REFERENCES transaction_states,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO transaction_moves
SELECT f, t FROM (VALUES
    ('created', '{submitting,canceled,expired,failed}'::text[]),
    ('submitting', '{requires_payment_method,requires_action,processing,authorized,failed,canceled,expired,succeeded}'),
    ('requires_payment_method', '{requires_action,processing,authorized,failed,canceled,expired,succeeded}'),
    ('requires_action', '{requires_payment_method,processing,authorized,failed,canceled,expired,succeeded}'),
    ('processing', '{requires_payment_method,requires_action,authorized,failed,canceled,expired,succeeded}'),
    ('authorized', '{succeeded,canceled,expired,failed}'),
    ('failed', '{succeeded}'), ('canceled', '{succeeded}'), ('expired', '{succeeded}')
) AS m(f, ts), unnest(m.ts) AS t;

CREATE FUNCTION transaction_status(p_state text, p_captured bigint, p_refunded bigint) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN p_captured > 0 AND p_refunded >= p_captured THEN 'refunded'
    WHEN p_refunded > 0 THEN 'partially_refunded'
    WHEN p_state = 'succeeded' THEN 'completed'
    WHEN p_state IN ('processing', 'authorized') THEN 'processing'
    WHEN p_state IN ('failed', 'canceled', 'expired') THEN 'failed'
    ELSE 'pending' END;

CREATE TABLE transactions (
    id               uuid PRIMARY KEY,
    booking_id       uuid NOT NULL REFERENCES bookings ON DELETE RESTRICT,
    amount           bigint NOT NULL CHECK (amount > 0),
    currency         char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    state            text NOT NULL DEFAULT 'submitting' REFERENCES transaction_states,
    status           text NOT NULL GENERATED ALWAYS AS (transaction_status(state, captured_amount, refund_amount)) STORED,
    gateway          text NOT NULL CHECK (gateway IN ('stripe', 'paypal', 'razorpay', 'manual', 'sandbox')),
    livemode         boolean NOT NULL,
    transaction_id   text,                   -- the gateway's id for the attempt; NULL until the gateway has answered
    request_key      text NOT NULL UNIQUE,   -- the idempotency key the attempt is created under
    client_secret    text,                   -- what the browser's widget needs; forgotten when the attempt ends
    authorized_amount bigint NOT NULL DEFAULT 0 CHECK (authorized_amount >= 0),
    captured_amount  bigint NOT NULL DEFAULT 0 CHECK (captured_amount >= 0),
    refund_reserved  bigint NOT NULL DEFAULT 0 CHECK (refund_reserved >= 0),
    refund_amount    bigint NOT NULL DEFAULT 0 CHECK (refund_amount >= 0),
    refund_reason    text,
    refund_status    text CHECK (refund_status IN ('pending', 'completed', 'failed')),
    payment_method   text,
    description      text,
    receipt_url      text,
    metadata         jsonb NOT NULL DEFAULT '{}',
    error_message    text,
    open_at          timestamptz,            -- the gateway's time of the newest open state applied
    check_at         timestamptz,            -- when to go and look again; NULL when there is nothing left to see
    checks           integer NOT NULL DEFAULT 0,
    attempted_at     timestamptz NOT NULL DEFAULT house_now(),
    completed_at     timestamptz,
    created_at       timestamptz NOT NULL DEFAULT house_now(),
    updated_at       timestamptz NOT NULL DEFAULT house_now(),
    CONSTRAINT refunds_never_exceed_captured CHECK (refund_reserved + refund_amount <= captured_amount),
    CONSTRAINT transactions_succeed_with_money CHECK (state <> 'succeeded' OR captured_amount > 0),
    CONSTRAINT transactions_gateway_object_once UNIQUE (gateway, livemode, transaction_id)
);
CREATE UNIQUE INDEX transactions_one_open_attempt ON transactions (booking_id)
    WHERE state IN ('created', 'submitting', 'requires_payment_method', 'requires_action', 'processing', 'authorized');
CREATE INDEX transactions_of_booking ON transactions (booking_id, created_at);
CREATE INDEX transactions_to_check ON transactions (check_at) WHERE check_at IS NOT NULL;
CREATE INDEX transactions_by_age ON transactions (created_at DESC, id DESC);

CREATE FUNCTION transactions_keep_their_word() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.booking_id, NEW.amount, NEW.currency, NEW.gateway, NEW.livemode, NEW.request_key)
       IS DISTINCT FROM (OLD.id, OLD.booking_id, OLD.amount, OLD.currency, OLD.gateway, OLD.livemode, OLD.request_key)
       OR (OLD.transaction_id IS NOT NULL AND NEW.transaction_id IS DISTINCT FROM OLD.transaction_id) THEN
        RAISE EXCEPTION 'transaction %: what was asked of the gateway cannot be edited', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'transactions_request_frozen';
    END IF;
    IF NEW.captured_amount < OLD.captured_amount THEN
        RAISE EXCEPTION 'transaction %: captured money only grows', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'transactions_captured_only_grows';
    END IF;
    IF NEW.state <> OLD.state
       AND NOT EXISTS (SELECT FROM transaction_moves WHERE from_state = OLD.state AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'transaction % cannot go from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'transactions_move_legally';
    END IF;
    IF NOT (SELECT is_open FROM transaction_states WHERE state = NEW.state) THEN
        NEW.client_secret := NULL;
    END IF;
    NEW.updated_at := house_now();
    RETURN NEW;
END $$;
CREATE TRIGGER transactions_keep_their_word BEFORE UPDATE ON transactions FOR EACH ROW EXECUTE FUNCTION transactions_keep_their_word();

-- Who changed what on a transaction. Written by the trigger below, never by hand; append-only.
CREATE TABLE transaction_audit_logs (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id uuid NOT NULL REFERENCES transactions ON DELETE RESTRICT,
    action         text NOT NULL,
    old_status     text,
    new_status     text,
    changed_by     text NOT NULL,
    change_reason  text,
    "timestamp"    timestamptz NOT NULL DEFAULT house_now()
);
CREATE INDEX transaction_audit_logs_of_transaction ON transaction_audit_logs (transaction_id, id);
CREATE TRIGGER transaction_audit_logs_append_only BEFORE UPDATE OR DELETE ON transaction_audit_logs FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transaction_audit_logs_never_truncated BEFORE TRUNCATE ON transaction_audit_logs FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION transactions_audited() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO transaction_audit_logs (transaction_id, action, old_status, new_status, changed_by, change_reason)
        VALUES (NEW.id, 'created', NULL, NEW.state, coalesce(claim('actor'), 'system'), claim('reason'));
    ELSIF (NEW.state, NEW.captured_amount, NEW.refund_amount) IS DISTINCT FROM (OLD.state, OLD.captured_amount, OLD.refund_amount) THEN
        INSERT INTO transaction_audit_logs (transaction_id, action, old_status, new_status, changed_by, change_reason)
        VALUES (NEW.id, CASE WHEN NEW.refund_amount <> OLD.refund_amount THEN 'refunded' WHEN NEW.captured_amount <> OLD.captured_amount THEN 'captured' ELSE 'moved' END,
                OLD.state, NEW.state, coalesce(claim('actor'), 'system'), claim('reason'));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER transactions_audited AFTER INSERT OR UPDATE ON transactions FOR EACH ROW EXECUTE FUNCTION transactions_audited();

-- bookings.payment_status, payment_date and payment_open follow *all* transactions of the booking, never the last event (payments.md 5).
CREATE FUNCTION transactions_keep_payment_status() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    s record;
BEGIN
    SELECT coalesce(sum(t.captured_amount), 0) AS captured,
           coalesce(sum(t.refund_amount), 0) AS refunded,
           coalesce(bool_or(st.is_open), false) AS any_open,
           coalesce(bool_or(t.status = 'failed'), false) AS any_failed,
           min(t.completed_at) FILTER (WHERE t.captured_amount > 0) AS paid_at
    INTO s FROM transactions t JOIN transaction_states st USING (state) WHERE t.booking_id = NEW.booking_id;
    UPDATE bookings b SET
        payment_status = CASE
            WHEN s.captured > 0 AND s.refunded >= s.captured THEN 'Refunded'
            WHEN s.captured - s.refunded >= b.total_price AND s.captured > 0 THEN 'Paid'
            WHEN s.captured > 0 THEN 'Partial'
            WHEN s.any_open THEN 'Pending'
            WHEN s.any_failed THEN 'Failed'
            ELSE 'Pending' END,
        payment_date = s.paid_at,
        payment_open = s.any_open
    WHERE b.id = NEW.booking_id;
    RETURN NULL;
END $$;
-- Only for columns that it reads: whoever merely notes when to look again holds no lock on the booking, and must not ask for one.
CREATE TRIGGER transactions_keep_payment_status AFTER INSERT OR UPDATE OF state, captured_amount, refund_amount ON transactions
    FOR EACH ROW EXECUTE FUNCTION transactions_keep_payment_status();

-- What gateways have told us, normalised, each once. `transactions` can be rebuilt from here.
CREATE TABLE gateway_facts (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id uuid NOT NULL REFERENCES transactions,
    gateway        text NOT NULL,
    livemode       boolean NOT NULL,
    object_id      text NOT NULL,
    fact_type      text NOT NULL,            -- a state of the attempt, 'captured', 'refund_succeeded', ...
    discriminator  text NOT NULL DEFAULT '',
    amount         bigint,
    currency       char(3),
    source         text NOT NULL,            -- 'answer', 'return', 'cancel', 'webhook', 'poll'
    gateway_at     timestamptz,
    recorded_at    timestamptz NOT NULL DEFAULT house_now(),
    CONSTRAINT gateway_facts_once UNIQUE (gateway, livemode, object_id, fact_type, discriminator)
);
CREATE INDEX gateway_facts_of_transaction ON gateway_facts (transaction_id, id);
CREATE TRIGGER gateway_facts_append_only BEFORE UPDATE OR DELETE ON gateway_facts FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER gateway_facts_never_truncated BEFORE TRUNCATE ON gateway_facts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What could not be healed by itself, for a person to look at. Each finding once.
CREATE TABLE anomalies (
    id             uuid PRIMARY KEY,
    kind           text NOT NULL,
    once_key       text NOT NULL CONSTRAINT anomalies_once UNIQUE,
    transaction_id uuid REFERENCES transactions,
    booking_id     uuid REFERENCES bookings,
    detail         jsonb NOT NULL DEFAULT '{}',
    opened_at      timestamptz NOT NULL DEFAULT house_now(),
    resolved_at    timestamptz,
    resolved_by    text
);
CREATE INDEX anomalies_open ON anomalies (opened_at) WHERE resolved_at IS NULL;

-- payments/commands: one row for each mutating call to a gateway, written before the call.
CREATE TABLE gateway_commands (
    id              uuid PRIMARY KEY,
    transaction_id  uuid NOT NULL REFERENCES transactions,
    refund_id       uuid,
    kind            text NOT NULL CHECK (kind IN ('create', 'cancel', 'refund')),
    request_key     text NOT NULL CONSTRAINT gateway_commands_once UNIQUE,
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'unknown', 'done', 'rejected')),
    attempts        integer NOT NULL DEFAULT 0,
    first_sent_at   timestamptz,
    next_attempt_at timestamptz NOT NULL DEFAULT house_now(),
    last_error      text,
    created_at      timestamptz NOT NULL DEFAULT house_now()
);
CREATE INDEX gateway_commands_due ON gateway_commands (next_attempt_at) WHERE state IN ('pending', 'unknown');
CREATE INDEX gateway_commands_of_transaction ON gateway_commands (transaction_id);

-- payments/refunds: money we send back. Capacity is reserved under the transaction's row lock before the gateway is asked.
CREATE TABLE refunds (
    id             uuid PRIMARY KEY,
    transaction_id uuid NOT NULL REFERENCES transactions ON DELETE RESTRICT,
    amount         bigint NOT NULL CHECK (amount > 0),
    currency       char(3) NOT NULL,
    state          text NOT NULL DEFAULT 'reserved' CHECK (state IN ('reserved', 'submitted', 'pending', 'succeeded', 'failed', 'canceled')),
    origin         text NOT NULL CHECK (origin IN ('staff', 'customer', 'late_money', 'gateway')),
    request_key    text NOT NULL CONSTRAINT refunds_once UNIQUE,
    gateway_ref    text,
    reason         text NOT NULL DEFAULT '',
    source_account text NOT NULL,            -- the ledger account the money is taken from: customer_deposits or suspense:unapplied
    failure        text,
    created_at     timestamptz NOT NULL DEFAULT house_now(),
    updated_at     timestamptz NOT NULL DEFAULT house_now()
);
CREATE INDEX refunds_of_transaction ON refunds (transaction_id);
ALTER TABLE gateway_commands ADD FOREIGN KEY (refund_id) REFERENCES refunds;

CREATE FUNCTION refunds_move_capacity() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    was_reserved bigint := 0; is_reserved bigint := 0; was_done bigint := 0; is_done bigint := 0;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.id, NEW.transaction_id, NEW.amount, NEW.currency, NEW.request_key)
           IS DISTINCT FROM (OLD.id, OLD.transaction_id, OLD.amount, OLD.currency, OLD.request_key) THEN
            RAISE EXCEPTION 'refund %: what was promised cannot be edited', OLD.id
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'refunds_request_frozen';
        END IF;
        IF OLD.state IN ('failed', 'canceled') AND NEW.state <> OLD.state THEN
            RAISE EXCEPTION 'refund % has ended', OLD.id
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'refunds_end_once';
        END IF;
        was_reserved := CASE WHEN OLD.state IN ('reserved', 'submitted', 'pending') THEN OLD.amount ELSE 0 END;
        was_done := CASE WHEN OLD.state = 'succeeded' THEN OLD.amount ELSE 0 END;
    END IF;
    is_reserved := CASE WHEN NEW.state IN ('reserved', 'submitted', 'pending') THEN NEW.amount ELSE 0 END;
    is_done := CASE WHEN NEW.state = 'succeeded' THEN NEW.amount ELSE 0 END;
    IF (was_reserved, was_done) IS DISTINCT FROM (is_reserved, is_done) THEN
        UPDATE transactions SET
            refund_reserved = refund_reserved + is_reserved - was_reserved,
            refund_amount = refund_amount + is_done - was_done,
            refund_reason = coalesce(NEW.reason, refund_reason),
            refund_status = CASE WHEN NEW.state = 'succeeded' THEN 'completed' WHEN NEW.state IN ('failed', 'canceled') THEN 'failed' ELSE 'pending' END
        WHERE id = NEW.transaction_id;
    END IF;
    NEW.updated_at := house_now();
    RETURN NEW;
END $$;
CREATE TRIGGER refunds_move_capacity BEFORE INSERT OR UPDATE ON refunds FOR EACH ROW EXECUTE FUNCTION refunds_move_capacity();

-- payments/webhooks: verified notices, filed before they are answered (payments.md 1.4).
CREATE TABLE webhook_inbox (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway         text NOT NULL,
    event_id        text NOT NULL,
    event_type      text NOT NULL,
    livemode        boolean NOT NULL,
    ref             text,                    -- the gateway's id of the attempt it speaks of
    transaction_id  uuid,                    -- ours, where the event carries it: written by strangers to this database, so no reference
    body            bytea NOT NULL,
    body_sha256     bytea NOT NULL,
    headers         jsonb NOT NULL,
    origin          text NOT NULL DEFAULT 'webhook' CHECK (origin IN ('webhook', 'poll')),
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'ignored', 'dead')),
    reason          text,
    attempts        integer NOT NULL DEFAULT 0,
    duplicates      integer NOT NULL DEFAULT 0,
    collision       boolean NOT NULL DEFAULT false, -- the same id came with another body: somebody should look
    next_attempt_at timestamptz NOT NULL DEFAULT house_now(),
    last_error      text,
    received_at     timestamptz NOT NULL DEFAULT house_now(),
    done_at         timestamptz,
    CONSTRAINT webhook_inbox_once UNIQUE (gateway, event_id)
);
CREATE INDEX webhook_inbox_due ON webhook_inbox (next_attempt_at, id) WHERE state = 'pending';
CREATE INDEX webhook_inbox_dead ON webhook_inbox (id) WHERE state = 'dead';

ALTER TABLE transactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE transaction_audit_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE refunds ENABLE ROW LEVEL SECURITY;
CREATE POLICY transactions_of_the_house ON transactions USING ((SELECT claim('role')) = 'system');
CREATE POLICY transactions_seen_by_staff ON transactions FOR SELECT USING ((SELECT claim('role')) = 'staff');
CREATE POLICY transactions_seen_by_guest ON transactions FOR SELECT USING (booking_id = (SELECT claim('booking_id'))::uuid);
CREATE POLICY transaction_audit_logs_of_the_house ON transaction_audit_logs USING ((SELECT claim('role')) = 'system');
CREATE POLICY transaction_audit_logs_seen_by_staff ON transaction_audit_logs FOR SELECT USING ((SELECT claim('role')) = 'staff');
CREATE POLICY refunds_of_the_house ON refunds USING ((SELECT claim('role')) = 'system');
CREATE POLICY refunds_seen_by_staff ON refunds FOR SELECT USING ((SELECT claim('role')) = 'staff');

GRANT SELECT ON transaction_states, transaction_moves TO jklg_app;
GRANT SELECT, INSERT, UPDATE ON transactions, gateway_commands, anomalies, refunds, webhook_inbox TO jklg_app;
GRANT SELECT, INSERT ON transaction_audit_logs, gateway_facts TO jklg_app;
