-- payments/consents: a traveller lets us take the rest of one booking's price from the card she pays its deposit with.

CREATE TABLE payment_consents (
    id             uuid PRIMARY KEY,
    booking_id     uuid NOT NULL REFERENCES bookings ON DELETE RESTRICT,
    transaction_id uuid NOT NULL REFERENCES transactions,   -- the payment it was given with
    gateway        text NOT NULL,
    livemode       boolean NOT NULL,
    wording        text NOT NULL CHECK (wording <> ''),      -- what she agreed to, word for word
    given_by       text NOT NULL,
    given_at       timestamptz NOT NULL DEFAULT house_now(),
    customer_ref   text,                                     -- the gateway's names for her and her card, once that payment has succeeded
    method_ref     text,
    label          text,                                     -- 'Visa ending 4242'
    ended_at       timestamptz,
    ended_why      text CHECK (ended_why IN ('stopped', 'settled', 'given_up', 'refused', 'never_paid', 'replaced')),
    forget_at      timestamptz,                              -- when to ask the gateway (again) to forget the card
    forgotten_at   timestamptz,
    CONSTRAINT payment_consents_once_a_payment UNIQUE (transaction_id),
    CONSTRAINT payment_consents_whole_method CHECK ((customer_ref IS NULL) = (method_ref IS NULL)),
    CONSTRAINT payment_consents_end_for_a_reason CHECK ((ended_at IS NULL) = (ended_why IS NULL)),
    CONSTRAINT payment_consents_end_before_forgotten CHECK (forgotten_at IS NULL OR ended_at IS NOT NULL)
);
CREATE UNIQUE INDEX payment_consents_one_lives ON payment_consents (booking_id) WHERE ended_at IS NULL;
CREATE INDEX payment_consents_to_forget ON payment_consents (forget_at) WHERE ended_at IS NOT NULL AND forgotten_at IS NULL;

CREATE FUNCTION payment_consents_keep_their_word() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.booking_id, NEW.transaction_id, NEW.gateway, NEW.livemode, NEW.wording, NEW.given_by, NEW.given_at)
       IS DISTINCT FROM (OLD.id, OLD.booking_id, OLD.transaction_id, OLD.gateway, OLD.livemode, OLD.wording, OLD.given_by, OLD.given_at)
       OR (OLD.ended_at IS NOT NULL AND (NEW.ended_at, NEW.ended_why) IS DISTINCT FROM (OLD.ended_at, OLD.ended_why))
       OR (OLD.method_ref IS NOT NULL AND NEW.method_ref IS NOT NULL AND NEW.method_ref <> OLD.method_ref) THEN
        RAISE EXCEPTION 'consent %: what was agreed to, and its end, cannot be edited', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_consents_frozen';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_consents_keep_their_word BEFORE UPDATE ON payment_consents FOR EACH ROW EXECUTE FUNCTION payment_consents_keep_their_word();

ALTER TABLE payment_consents ENABLE ROW LEVEL SECURITY;
CREATE POLICY payment_consents_of_the_house ON payment_consents USING ((SELECT claim('role')) = 'system');
CREATE POLICY payment_consents_seen_by_staff ON payment_consents FOR SELECT USING ((SELECT claim('role')) = 'staff');
GRANT SELECT, INSERT, UPDATE ON payment_consents TO jklg_app;

-- payments: an attempt that charges a kept card. Nobody is charged without a living consent of that booking.
ALTER TABLE transactions ADD COLUMN consent_id uuid REFERENCES payment_consents;
CREATE INDEX transactions_of_consent ON transactions (consent_id, created_at) WHERE consent_id IS NOT NULL;

CREATE FUNCTION transactions_want_consent() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.consent_id IS DISTINCT FROM OLD.consent_id THEN
            RAISE EXCEPTION 'whether payment % charges a kept card cannot be edited', OLD.id
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'transactions_want_consent';
        END IF;
    ELSIF NOT EXISTS (SELECT FROM payment_consents c WHERE c.id = NEW.consent_id AND c.booking_id = NEW.booking_id AND c.gateway = NEW.gateway
                         AND c.livemode = NEW.livemode AND c.method_ref IS NOT NULL AND c.ended_at IS NULL) THEN
        RAISE EXCEPTION 'payment % has no living consent to charge a card for booking %', NEW.id, NEW.booking_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'transactions_want_consent';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER transactions_want_consent BEFORE INSERT ON transactions FOR EACH ROW WHEN (NEW.consent_id IS NOT NULL) EXECUTE FUNCTION transactions_want_consent();
CREATE TRIGGER transactions_keep_consent BEFORE UPDATE OF consent_id ON transactions FOR EACH ROW EXECUTE FUNCTION transactions_want_consent();
