-- catalogue: what a package is sold under besides its price (pricing/terms): {"deposit": ..., "balance_days": ..., "tiers": [...]}
ALTER TABLE packages ADD COLUMN sales_terms jsonb NOT NULL DEFAULT '{}';

-- pricing: a quote keeps the terms it was made under, as it keeps its price.
ALTER TABLE quotes ADD COLUMN sales_terms jsonb NOT NULL DEFAULT '{}';

-- bookings: the terms it was sold under, its first part, and what was taken off it afterwards: people who were cancelled, refunds out of goodwill.
ALTER TABLE bookings
    ADD COLUMN sold_terms      jsonb NOT NULL DEFAULT '{}',      -- frozen at purchase
    ADD COLUMN deposit_amount  bigint,                           -- what confirms it; NULL: the whole price
    ADD COLUMN balance_due_on  date,                             -- when the rest is due, at the place of the package
    ADD COLUMN reduced_amount  bigint NOT NULL DEFAULT 0,        -- the price today is total_price - reduced_amount
    ADD COLUMN cancelled_party jsonb NOT NULL DEFAULT '{}',      -- of `party`, who does not travel any more
    ADD COLUMN cancelled_seats integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT bookings_deposit_is_a_part CHECK (deposit_amount > 0 AND deposit_amount < total_price),
    ADD CONSTRAINT bookings_balance_has_a_day CHECK ((deposit_amount IS NULL) = (balance_due_on IS NULL)),
    ADD CONSTRAINT bookings_reduced_within_price CHECK (reduced_amount BETWEEN 0 AND total_price),
    ADD CONSTRAINT bookings_somebody_still_goes CHECK (cancelled_seats >= 0 AND cancelled_seats < seats);
ALTER TABLE travellers ADD COLUMN cancelled_at timestamptz;      -- does not travel any more

CREATE OR REPLACE FUNCTION bookings_keep_their_word() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.reference, NEW.departure_id, NEW.currency, NEW.total_price, NEW.lines, NEW.party, NEW.seats, NEW.sold_terms, NEW.deposit_amount, NEW.balance_due_on)
       IS DISTINCT FROM (OLD.id, OLD.reference, OLD.departure_id, OLD.currency, OLD.total_price, OLD.lines, OLD.party, OLD.seats, OLD.sold_terms, OLD.deposit_amount, OLD.balance_due_on) THEN
        RAISE EXCEPTION 'what booking % was sold for cannot be edited', OLD.reference
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'bookings_terms_frozen';
    END IF;
    IF NEW.reduced_amount < OLD.reduced_amount OR NEW.cancelled_seats < OLD.cancelled_seats THEN
        RAISE EXCEPTION 'what was taken off booking % cannot be put back', OLD.reference
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'bookings_reduced_only_grows';
    END IF;
    IF NEW.status <> OLD.status THEN
        IF NOT EXISTS (SELECT FROM booking_moves WHERE from_status = OLD.status AND to_status = NEW.status) THEN
            RAISE EXCEPTION 'booking % cannot go from % to %', OLD.reference, OLD.status, NEW.status
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'bookings_move_legally';
        END IF;
        IF NEW.status = 'expired' AND NEW.payment_open THEN
            RAISE EXCEPTION 'booking % has an open payment: its seats are not released while money may still come', OLD.reference
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'bookings_not_released_while_paying';
        END IF;
    END IF;
    NEW.updated_at := house_now();
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION bookings_count_seats() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_before integer := 0;
    v_after  integer := CASE WHEN booking_takes_seats(NEW.status) THEN NEW.seats - NEW.cancelled_seats ELSE 0 END;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        v_before := CASE WHEN booking_takes_seats(OLD.status) THEN OLD.seats - OLD.cancelled_seats ELSE 0 END;
        IF booking_takes_seats(NEW.status) IS DISTINCT FROM booking_takes_seats(OLD.status) THEN
            PERFORM departures_move_extras(e.departure_id, e.extra_id, CASE WHEN booking_takes_seats(NEW.status) THEN e.quantity ELSE -e.quantity END)
            FROM booking_extras e WHERE e.booking_id = NEW.id ORDER BY e.extra_id;
        END IF;
    END IF;
    IF v_after <> v_before THEN
        PERFORM departures_move_seats(NEW.departure_id, v_after - v_before);
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER bookings_count_seats ON bookings;
CREATE TRIGGER bookings_count_seats AFTER INSERT OR UPDATE OF status, cancelled_seats ON bookings FOR EACH ROW EXECUTE FUNCTION bookings_count_seats();

