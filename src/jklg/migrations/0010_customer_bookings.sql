-- bookings: those of a customer with an account, newest trip first. The day of travel is the departure's; it is kept here as well because
-- an index cannot reach into another table.
ALTER TABLE bookings ADD COLUMN travels_on date;
ALTER TABLE bookings ADD COLUMN mailbox text NOT NULL GENERATED ALWAYS AS (lower(email)) STORED; -- see customers.mailbox
ALTER TABLE bookings ADD COLUMN erase_when_over boolean NOT NULL DEFAULT false; -- its customer has left; who travels is forgotten once it is over
UPDATE bookings b SET travels_on = d.starts_on FROM departures d WHERE d.id = b.departure_id;
ALTER TABLE bookings ALTER COLUMN travels_on SET NOT NULL;

CREATE FUNCTION bookings_know_their_day() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    SELECT starts_on INTO NEW.travels_on FROM departures WHERE id = NEW.departure_id;
    RETURN NEW;
END $$;
CREATE TRIGGER bookings_know_their_day BEFORE INSERT ON bookings FOR EACH ROW EXECUTE FUNCTION bookings_know_their_day();

CREATE FUNCTION bookings_follow_their_departure() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE bookings SET travels_on = NEW.starts_on WHERE departure_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER bookings_follow_their_departure AFTER UPDATE OF starts_on ON departures
    FOR EACH ROW WHEN (OLD.starts_on <> NEW.starts_on) EXECUTE FUNCTION bookings_follow_their_departure();

DROP INDEX bookings_of_customer, bookings_of_email;
CREATE INDEX bookings_of_customer ON bookings (customer_id, travels_on DESC, id DESC) WHERE customer_id IS NOT NULL;
CREATE INDEX bookings_of_mailbox ON bookings (mailbox);
CREATE INDEX bookings_to_erase ON bookings (id) WHERE erase_when_over AND email <> '';

CREATE POLICY bookings_seen_by_customer ON bookings FOR SELECT USING (customer_id = (SELECT claim('sub'))::uuid);
CREATE POLICY travellers_seen_by_customer ON travellers FOR SELECT USING (
    (SELECT claim('role')) = 'customer' AND EXISTS (SELECT FROM bookings b WHERE b.id = travellers.booking_id AND b.customer_id = (SELECT claim('sub'))::uuid));
CREATE POLICY booking_extras_seen_by_customer ON booking_extras FOR SELECT USING (
    (SELECT claim('role')) = 'customer' AND EXISTS (SELECT FROM bookings b WHERE b.id = booking_extras.booking_id AND b.customer_id = (SELECT claim('sub'))::uuid));
CREATE POLICY transactions_seen_by_customer ON transactions FOR SELECT USING (
    (SELECT claim('role')) = 'customer' AND EXISTS (SELECT FROM bookings b WHERE b.id = transactions.booking_id AND b.customer_id = (SELECT claim('sub'))::uuid));
CREATE POLICY refunds_seen_by_customer ON refunds FOR SELECT USING (
    (SELECT claim('role')) = 'customer' AND EXISTS (SELECT FROM transactions t WHERE t.id = refunds.transaction_id));

