-- bookings: whoever takes seats locks the departure first, as everybody does, and sees it as it is: a booking was made with the days from before
-- a move that was under way. Its lock leaves the key alone (NO KEY), so that a row that only refers to a departure waits for nobody. With FOR UPDATE,
-- PostgreSQL locked the versions of the one row in two directions, and one of the two customers was thrown out as the victim of a deadlock.
CREATE OR REPLACE FUNCTION hold_booking_as_house(p jsonb, OUT refusal text, OUT hold_expires_at timestamptz, OUT created_at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
    d     departures%ROWTYPE;
    q     quotes%ROWTYPE;
    v_now timestamptz := house_now();
    v_id  uuid := (p ->> 'id')::uuid;
BEGIN
    SELECT * INTO d FROM departures WHERE id = (p ->> 'departure_id')::uuid;
    IF d.seats_taken + (p ->> 'seats')::integer <= d.allotment THEN -- who finds it sold out need not wait in order to hear so
        SELECT * INTO d FROM departures WHERE id = (p ->> 'departure_id')::uuid FOR NO KEY UPDATE;
        v_now := house_now();
    END IF;
    IF d.id IS NULL THEN
        refusal := 'departure_not_found'; RETURN;
    END IF;
    IF d.status <> 'open' OR d.cutoff_at <= v_now THEN
        refusal := 'departure_closed'; RETURN;
    END IF;
    IF d.starts_on <> (p ->> 'starts_on')::date OR d.ends_on <> (p ->> 'ends_on')::date OR EXISTS (
        SELECT FROM departure_moves m JOIN quotes seen ON seen.id = (p ->> 'quote_id')::uuid
        WHERE m.departure_id = d.id AND m.moved_at >= seen.created_at
    ) THEN
        refusal := 'departure_moved'; RETURN;
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

-- A booking that moves with its departure: the same.
CREATE OR REPLACE FUNCTION bookings_follow_their_departure() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM bookings WHERE departure_id = NEW.id ORDER BY id FOR NO KEY UPDATE;
    UPDATE bookings SET travels_on = NEW.starts_on WHERE departure_id = NEW.id;
    RETURN NULL;
END $$;
