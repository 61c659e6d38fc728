-- bookings: what staff type to find one, whole or in part. In a table of its own, because a booking is changed many times and its words hardly
-- ever, and an index of parts on the booking itself would be written anew each time.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE booking_words (
    booking_id uuid PRIMARY KEY REFERENCES bookings,
    words      text NOT NULL                 -- reference, name and e-mail address, in lower case
);

CREATE FUNCTION bookings_are_found() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO booking_words (booking_id, words) VALUES (NEW.id, lower(NEW.reference || ' ' || NEW.name || ' ' || NEW.email))
    ON CONFLICT (booking_id) DO UPDATE SET words = excluded.words;
    RETURN NULL;
END $$;
CREATE TRIGGER bookings_are_found_new AFTER INSERT ON bookings FOR EACH ROW EXECUTE FUNCTION bookings_are_found();
CREATE TRIGGER bookings_are_found AFTER UPDATE OF name, email ON bookings
    FOR EACH ROW WHEN ((OLD.name, OLD.email) IS DISTINCT FROM (NEW.name, NEW.email)) EXECUTE FUNCTION bookings_are_found();

INSERT INTO booking_words SELECT id, lower(reference || ' ' || name || ' ' || email) FROM bookings;
CREATE INDEX booking_words_in_part ON booking_words USING gin (words gin_trgm_ops);

ALTER TABLE booking_words ENABLE ROW LEVEL SECURITY;
CREATE POLICY booking_words_of_the_house ON booking_words USING ((SELECT claim('role')) = 'system');
CREATE POLICY booking_words_seen_by_staff ON booking_words FOR SELECT USING ((SELECT claim('role')) = 'staff');
GRANT SELECT, INSERT, UPDATE ON booking_words TO jklg_app;

-- Row-level security looks at a row before LIKE may, so that an index of parts would never be used: this one looks as the owner, for staff and the
-- house, and answers ids. Planned for each text anew: a rare one wants the index, and of a common one the first so many are found at once.
CREATE FUNCTION find_bookings(p_part text, p_most integer) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    v_pattern text := '%' || regexp_replace(lower(p_part), '([%_\\])', '\\\1', 'g') || '%';
BEGIN
    IF coalesce(claim('role'), '') NOT IN ('system', 'staff') THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT w.booking_id FROM booking_words w WHERE w.words LIKE v_pattern LIMIT p_most;
END $$;
REVOKE EXECUTE ON FUNCTION find_bookings FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_bookings TO jklg_app;

-- payments: an attempt is found by the beginning of what its gateway calls it.
CREATE INDEX transactions_by_ref ON transactions (transaction_id text_pattern_ops);
