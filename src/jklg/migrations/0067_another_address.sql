-- bookings: the address of a booking can turn out wrong. With another one its key is another one, too (bookings/keys): whoever reads the
-- mailbox that was written down by mistake opens nothing any more. The database turns it, so that no path can forget.
ALTER TABLE bookings ADD COLUMN key_turn integer NOT NULL DEFAULT 0;

CREATE FUNCTION bookings_turn_their_key() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.key_turn := OLD.key_turn + (lower(NEW.email) <> lower(OLD.email) AND NEW.email <> '')::integer;
    RETURN NEW;
END $$;
CREATE TRIGGER bookings_turn_their_key BEFORE UPDATE OF email, key_turn ON bookings FOR EACH ROW EXECUTE FUNCTION bookings_turn_their_key();
