-- payments/disputes: the payer's bank takes money back, or asks whether it should (payments.md 1.2, 1.3).

CREATE TABLE disputes (
    id               uuid PRIMARY KEY,
    transaction_id   uuid NOT NULL REFERENCES transactions ON DELETE RESTRICT,
    gateway          text NOT NULL,
    livemode         boolean NOT NULL,
    gateway_ref      text NOT NULL,
    amount           bigint NOT NULL CHECK (amount > 0),
    currency         char(3) NOT NULL,
    reason           text NOT NULL DEFAULT '',      -- the bank's word for it
    state            text NOT NULL CHECK (state IN ('inquiry', 'inquiry_closed', 'needs_response', 'under_review', 'prevented', 'lost', 'appealed', 'won')),
    evidence_due_at       timestamptz,                   -- until when evidence is heard
    withdrawn_amount bigint NOT NULL DEFAULT 0,     -- taken from us and not given back
    lost_amount      bigint NOT NULL DEFAULT 0,     -- written off
    loss_postings    integer NOT NULL DEFAULT 0,    -- how often it was written off or written back
    opened_at        timestamptz NOT NULL DEFAULT house_now(),
    closed_at        timestamptz,
    updated_at       timestamptz NOT NULL DEFAULT house_now(),
    CONSTRAINT disputes_once UNIQUE (gateway, livemode, gateway_ref)
);
CREATE INDEX disputes_of_transaction ON disputes (transaction_id);
CREATE INDEX disputes_open ON disputes (evidence_due_at) WHERE closed_at IS NULL;

CREATE FUNCTION disputes_keep_their_word() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.transaction_id, NEW.gateway, NEW.livemode, NEW.gateway_ref, NEW.currency)
       IS DISTINCT FROM (OLD.id, OLD.transaction_id, OLD.gateway, OLD.livemode, OLD.gateway_ref, OLD.currency) THEN
        RAISE EXCEPTION 'dispute %: what it is about cannot be edited', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'disputes_subject_frozen';
    END IF;
    NEW.closed_at := CASE WHEN NEW.state IN ('inquiry_closed', 'prevented', 'lost', 'won') THEN coalesce(OLD.closed_at, house_now()) END;
    NEW.updated_at := house_now();
    RETURN NEW;
END $$;
CREATE TRIGGER disputes_keep_their_word BEFORE UPDATE ON disputes FOR EACH ROW EXECUTE FUNCTION disputes_keep_their_word();

-- What we decide to send back may not be what the bank is taking, or has taken. What a gateway reports as sent back has happened all the same.
CREATE FUNCTION refunds_heed_disputes() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    taken     bigint;
    remaining bigint;
BEGIN
    PERFORM FROM transactions WHERE id = NEW.transaction_id FOR UPDATE;
    IF EXISTS (SELECT FROM disputes WHERE transaction_id = NEW.transaction_id AND state IN ('needs_response', 'under_review', 'appealed')) THEN
        RAISE EXCEPTION 'transaction % is disputed', NEW.transaction_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'refunds_not_while_disputed';
    END IF;
    SELECT coalesce(sum(withdrawn_amount), 0) INTO taken FROM disputes WHERE transaction_id = NEW.transaction_id;
    SELECT captured_amount - refund_amount - refund_reserved - taken INTO remaining FROM transactions WHERE id = NEW.transaction_id;
    IF taken > 0 AND NEW.amount > remaining THEN
        RAISE EXCEPTION 'transaction %: % are left, % were to be sent back', NEW.transaction_id, remaining, NEW.amount
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refunds_never_exceed_captured';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refunds_heed_disputes BEFORE INSERT ON refunds
    FOR EACH ROW WHEN (NEW.origin <> 'gateway') EXECUTE FUNCTION refunds_heed_disputes();

ALTER TABLE disputes ENABLE ROW LEVEL SECURITY;
CREATE POLICY disputes_of_the_house ON disputes USING ((SELECT claim('role')) = 'system');
CREATE POLICY disputes_seen_by_staff ON disputes FOR SELECT USING ((SELECT claim('role')) = 'staff');
GRANT SELECT, INSERT, UPDATE ON disputes TO jklg_app;

-- payments/refunds: as in 0007, but refund_status speaks of all refunds of the attempt, never of the one that was heard of last.
CREATE OR REPLACE FUNCTION refunds_move_capacity() RETURNS trigger
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
            refund_status = CASE WHEN refund_reserved + is_reserved - was_reserved > 0 THEN 'pending'
                                 WHEN refund_amount + is_done - was_done > 0 THEN 'completed' ELSE 'failed' END
        WHERE id = NEW.transaction_id;
    END IF;
    NEW.updated_at := house_now();
    RETURN NEW;
END $$;
