-- reconciliation/movements: every line of our account at a gateway, as the gateway listed it. What it said is never edited.

CREATE TABLE gateway_movements (
    id             uuid PRIMARY KEY,
    gateway        text NOT NULL,
    livemode       boolean NOT NULL,
    ref            text NOT NULL,            -- the gateway's id of the line
    kind           text NOT NULL CONSTRAINT gateway_movements_kind_known
                   CHECK (kind IN ('capture', 'refund', 'refund_returned', 'dispute', 'fee', 'exchange', 'payout', 'payout_returned', 'other')),
    gross_amount   bigint NOT NULL,          -- what came to us is positive
    fee_amount     bigint NOT NULL,          -- what was taken besides is positive
    net_amount     bigint NOT NULL,
    currency       char(3) NOT NULL,
    asked_amount   bigint NOT NULL,          -- in the payment's own currency; as gross_amount where nothing was exchanged
    asked_currency char(3) NOT NULL,
    about          text,                     -- the gateway's id of what the line comes from
    attempt_ref    text,                     -- the gateway's id of the attempt
    transaction_id uuid REFERENCES transactions,
    payout_ref     text,
    arrives_on     date,
    bank_ref       text,                     -- what our bank writes on its statement
    happened_at    timestamptz NOT NULL,
    listed_at      timestamptz NOT NULL DEFAULT house_now(),
    adopted_at     timestamptz,              -- a person has said that it is the agency's, though it belongs to no payment
    CONSTRAINT gateway_movements_once UNIQUE (gateway, livemode, ref),
    CONSTRAINT gateway_movements_add_up CHECK (net_amount = gross_amount - fee_amount)
);
CREATE INDEX gateway_movements_of_transaction ON gateway_movements (transaction_id);
CREATE INDEX gateway_movements_about ON gateway_movements (gateway, livemode, about);
CREATE INDEX gateway_movements_payouts ON gateway_movements (currency, gross_amount) WHERE kind IN ('payout', 'payout_returned');

CREATE FUNCTION gateway_movements_keep_their_word() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.gateway, NEW.livemode, NEW.ref, NEW.kind, NEW.gross_amount, NEW.fee_amount, NEW.net_amount, NEW.currency, NEW.asked_amount,
        NEW.asked_currency, NEW.about, NEW.happened_at, NEW.listed_at)
       IS DISTINCT FROM
       (OLD.id, OLD.gateway, OLD.livemode, OLD.ref, OLD.kind, OLD.gross_amount, OLD.fee_amount, OLD.net_amount, OLD.currency, OLD.asked_amount,
        OLD.asked_currency, OLD.about, OLD.happened_at, OLD.listed_at)
       OR (OLD.transaction_id IS NOT NULL AND NEW.transaction_id IS DISTINCT FROM OLD.transaction_id)
       OR (OLD.adopted_at IS NOT NULL AND NEW.adopted_at IS DISTINCT FROM OLD.adopted_at) THEN
        RAISE EXCEPTION 'movement %: what the gateway listed cannot be edited', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'gateway_movements_frozen';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER gateway_movements_keep_their_word BEFORE UPDATE ON gateway_movements
    FOR EACH ROW EXECUTE FUNCTION gateway_movements_keep_their_word();

-- How far our account at each gateway has been read.
CREATE TABLE gateway_accounts (
    gateway         text NOT NULL,
    livemode        boolean NOT NULL,
    listed_from_at  timestamptz NOT NULL,
    listed_until_at timestamptz NOT NULL,
    next_at         timestamptz NOT NULL,    -- when to look again; moved ahead while somebody is at it
    PRIMARY KEY (gateway, livemode)
);

-- What each gateway held for us when it was last asked, and what the books said then.
CREATE TABLE gateway_balances (
    gateway           text NOT NULL,
    livemode          boolean NOT NULL,
    currency          char(3) NOT NULL,
    theirs_amount     bigint NOT NULL,
    ours_amount       bigint NOT NULL,
    explained_amount  bigint NOT NULL,       -- of theirs - ours, what is in differences of single payments
    asked_at          timestamptz NOT NULL DEFAULT house_now(),
    PRIMARY KEY (gateway, livemode, currency)
);

ALTER TABLE gateway_movements ENABLE ROW LEVEL SECURITY;
CREATE POLICY gateway_movements_of_the_house ON gateway_movements USING ((SELECT claim('role')) = 'system');
CREATE POLICY gateway_movements_seen_by_staff ON gateway_movements FOR SELECT USING ((SELECT claim('role')) = 'staff');
GRANT SELECT, INSERT, UPDATE ON gateway_movements, gateway_accounts, gateway_balances TO jklg_app;
