-- payments/desk: what staff or a customer asked to be sent back, and the second pair of eyes above a limit.

CREATE TABLE refund_requests (
    id           uuid PRIMARY KEY,           -- made by who asks, so that asking twice is once
    booking_id   uuid NOT NULL REFERENCES bookings ON DELETE RESTRICT,
    transaction_id uuid REFERENCES transactions, -- of this payment only; NULL: of whichever there are
    amount       bigint NOT NULL CHECK (amount > 0),
    currency     char(3) NOT NULL,
    reason       text NOT NULL,
    asked_by     text NOT NULL,              -- 'staff:<id>', 'customer:<id>', 'guest'
    asked_at     timestamptz NOT NULL DEFAULT house_now(),
    needs_second boolean NOT NULL,
    decision     text CHECK (decision IN ('approved', 'refused')),
    decided_by   text,
    decided_at   timestamptz,
    CONSTRAINT refund_requests_decided_by_somebody CHECK ((decision IS NULL) = (decided_by IS NULL) AND (decision IS NULL) = (decided_at IS NULL)),
    CONSTRAINT refund_requests_four_eyes CHECK (decision IS DISTINCT FROM 'approved' OR decided_by <> asked_by)
);
CREATE INDEX refund_requests_waiting ON refund_requests (asked_at) WHERE needs_second AND decision IS NULL;
CREATE INDEX refund_requests_of_booking ON refund_requests (booking_id, asked_at);

CREATE FUNCTION refund_requests_keep_their_word() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.decision IS NOT NULL
       OR (NEW.id, NEW.booking_id, NEW.transaction_id, NEW.amount, NEW.currency, NEW.reason, NEW.asked_by, NEW.asked_at, NEW.needs_second)
          IS DISTINCT FROM (OLD.id, OLD.booking_id, OLD.transaction_id, OLD.amount, OLD.currency, OLD.reason, OLD.asked_by, OLD.asked_at, OLD.needs_second) THEN
        RAISE EXCEPTION 'refund request %: what was asked or decided cannot be edited', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'refund_requests_frozen';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refund_requests_keep_their_word BEFORE UPDATE ON refund_requests FOR EACH ROW EXECUTE FUNCTION refund_requests_keep_their_word();

ALTER TABLE refund_requests ENABLE ROW LEVEL SECURITY;
CREATE POLICY refund_requests_of_the_house ON refund_requests USING ((SELECT claim('role')) = 'system');
CREATE POLICY refund_requests_seen_by_staff ON refund_requests FOR SELECT USING ((SELECT claim('role')) = 'staff');
GRANT SELECT, INSERT, UPDATE ON refund_requests TO jklg_app;

-- payments/refunds: a refund that was asked for is not even written before its second pair of eyes.
ALTER TABLE refunds ADD COLUMN request_id uuid REFERENCES refund_requests;
CREATE INDEX refunds_of_request ON refunds (request_id) WHERE request_id IS NOT NULL;

CREATE FUNCTION refunds_wait_for_second() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM refund_requests WHERE id = NEW.request_id AND needs_second AND decision IS DISTINCT FROM 'approved') THEN
        RAISE EXCEPTION 'refund request % waits for a second person', NEW.request_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'refunds_wait_for_second';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refunds_wait_for_second BEFORE INSERT ON refunds FOR EACH ROW WHEN (NEW.request_id IS NOT NULL) EXECUTE FUNCTION refunds_wait_for_second();