CREATE OR REPLACE FUNCTION hold_booking_as_house(p jsonb, OUT refusal text, OUT hold_expires_at timestamptz, OUT created_at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
    d     departures%ROWTYPE;
    q     quotes%ROWTYPE;
    v_now timestamptz := house_now();
    v_id  uuid := (p ->> 'id')::uuid;
BEGIN
    SELECT * INTO d FROM departures WHERE id = (p ->> 'departure_id')::uuid;
    IF NOT FOUND THEN
        refusal := 'departure_not_found'; RETURN;
    END IF;
    IF d.status <> 'open' OR d.cutoff_at <= v_now THEN
        refusal := 'departure_closed'; RETURN;
    END IF;
    IF p ->> 'quote_id' IS NOT NULL THEN
        SELECT * INTO q FROM quotes WHERE id = (p ->> 'quote_id')::uuid;
        IF NOT FOUND OR q.expires_at <= v_now OR q.departure_id <> d.id OR q.total <> (p ->> 'total_price')::bigint THEN
            refusal := 'quote_expired'; RETURN;
        END IF;
    ELSIF d.price_version <> (p ->> 'price_version')::integer THEN
        refusal := 'price_changed'; RETURN;
    END IF;
    IF d.seats_taken + (p ->> 'seats')::integer > d.allotment THEN
        refusal := 'sold_out'; RETURN;
    END IF;
    created_at := v_now;
    hold_expires_at := v_now + make_interval(secs => (p ->> 'hold_seconds')::integer);
    INSERT INTO bookings (id, reference, departure_id, customer_id, quote_id, party, seats, currency, total_price, lines,
                          sold_terms, deposit_amount, balance_due_on, name, email, phone, special_requests, locale, terms_version, source, hold_expires_at, created_at, updated_at)
    VALUES (v_id, p ->> 'reference', d.id, (p ->> 'customer_id')::uuid, (p ->> 'quote_id')::uuid, p -> 'party',
            (p ->> 'seats')::integer, p ->> 'currency', (p ->> 'total_price')::bigint, p -> 'lines',
            coalesce(p -> 'sold_terms', '{}'), (p ->> 'deposit_amount')::bigint, (p ->> 'balance_due_on')::date, p ->> 'name', p ->> 'email', p ->> 'phone', coalesce(p ->> 'special_requests', ''), coalesce(p ->> 'locale', 'en'),
            p ->> 'terms_version', coalesce(p ->> 'source', 'Website'), hold_expires_at, v_now, v_now);
    IF jsonb_array_length(p -> 'extras') > 0 THEN
        INSERT INTO booking_extras (booking_id, departure_id, extra_id, quantity)
        SELECT v_id, d.id, e.id, e.quantity FROM jsonb_to_recordset(p -> 'extras') AS e(id uuid, quantity integer) ORDER BY e.id;
    END IF;
    IF jsonb_array_length(p -> 'travellers') > 0 THEN
        INSERT INTO travellers (id, booking_id, position, name, category, date_of_birth, is_lead)
        SELECT t.id, v_id, t.position, t.name, t.category, t.date_of_birth, t.position = 1
        FROM jsonb_to_recordset(p -> 'travellers') AS t(id uuid, position integer, name text, category text, date_of_birth date);
    END IF;
    INSERT INTO history (actor, action, subject_type, subject_id, detail, happened_at)
    VALUES (p ->> 'actor', 'booking.held', 'booking', v_id,
            jsonb_build_object('seats', (p ->> 'seats')::integer, 'total_price', (p ->> 'total_price')::bigint, 'currency', p ->> 'currency'), v_now);
END $$;

-- bookings/cancelling: who gave up what, what that was worth, and what was kept of it. Append-only.
CREATE TABLE booking_cancellations (
    id           uuid PRIMARY KEY,
    booking_id   uuid NOT NULL REFERENCES bookings ON DELETE RESTRICT,
    party        jsonb NOT NULL,             -- {"adult": 1}: who does not go
    seats        integer NOT NULL CHECK (seats >= 0),
    worth        bigint NOT NULL CHECK (worth >= 0),     -- of the price, in the booking's currency
    kept         bigint NOT NULL CHECK (kept >= 0),      -- of the worth, as the fee
    refund       bigint NOT NULL CHECK (refund >= 0),    -- what had been paid beyond the price after this
    currency     char(3) NOT NULL,
    days_before  integer NOT NULL,
    percent      integer,                    -- of the tier; NULL: staff decided
    whole        boolean NOT NULL,
    reason       text NOT NULL DEFAULT '',
    cancelled_by text NOT NULL,
    cancelled_at timestamptz NOT NULL DEFAULT house_now(),
    CONSTRAINT booking_cancellations_keep_within_worth CHECK (kept <= worth)
);
CREATE INDEX booking_cancellations_of_booking ON booking_cancellations (booking_id, id);
CREATE UNIQUE INDEX booking_cancellations_whole_once ON booking_cancellations (booking_id) WHERE whole;
CREATE TRIGGER booking_cancellations_append_only BEFORE UPDATE OR DELETE ON booking_cancellations FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER booking_cancellations_never_truncated BEFORE TRUNCATE ON booking_cancellations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE booking_cancellations ENABLE ROW LEVEL SECURITY;
CREATE POLICY booking_cancellations_of_the_house ON booking_cancellations USING ((SELECT claim('role')) = 'system');
CREATE POLICY booking_cancellations_seen_by_staff ON booking_cancellations FOR SELECT USING ((SELECT claim('role')) = 'staff');
CREATE POLICY booking_cancellations_seen_by_guest ON booking_cancellations FOR SELECT USING (booking_id = (SELECT claim('booking_id'))::uuid);
GRANT SELECT, INSERT ON booking_cancellations TO jklg_app;

-- payments: 'Paid' means the price as it is today, and what was taken off a price can pay it, too.
CREATE OR REPLACE FUNCTION transactions_keep_payment_status() RETURNS trigger
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
        payment_status = booking_payment_status(s.captured, s.refunded, b.total_price - b.reduced_amount, s.any_open, s.any_failed),
        payment_date = s.paid_at,
        payment_open = s.any_open
    WHERE b.id = NEW.booking_id;
    RETURN NULL;
END $$;
CREATE FUNCTION booking_payment_status(p_captured numeric, p_refunded numeric, p_price bigint, p_any_open boolean, p_any_failed boolean) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN p_captured > 0 AND p_refunded >= p_captured THEN 'Refunded'
    WHEN p_captured > 0 AND p_captured - p_refunded >= p_price THEN 'Paid'
    WHEN p_captured > 0 THEN 'Partial'
    WHEN p_any_open THEN 'Pending'
    WHEN p_any_failed THEN 'Failed'
    ELSE 'Pending' END;

-- A price that was reduced may be paid by what had come before: the same projection, read anew by the trigger of payments' own table.
CREATE FUNCTION bookings_reduced_keep_payment_status() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    SELECT booking_payment_status(coalesce(sum(t.captured_amount), 0), coalesce(sum(t.refund_amount), 0), NEW.total_price - NEW.reduced_amount,
                                  coalesce(bool_or(st.is_open), false), coalesce(bool_or(t.status = 'failed'), false))
    INTO NEW.payment_status FROM transactions t JOIN transaction_states st USING (state) WHERE t.booking_id = NEW.id;
    RETURN NEW;
END $$;
CREATE TRIGGER bookings_reduced_keep_payment_status BEFORE UPDATE OF reduced_amount ON bookings FOR EACH ROW
    WHEN (NEW.reduced_amount <> OLD.reduced_amount) EXECUTE FUNCTION bookings_reduced_keep_payment_status();