-- GET /api/customers/:id/bookings: the session, its customer's rights and a page, in one statement. The page begins after the trip of p_before
-- and p_before_id, which is what `next` of the page before it says.
CREATE FUNCTION customer_bookings(
    p_customer uuid, p_session uuid, p_before date DEFAULT NULL, p_before_id uuid DEFAULT NULL, p_limit integer DEFAULT 20
) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_before    date := coalesce(p_before, 'infinity');
    v_before_id uuid := coalesce(p_before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
    answer      text;
BEGIN
    PERFORM become_customer(p_customer, p_session);
    WITH page AS (
        SELECT b.id, b.reference, b.departure_id, b.travels_on, b.party, b.total_price, b.currency, b.payment_status, b.status, b.created_at,
               row_number() OVER (ORDER BY b.travels_on DESC, b.id DESC) AS place
        FROM bookings b
        WHERE b.customer_id = p_customer AND (b.travels_on, b.id) < (v_before, v_before_id)
        ORDER BY b.travels_on DESC, b.id DESC LIMIT p_limit + 1
    )
    SELECT json_build_object(
        'bookings', coalesce(json_agg(json_build_object(
            'id', b.id, 'reference', b.reference, 'package_id', d.package_id, 'travel_date', b.travels_on, 'return_date', d.ends_on,
            'num_adults', coalesce((b.party ->> 'adult')::integer, 0),
            'num_children', coalesce((b.party ->> 'child')::integer, 0) + coalesce((b.party ->> 'infant')::integer, 0),
            'total_price', b.total_price, 'currency', b.currency, 'payment_status', b.payment_status, 'status', b.status,
            'created_at', b.created_at,
            'packages', json_build_object('id', p.id, 'name', p.name, 'price', p.price, 'destination_id',
                (SELECT pd.destination_id FROM package_destinations pd WHERE pd.package_id = p.id ORDER BY pd.position LIMIT 1))
            ) ORDER BY b.place) FILTER (WHERE b.place <= p_limit), '[]'),
        'next', CASE WHEN count(*) > p_limit THEN max(b.travels_on || '_' || b.id) FILTER (WHERE b.place = p_limit) END)::text
    INTO answer
    FROM page b JOIN departures d ON d.id = b.departure_id JOIN packages p ON p.id = d.package_id;
    RETURN answer;
END $$;

-- Whoever is signed in holds seats for their account: the session is looked up in the same round trip. p carries customer_id and session_id.
CREATE OR REPLACE FUNCTION hold_booking(p jsonb, OUT refusal text, OUT hold_expires_at timestamptz, OUT created_at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
    v_claims text := coalesce(current_setting('request.jwt.claims', true), '');
BEGIN
    IF p ->> 'session_id' IS NOT NULL THEN
        PERFORM become_customer((p ->> 'customer_id')::uuid, (p ->> 'session_id')::uuid);
        PERFORM 1 FROM customers WHERE id = (p ->> 'customer_id')::uuid AND status = 'active' FOR KEY SHARE; -- who leaves waits, or has left
        IF NOT FOUND THEN
            RAISE EXCEPTION 'this session has ended' USING ERRCODE = 'JK401';
        END IF;
    END IF;
    PERFORM set_config('request.jwt.claims', '{"role":"system"}', true);
    SELECT h.refusal, h.hold_expires_at, h.created_at INTO refusal, hold_expires_at, created_at FROM hold_booking_as_house(p) h;
    PERFORM set_config('request.jwt.claims', v_claims, true);
END $$;

-- customers: what they have spent with us. Only trips that were bought and not given up count, less what went back; currencies are never mixed.
CREATE FUNCTION currency_decimals(p_currency text) RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN p_currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 0
    WHEN p_currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
    WHEN p_currency IN ('CLF', 'UYW') THEN 4
    ELSE 2 END;

CREATE FUNCTION customer_spending(p_customer uuid) RETURNS TABLE (currency char(3), spent bigint)
LANGUAGE sql STABLE AS $$
    SELECT t.currency, sum(t.captured_amount - t.refund_amount)::bigint
    FROM bookings b JOIN transactions t ON t.booking_id = b.id
    WHERE b.customer_id = p_customer AND b.status IN ('confirmed', 'completed')
    GROUP BY t.currency HAVING sum(t.captured_amount - t.refund_amount) > 0
$$;

-- One point for each full 10.00 in each currency (10 yen, 10.000 dinars).
CREATE FUNCTION calculate_loyalty_points(p_customer uuid) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT least(coalesce(sum(spent / (10 * 10 ^ currency_decimals(currency))::bigint), 0), 2147483647)::integer FROM customer_spending(p_customer)
$$;

-- total_spent is in the currency that they have spent most in, by its major units, as points are; points count every currency.
-- The customer's row is locked before anything is counted, so that of two recounts the later one has seen what the first one saw.
CREATE FUNCTION update_customer_stats(p_customer uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_bookings integer;
    v_most     record;
    v_points   integer;
BEGIN
    PERFORM 1 FROM customers WHERE id = p_customer AND status <> 'deleted' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT count(*) INTO v_bookings FROM bookings WHERE customer_id = p_customer AND status IN ('confirmed', 'completed');
    SELECT s.currency, s.spent INTO v_most FROM customer_spending(p_customer) s
    ORDER BY s.spent / 10 ^ currency_decimals(s.currency) DESC, s.currency LIMIT 1;
    v_points := calculate_loyalty_points(p_customer);
    UPDATE customers SET total_bookings = v_bookings, total_spent = coalesce(v_most.spent, 0), spent_currency = v_most.currency, loyalty_points = v_points
    WHERE id = p_customer
      AND (total_bookings, total_spent, spent_currency, loyalty_points)
          IS DISTINCT FROM (v_bookings, coalesce(v_most.spent, 0), v_most.currency, v_points);
END $$;

-- mail: what is left of a mail whose reader has left: that it was sent, and when.
ALTER TABLE mail_outbox ADD COLUMN erase_when_sent boolean NOT NULL DEFAULT false;
ALTER TABLE mail_outbox DROP CONSTRAINT mail_outbox_state_check;
ALTER TABLE mail_outbox ADD CONSTRAINT mail_outbox_state_check CHECK (state IN ('queued', 'sent', 'caught', 'dead', 'erased'));
ALTER TABLE mail_outbox ADD CONSTRAINT mail_outbox_erased_holds_nobody CHECK (
    state <> 'erased' OR (to_address = '' AND to_name = '' AND subject = '' AND text_body = '' AND html_body = '' AND last_error IS NULL));
ALTER TABLE mail_outbox ADD COLUMN mailbox text NOT NULL GENERATED ALWAYS AS (lower(to_address)) STORED; -- see customers.mailbox
CREATE INDEX mail_outbox_of_mailbox ON mail_outbox (mailbox, created_at);
CREATE INDEX mail_outbox_to_erase ON mail_outbox (created_at) WHERE erase_when_sent AND state <> 'erased';

-- payments/webhooks: what was told about one attempt is found again when its customer is erased.
CREATE INDEX webhook_inbox_of_ref ON webhook_inbox (gateway, ref) WHERE ref IS NOT NULL;
CREATE INDEX webhook_inbox_of_transaction ON webhook_inbox (transaction_id) WHERE ref IS NULL AND transaction_id IS NOT NULL;
