-- departures: the price of an adult stands beside the departure, so that the least of a package is found in an index. The trigger that raises
-- price_version keeps it, in the same UPDATE. The cut-off is in the index because time passes: what can no longer be booked is skipped there. Seats are
-- not in it: they move with every booking, and each would write the index anew.
ALTER TABLE departures ADD COLUMN adult_amount bigint;

CREATE FUNCTION departures_follow_prices() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE departures SET price_version = price_version + 1,
               adult_amount = CASE WHEN OLD.category <> 'adult' THEN adult_amount END
        WHERE id = OLD.departure_id;
    ELSIF TG_OP = 'INSERT' OR NEW.amount IS DISTINCT FROM OLD.amount THEN
        UPDATE departures SET price_version = price_version + 1,
               adult_amount = CASE WHEN NEW.category = 'adult' THEN NEW.amount ELSE adult_amount END
        WHERE id = NEW.departure_id;
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER departure_prices_versioned ON departure_prices;
CREATE TRIGGER departure_prices_followed AFTER INSERT OR UPDATE OR DELETE ON departure_prices
    FOR EACH ROW EXECUTE FUNCTION departures_follow_prices();

UPDATE departures d SET adult_amount = c.amount FROM departure_prices c WHERE c.departure_id = d.id AND c.category = 'adult';

CREATE INDEX departures_by_price ON departures (package_id, currency, adult_amount, cutoff_at) WHERE status = 'open';
