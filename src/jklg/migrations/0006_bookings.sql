-- bookings: claims on seats. held -> confirmed -> completed, or cancelled, or expired.

CREATE TABLE bookings (
    id               uuid PRIMARY KEY,
    reference        char(6) NOT NULL CONSTRAINT bookings_reference_once UNIQUE CHECK (reference ~ '^[A-HJ-NP-Z2-9]{6}$'),
    departure_id     uuid NOT NULL REFERENCES departures,
    customer_id      uuid,
    quote_id         uuid,
    status           text NOT NULL DEFAULT 'held' CHECK (status IN ('held', 'confirmed', 'completed', 'cancelled', 'expired')),
    payment_status   text NOT NULL DEFAULT 'Pending' CHECK (payment_status IN ('Pending', 'Partial', 'Paid', 'Failed', 'Refunded')),
    party            jsonb NOT NULL,         -- {"adult": 2, "child": 1}
    seats            integer NOT NULL CHECK (seats BETWEEN 1 AND 500),
    currency         char(3) NOT NULL,
    total_price      bigint NOT NULL CHECK (total_price >= 0),
    lines            jsonb NOT NULL,         -- the derivation of the total, frozen at purchase
    name             text NOT NULL,
    email            text NOT NULL,
    phone            text NOT NULL,
    special_requests text NOT NULL DEFAULT '',
    locale           text NOT NULL DEFAULT 'en',
    terms_version    text,
    source           text NOT NULL DEFAULT 'Website',
    hold_expires_at  timestamptz NOT NULL,
    hold_extended    boolean NOT NULL DEFAULT false,
    payment_open     boolean NOT NULL DEFAULT false, -- kept by payments: an attempt is open, money may still come
    payment_id       uuid,
    payment_method   text,
    payment_date     timestamptz,
    invoice_id       text UNIQUE,
    invoice_url      text,
    created_at       timestamptz NOT NULL DEFAULT house_now(),
    updated_at       timestamptz NOT NULL DEFAULT house_now(),
    confirmed_at     timestamptz,
    ended_at         timestamptz             -- cancelled, expired or completed
);
CREATE INDEX bookings_of_departure ON bookings (departure_id);
CREATE INDEX bookings_holds_due ON bookings (hold_expires_at) WHERE status = 'held';
CREATE INDEX bookings_by_age ON bookings (created_at);
CREATE INDEX bookings_of_email ON bookings (lower(email));

CREATE TABLE travellers (
    id            uuid PRIMARY KEY,
    booking_id    uuid NOT NULL REFERENCES bookings,
    position      integer NOT NULL,
    name          text NOT NULL,
    category      text NOT NULL CHECK (category IN ('adult', 'child', 'infant')),
    date_of_birth date,
    is_lead       boolean NOT NULL DEFAULT false,
    UNIQUE (booking_id, position)
);

CREATE TABLE booking_extras (
    booking_id   uuid NOT NULL REFERENCES bookings,
    departure_id uuid NOT NULL,
    extra_id     uuid NOT NULL,
    quantity     integer NOT NULL CHECK (quantity BETWEEN 1 AND 500),
    PRIMARY KEY (booking_id, extra_id),
    FOREIGN KEY (departure_id, extra_id) REFERENCES departure_extras
);

CREATE TABLE booking_moves (
    from_status text NOT NULL,
    to_status   text NOT NULL,
    why         text NOT NULL,
    PRIMARY KEY (from_status, to_status)
);
INSERT INTO booking_moves VALUES
    ('held', 'confirmed', 'paid in full in time'),
    ('held', 'cancelled', 'given up by the customer or by staff'),
    ('held', 'expired', 'not paid in time'),
    ('confirmed', 'completed', 'travelled'),
    ('confirmed', 'cancelled', 'given up after payment'),
    ('expired', 'confirmed', 'late money, and the seats were still free');

-- Which bookings take seats. One place, so that no path can forget.
CREATE FUNCTION booking_takes_seats(p_status text) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN p_status IN ('held', 'confirmed', 'completed');

CREATE FUNCTION bookings_keep_their_word() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.reference, NEW.departure_id, NEW.currency, NEW.total_price, NEW.lines, NEW.party, NEW.seats)
       IS DISTINCT FROM (OLD.id, OLD.reference, OLD.departure_id, OLD.currency, OLD.total_price, OLD.lines, OLD.party, OLD.seats) THEN
        RAISE EXCEPTION 'what booking % was sold for cannot be edited', OLD.reference
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'bookings_terms_frozen';
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
CREATE TRIGGER bookings_keep_their_word BEFORE UPDATE ON bookings FOR EACH ROW EXECUTE FUNCTION bookings_keep_their_word();

