-- payments/desk: what we owe because a refund did not arrive may be paid another way. It is asked for, and agreed to, like a refund.
ALTER TABLE refund_requests
    ADD COLUMN source text CHECK (source IN ('refunds_owed', 'suspense:unapplied')), -- out of this account only; NULL: of whichever there are
    ADD COLUMN paid_by text CHECK (paid_by IN ('cash', 'bank_transfer', 'card_terminal', 'other')), -- NULL: sent back the way it came
    ADD COLUMN paid_at timestamptz,
    ADD CONSTRAINT refund_requests_paid_once_agreed CHECK (
        (paid_at IS NOT NULL) = (paid_by IS NOT NULL AND (NOT needs_second OR decision IS NOT DISTINCT FROM 'approved'))),
    ADD CONSTRAINT refund_requests_paid_of_what_is_owed CHECK (paid_by IS NULL OR source IS NOT DISTINCT FROM 'refunds_owed');

CREATE OR REPLACE FUNCTION refund_requests_keep_their_word() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.decision IS NOT NULL
       OR (NEW.id, NEW.booking_id, NEW.transaction_id, NEW.amount, NEW.currency, NEW.reason, NEW.asked_by, NEW.asked_at, NEW.needs_second, NEW.source, NEW.paid_by)
          IS DISTINCT FROM (OLD.id, OLD.booking_id, OLD.transaction_id, OLD.amount, OLD.currency, OLD.reason, OLD.asked_by, OLD.asked_at, OLD.needs_second, OLD.source, OLD.paid_by) THEN
        RAISE EXCEPTION 'refund request %: what was asked or decided cannot be edited', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'refund_requests_frozen';
    END IF;
    RETURN NEW;
END $$;
