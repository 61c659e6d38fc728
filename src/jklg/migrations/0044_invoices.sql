-- invoices: what we ask for a journey, in writing: an invoice when its booking is confirmed, a credit note whenever its price falls afterwards.

-- The last number given in each series. Whoever gives the next one holds its row until the paper is written, or neither happened.
CREATE TABLE invoice_series (
    kind        text NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    year        integer NOT NULL,
    last_serial integer NOT NULL CHECK (last_serial >= 1),
    PRIMARY KEY (kind, year)
);

CREATE FUNCTION invoice_lines_sum(p_lines jsonb) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN (SELECT coalesce(sum((line ->> 'amount')::bigint), 0) FROM jsonb_array_elements(p_lines) AS line);

CREATE TABLE invoices (
    id              uuid PRIMARY KEY,
    kind            text NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    year            integer NOT NULL,
    serial          integer NOT NULL,
    previous_serial integer GENERATED ALWAYS AS (nullif(serial - 1, 0)) STORED,
    number          text NOT NULL GENERATED ALWAYS AS ( -- INV-2026-00001, CN-2026-00001; lpad alone would cut what is longer
        CASE kind WHEN 'invoice' THEN 'INV' ELSE 'CN' END || '-' || year::text || '-' || repeat('0', greatest(5 - length(serial::text), 0)) || serial::text
    ) STORED,
    booking_id      uuid NOT NULL REFERENCES bookings ON DELETE RESTRICT,
    corrects        uuid,                    -- the invoice that a credit note takes from
    currency        char(3) NOT NULL,
    amount          bigint NOT NULL,         -- minor units; of a credit note below zero
    lines           jsonb NOT NULL,
    seller          jsonb NOT NULL,          -- who we were, by the settings of that day
    buyer           jsonb NOT NULL,          -- who it was written to; '{}' once they are forgotten
    journey         jsonb NOT NULL,
    terms           jsonb NOT NULL,
    issued_on       date NOT NULL,           -- on the seller's calendar
    issued_at       timestamptz NOT NULL DEFAULT house_now(),
    CONSTRAINT invoices_number_once UNIQUE (kind, year, serial),
    CONSTRAINT invoices_without_gap FOREIGN KEY (kind, year, previous_serial) REFERENCES invoices (kind, year, serial),
    CONSTRAINT invoices_begin_with_one CHECK (serial >= 1),
    CONSTRAINT invoices_of_their_year CHECK (year = extract(year FROM issued_on)),
    CONSTRAINT invoices_lines_add_up CHECK (amount = invoice_lines_sum(lines)),
    CONSTRAINT invoices_ask_and_credit_notes_give CHECK (CASE kind WHEN 'invoice' THEN amount > 0 ELSE amount < 0 END),
    CONSTRAINT invoices_credit_notes_name_theirs CHECK ((kind = 'credit_note') = (corrects IS NOT NULL)),
    UNIQUE (id, booking_id, currency),
    CONSTRAINT invoices_corrected_within_booking FOREIGN KEY (corrects, booking_id, currency) REFERENCES invoices (id, booking_id, currency)
);
CREATE UNIQUE INDEX invoices_once_a_booking ON invoices (booking_id) WHERE kind = 'invoice';
CREATE INDEX invoices_of_booking ON invoices (booking_id, issued_at);
CREATE INDEX invoices_by_correction ON invoices (corrects) WHERE corrects IS NOT NULL;

-- A paper is never changed and never thrown away. Only who it was written to may be forgotten, altogether. (AFTER: before, the generated
-- columns of the new row are not there yet.)
CREATE FUNCTION invoices_keep_their_word() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.buyer <> '{}' OR to_jsonb(NEW) - 'buyer' IS DISTINCT FROM to_jsonb(OLD) - 'buyer' THEN
        RAISE EXCEPTION '% is written: it is corrected by a credit note', OLD.number
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoices_frozen';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER invoices_keep_their_word AFTER UPDATE OR DELETE ON invoices FOR EACH ROW EXECUTE FUNCTION invoices_keep_their_word();
CREATE TRIGGER invoices_never_truncated BEFORE TRUNCATE ON invoices FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The booking carries the number of its invoice and where it is found (a projection in another room's table).
CREATE FUNCTION invoices_named_on_booking() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE bookings SET invoice_id = NEW.number, invoice_url = '/bookings/' || reference || '/documents/' || NEW.number || '.pdf'
    WHERE id = NEW.booking_id;
    RETURN NULL;
END $$;
CREATE TRIGGER invoices_named_on_booking AFTER INSERT ON invoices FOR EACH ROW WHEN (NEW.kind = 'invoice') EXECUTE FUNCTION invoices_named_on_booking();

ALTER TABLE invoice_series ENABLE ROW LEVEL SECURITY;
ALTER TABLE invoices ENABLE ROW LEVEL SECURITY;
CREATE POLICY invoice_series_of_the_house ON invoice_series USING ((SELECT claim('role')) = 'system');
CREATE POLICY invoices_of_the_house ON invoices USING ((SELECT claim('role')) = 'system');
CREATE POLICY invoices_seen_by_staff ON invoices FOR SELECT USING ((SELECT claim('role')) = 'staff');
CREATE POLICY invoices_seen_by_guest ON invoices FOR SELECT USING (booking_id = (SELECT claim('booking_id'))::uuid);
CREATE POLICY invoices_seen_by_customer ON invoices FOR SELECT USING (
    (SELECT claim('role')) = 'customer' AND EXISTS (SELECT FROM bookings b WHERE b.id = invoices.booking_id AND b.customer_id = (SELECT claim('sub'))::uuid));
GRANT SELECT, INSERT, UPDATE ON invoice_series TO jklg_app;
GRANT SELECT, INSERT ON invoices TO jklg_app;
GRANT UPDATE (buyer) ON invoices TO jklg_app;
