-- bookings/tidings: a line to a customer about a booking of theirs. It stands in the account, and reaches open pages at once.

CREATE TABLE tidings (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    customer_id uuid NOT NULL REFERENCES customers,
    booking_id  uuid NOT NULL REFERENCES bookings,
    kind        text NOT NULL CONSTRAINT tidings_kind
                CHECK (kind IN ('booking_confirmed', 'booking_cancelled', 'payment_received', 'refund_sent', 'departure_changed')),
    once_key    text NOT NULL,
    detail      jsonb NOT NULL DEFAULT '{}', -- amounts in minor units of `currency`, days of the departure
    created_at  timestamptz NOT NULL DEFAULT house_now(),
    seen_at     timestamptz,
    CONSTRAINT tidings_once UNIQUE (customer_id, once_key)
);
CREATE INDEX tidings_of_customer ON tidings (customer_id, created_at DESC, id DESC);

ALTER TABLE tidings ENABLE ROW LEVEL SECURITY;
CREATE POLICY tidings_of_the_house ON tidings USING ((SELECT claim('role')) = 'system');
CREATE POLICY tidings_own ON tidings USING (customer_id = (SELECT claim('sub'))::uuid);
GRANT SELECT, INSERT, DELETE ON tidings TO jklg_app;
GRANT UPDATE (seen_at) ON tidings TO jklg_app;

-- A bell, not the news: it says for whom there is something, and whoever hears it goes and looks with the rights of that customer.
CREATE FUNCTION tidings_ring() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('tidings', NEW.customer_id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER tidings_ring AFTER INSERT ON tidings FOR EACH ROW EXECUTE FUNCTION tidings_ring();

-- Whoever moves a departure to other days tells the customers who have seats on it, in the same database transaction. As its owner,
-- because whoever moves a departure need not see bookings.
CREATE FUNCTION departures_tell_customers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO tidings (customer_id, booking_id, kind, once_key, detail)
    SELECT b.customer_id, b.id, 'departure_changed', 'departure_changed:' || b.id || ':' || NEW.starts_on || ':' || house_now(),
           jsonb_build_object('starts_on', NEW.starts_on, 'ends_on', NEW.ends_on)
    FROM bookings b WHERE b.departure_id = NEW.id AND b.customer_id IS NOT NULL AND b.status IN ('held', 'confirmed')
    ON CONFLICT ON CONSTRAINT tidings_once DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER departures_tell_customers AFTER UPDATE OF starts_on, ends_on ON departures
    FOR EACH ROW WHEN (OLD.starts_on <> NEW.starts_on OR OLD.ends_on <> NEW.ends_on) EXECUTE FUNCTION departures_tell_customers();