-- Seats and extras follow the status, whoever changes it: taken once, released once.
CREATE FUNCTION bookings_count_seats() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF booking_takes_seats(NEW.status) THEN
            PERFORM departures_move_seats(NEW.departure_id, NEW.seats);
        END IF;
    ELSIF booking_takes_seats(NEW.status) IS DISTINCT FROM booking_takes_seats(OLD.status) THEN
        PERFORM departures_move_seats(NEW.departure_id, CASE WHEN booking_takes_seats(NEW.status) THEN NEW.seats ELSE -NEW.seats END);
        PERFORM departures_move_extras(e.departure_id, e.extra_id, CASE WHEN booking_takes_seats(NEW.status) THEN e.quantity ELSE -e.quantity END)
        FROM booking_extras e WHERE e.booking_id = NEW.id ORDER BY e.extra_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER bookings_count_seats AFTER INSERT OR UPDATE OF status ON bookings FOR EACH ROW EXECUTE FUNCTION bookings_count_seats();

CREATE FUNCTION booking_extras_count_stock() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM departures_move_extras(NEW.departure_id, NEW.extra_id, NEW.quantity);
    RETURN NULL;
END $$;
CREATE TRIGGER booking_extras_count_stock AFTER INSERT ON booking_extras FOR EACH ROW EXECUTE FUNCTION booking_extras_count_stock();

-- Take seats: one round trip, so that the departure's row is locked as briefly as can be.
-- It acts as the house (hold_booking below): a stranger may hold seats but may not read bookings.
-- p carries the booking as JSON; the answer is (refusal, hold_expires_at, created_at), refusal NULL when the seats are held. The race for the last
-- seat is decided by the constraint departures_never_oversold; `sold_out` here only spares the losers the attempt.
CREATE FUNCTION hold_booking_as_house(p jsonb, OUT refusal text, OUT hold_expires_at timestamptz, OUT created_at timestamptz)
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
                          name, email, phone, special_requests, locale, terms_version, source, hold_expires_at, created_at, updated_at)
    VALUES (v_id, p ->> 'reference', d.id, (p ->> 'customer_id')::uuid, (p ->> 'quote_id')::uuid, p -> 'party',
            (p ->> 'seats')::integer, p ->> 'currency', (p ->> 'total_price')::bigint, p -> 'lines',
            p ->> 'name', p ->> 'email', p ->> 'phone', coalesce(p ->> 'special_requests', ''), coalesce(p ->> 'locale', 'en'),
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

-- A function's SET clause would be shorter, but only a superuser may name an unknown parameter there (PostgreSQL 15+),
-- and hosted databases give none.
CREATE FUNCTION hold_booking(p jsonb, OUT refusal text, OUT hold_expires_at timestamptz, OUT created_at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
    v_claims text := coalesce(current_setting('request.jwt.claims', true), '');
BEGIN
    PERFORM set_config('request.jwt.claims', '{"role":"system"}', true);
    SELECT h.refusal, h.hold_expires_at, h.created_at INTO refusal, hold_expires_at, created_at FROM hold_booking_as_house(p) h;
    PERFORM set_config('request.jwt.claims', v_claims, true);
END $$;

ALTER TABLE bookings ENABLE ROW LEVEL SECURITY;
ALTER TABLE travellers ENABLE ROW LEVEL SECURITY;
ALTER TABLE booking_extras ENABLE ROW LEVEL SECURITY;
CREATE POLICY bookings_of_the_house ON bookings USING ((SELECT claim('role')) = 'system');
CREATE POLICY bookings_seen_by_staff ON bookings FOR SELECT USING ((SELECT claim('role')) = 'staff');
CREATE POLICY bookings_seen_by_guest ON bookings FOR SELECT USING (id = (SELECT claim('booking_id'))::uuid);
CREATE POLICY travellers_of_the_house ON travellers USING ((SELECT claim('role')) = 'system');
CREATE POLICY travellers_seen_by_staff ON travellers FOR SELECT USING ((SELECT claim('role')) = 'staff');
CREATE POLICY travellers_seen_by_guest ON travellers FOR SELECT USING (booking_id = (SELECT claim('booking_id'))::uuid);
CREATE POLICY booking_extras_of_the_house ON booking_extras USING ((SELECT claim('role')) = 'system');
CREATE POLICY booking_extras_seen_by_staff ON booking_extras FOR SELECT USING ((SELECT claim('role')) = 'staff');
CREATE POLICY booking_extras_seen_by_guest ON booking_extras FOR SELECT USING (booking_id = (SELECT claim('booking_id'))::uuid);
GRANT SELECT, INSERT, UPDATE ON bookings, travellers TO jklg_app;
GRANT SELECT, INSERT ON booking_extras TO jklg_app;
GRANT SELECT ON booking_moves TO jklg_app;
